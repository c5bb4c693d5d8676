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
    private static let bucketBudget = 57_000

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

    /// What was found among so many ids.
    private var known: (count: Int, limit: Int, found: Duplicates)?

    /// How many ids occur more than once, and those that occur most.
    typealias Duplicates = (count: Int, most: [(id: String, count: Int)])

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

    /// Calls `body` with each id of a run, or the first `limit`, and where it is kept.
    @inline(__always)
    static func ids(_ run: UnsafeRawBufferPointer, limit: Int = .max, _ body: (Bytes, Int) -> Void) {
        guard let base = run.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        var at = 0
        var number = 0
        while at < run.count, number < limit {
            let start = at
            number &+= 1
            var length = Int(base[at])
            at += 1
            if length == 255, at + 4 <= run.count {
                length = Int(run.loadUnaligned(fromByteOffset: at, as: UInt32.self))
                at += 4
            }
            guard length <= run.count - at else { return }
            body(Bytes(base + at, length), start)
            at += length
        }
    }

    /// Finds out what will be asked for. What keeps it from that is told whoever asks.
    func prepare(_ limit: Int) { _ = try? duplicates(limit) }

    /// How many ids occur more than once, and the `limit` that occur most.
    func duplicates(_ limit: Int) throws(SluiceError) -> Duplicates {
        if let known, known.count == count, known.limit == limit { return known.found }
        var found = 0
        var most = TopList<(id: String, count: Int)>(limit) { left, right in
            left.count != right.count ? left.count > right.count : left.id.utf8.lexicographicallyPrecedes(right.id.utf8)
        }
        let slots = Rows<UInt64>()
        for bucket in 0..<IDStore.buckets {
            let bytes = try whole(bucket)
            let run = UnsafeRawBufferPointer(start: bytes.base, count: bytes.count)
            let repeated = IDStore.repeated(run, slots)
            withExtendedLifetime(bytes) {
                for (start, times) in repeated {
                    IDStore.ids(UnsafeRawBufferPointer(rebasing: run[start...]), limit: 1) { id, _ in
                        found += 1
                        most.offer((id.text, times))
                    }
                }
            }
        }
        known = (count, limit, (found, most.elements))
        return (found, most.elements)
    }

    /// All ids of a bucket.
    private func whole(_ bucket: Int) throws(SluiceError) -> Rows<UInt8> {
        if let failure { throw failure }
        if segments[bucket].isEmpty { return memory[bucket] }
        let all = Rows<UInt8>(room: segments[bucket].reduce(memory[bucket].count) { $0 + $1.range.count })
        try runs(bucket) { run throws(SluiceError) in
            if let base = run.baseAddress { all.append(Bytes(base.assumingMemoryBound(to: UInt8.self), run.count)) }
        }
        return all
    }

    /// Where the ids that occur more than once first are in a run, and how often they occur.
    private static func repeated(_ run: UnsafeRawBufferPointer, _ slots: Rows<UInt64>) -> [Int: Int] {
        var count = 0
        ids(run) { _, _ in count += 1 }
        var mask = 63
        while mask < count * 2 { mask = mask * 2 + 1 }
        slots.resize(mask + 1)
        slots.base.initialize(repeating: 0, count: mask + 1)
        var repeated: [Int: Int] = [:]
        // A slot has the upper bits of a hash, and where its id is, plus one.
        let place: UInt64 = 1 << 40 - 1
        ids(run) { id, start in
            let hash = id.hash
            var at = Int(truncatingIfNeeded: hash) & mask
            while slots[at] != 0 {
                if slots[at] & ~place == hash & ~place {
                    let first = Int(slots[at] & place) - 1
                    var isSame = false
                    ids(UnsafeRawBufferPointer(rebasing: run[first...]), limit: 1) { other, _ in
                        isSame = other.equals(id)
                    }
                    if isSame {
                        repeated[first, default: 1] += 1
                        return
                    }
                }
                at = (at &+ 1) & mask
            }
            slots[at] = hash & ~place | UInt64(start + 1)
        }
        return repeated
    }
}
