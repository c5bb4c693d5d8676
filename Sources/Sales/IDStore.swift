import Storage
import Support

/// All transaction ids, so that those that occur twice are found: in memory as long as they are few, else in a file.
///
/// Ids lie in buckets by their hash. A bucket at a time is looked through in the end, so that neither many ids nor many
/// parts of a report need more memory than a bucket.
final class IDStore: @unchecked Sendable {
    // `@unchecked Sendable` because one task at a time holds the tally that this is part of.

    static let buckets = 64
    /// How many bytes of a bucket are held in memory: a little less than the room that doubling makes.
    private static let bucketBudget = 114_000

    private struct Segment {
        var file: ScratchFile
        var range: Range<Int>
    }

    private let memory = (0..<IDStore.buckets).map { _ in Rows<UInt8>(room: 256) }
    private var segments = [[Segment]](repeating: [], count: IDStore.buckets)
    private var file: ScratchFile?
    private(set) var count = 0
    /// Why ids could not be kept, if so.
    private(set) var failure: SluiceError?

    /// Keeps another id.
    @inline(__always) func add(_ id: Bytes) {
        let bucket = Int(truncatingIfNeeded: id.hash >> 58)
        let rows = memory[bucket]
        rows.reserve(id.count &+ 5)
        let end = rows.base + rows.count
        var head = 1
        if id.count < 255 {
            end[0] = UInt8(truncatingIfNeeded: id.count)
        } else {
            end[0] = 255
            UnsafeMutableRawPointer(end + 1).storeBytes(of: UInt32(truncatingIfNeeded: id.count), as: UInt32.self)
            head = 5
        }
        UnsafeMutableRawPointer(end + head).copyMemory(from: id.start, byteCount: id.count)
        rows.resize(rows.count &+ head &+ id.count)
        count &+= 1
        if rows.count > IDStore.bucketBudget { spill(bucket) }
    }

    /// Takes over what `other` has.
    func merge(_ other: IDStore) {
        for bucket in 0..<IDStore.buckets {
            let rows = other.memory[bucket]
            memory[bucket].append(Bytes(UnsafePointer(rows.base), rows.count))
            segments[bucket] += other.segments[bucket]
            if memory[bucket].count > IDStore.bucketBudget { spill(bucket) }
        }
        count += other.count
        failure = failure ?? other.failure
    }

    @inline(never) private func spill(_ bucket: Int) {
        guard failure == nil else { return }
        do throws(SluiceError) {
            let file: ScratchFile
            if let made = self.file { file = made } else { file = try ScratchFile() }
            self.file = file
            let rows = memory[bucket]
            let range = try file.append(UnsafeRawBufferPointer(start: rows.base, count: rows.count))
            segments[bucket].append(Segment(file: file, range: range))
            rows.resize(0)
        } catch {
            failure = error
        }
    }

    /// Calls `body` with runs of whole ids of a bucket, as they are kept.
    func runs(_ bucket: Int, _ body: (UnsafeRawBufferPointer) throws(SluiceError) -> Void) throws(SluiceError) {
        if let failure { throw failure }
        for segment in segments[bucket] {
            let bytes = try segment.file.read(segment.range)
            try bytes.withUnsafeBytes(body)
        }
        let rows = memory[bucket]
        try body(UnsafeRawBufferPointer(start: rows.base, count: rows.count))
    }

    /// Calls `body` with each id of a run.
    static func ids(_ run: UnsafeRawBufferPointer, _ body: (Bytes) -> Void) {
        guard let base = run.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        var at = 0
        while at < run.count {
            var length = Int(base[at])
            at += 1
            if length == 255, at + 4 <= run.count {
                length = Int(run.loadUnaligned(fromByteOffset: at, as: UInt32.self))
                at += 4
            }
            guard length <= run.count - at else { return }
            body(Bytes(base + at, length))
            at += length
        }
    }

    /// How many ids occur more than once, and the `limit` that occur most.
    func duplicates(_ limit: Int) throws(SluiceError) -> (count: Int, most: [(id: String, count: Int)]) {
        var found = 0
        var most = TopList<(id: String, count: Int)>(limit) { left, right in
            left.count != right.count ? left.count > right.count : left.id.utf8.lexicographicallyPrecedes(right.id.utf8)
        }
        for bucket in 0..<IDStore.buckets {
            let table = KeyTable(0, expecting: count / IDStore.buckets)
            try runs(bucket) { run throws(SluiceError) in
                IDStore.ids(run) { id in
                    // The row comes first: making one may move all of them.
                    let row = table.row(id)
                    table.at(row).pointee &+= 1
                }
            }
            for row in 0..<table.count where table[row] > 1 {
                found += 1
                most.offer((table.key(row).text, table[row]))
            }
        }
        return (found, most.elements)
    }
}
