import CStripes
import Glibc
import Storage
import Support

/// The hash by which contents are told apart: as hard to deceive as SHA-256, and fast enough to run beside the reading.
///
/// It is a tree of one floor: each block of the content has a hash of its own, by whoever read it, and the SHA-256 of
/// these and of the length is the hash. A block's hash are sixteen chains that take a column of its bytes each, and
/// the SHA-256 of their ends and of what fills no row.
struct ContentHash: ~Copyable, Sendable {
    /// How many bytes a block has; the last one may have fewer.
    static let blockSize = 256 << 10

    /// The hash of a block.
    typealias Block = (UInt64, UInt64, UInt64, UInt64)

    private var blocks: [Block] = []
    private var state = sluice_stripes()
    /// What does not fill a row yet.
    private var rest: [UInt8] = []
    private var length = 0

    init() { sluice_stripes_begin(&state) }

    /// The hash of a content of so many bytes that has these blocks.
    static func hash(_ blocks: some Collection<Block>, length: Int) throws(SluiceError) -> String {
        let hash = try SHA256()
        for block in blocks { withUnsafeBytes(of: block) { hash.update($0) } }
        end(hash, length, kind: 1)
        return hash.finish()
    }

    /// The hash of one block.
    static func hash(block bytes: UnsafeRawBufferPointer) throws(SluiceError) -> Block {
        var state = sluice_stripes()
        sluice_stripes_begin(&state)
        let rows = bytes.count / Int(SLUICE_STRIPES_ROW)
        if let start = bytes.baseAddress {
            sluice_stripes_take(&state, start.assumingMemoryBound(to: UInt8.self), rows)
        }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[(rows * Int(SLUICE_STRIPES_ROW))...])
        return try hash(state, rest, length: bytes.count)
    }

    private static func hash(
        _ state: sluice_stripes, _ rest: UnsafeRawBufferPointer, length: Int
    ) throws(SluiceError) -> Block {
        let hash = try SHA256()
        withUnsafeBytes(of: state.words) { hash.update($0) }
        hash.update(rest)
        end(hash, length, kind: 0)
        var block: Block = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &block) { hash.finish(into: $0) }
        return block
    }

    /// The length, and what it is the length of: a block's hash never is that of a content.
    private static func end(_ hash: SHA256, _ length: Int, kind: UInt64) {
        withUnsafeBytes(of: UInt64(length).littleEndian) { hash.update($0) }
        withUnsafeBytes(of: kind.littleEndian) { hash.update($0) }
    }

    /// Takes more bytes in.
    mutating func update(_ bytes: UnsafeRawBufferPointer) throws(SluiceError) {
        var bytes = bytes
        while bytes.count > 0 {
            let taken = min(bytes.count, ContentHash.blockSize - length % ContentHash.blockSize)
            fill(UnsafeRawBufferPointer(rebasing: bytes[..<taken]))
            length += taken
            bytes = UnsafeRawBufferPointer(rebasing: bytes[taken...])
            if length % ContentHash.blockSize == 0 {
                blocks.append(try last(ContentHash.blockSize))
                sluice_stripes_begin(&state)
                rest.removeAll(keepingCapacity: true)
            }
        }
    }

    /// Takes more bytes of a block in.
    private mutating func fill(_ bytes: UnsafeRawBufferPointer) {
        let row = Int(SLUICE_STRIPES_ROW)
        var bytes = bytes
        if rest.count > 0 {
            let taken = min(row - rest.count, bytes.count)
            rest += bytes[..<taken]
            bytes = UnsafeRawBufferPointer(rebasing: bytes[taken...])
            if rest.count < row { return }
            sluice_stripes_take(&state, rest, 1)
            rest.removeAll(keepingCapacity: true)
        }
        let rows = bytes.count / row
        if rows > 0, let start = bytes.baseAddress {
            sluice_stripes_take(&state, start.assumingMemoryBound(to: UInt8.self), rows)
        }
        rest += bytes[(rows * row)...]
    }

    private func last(_ length: Int) throws(SluiceError) -> Block {
        let hash = rest.withUnsafeBytes { rest -> Result<Block, SluiceError> in
            do throws(SluiceError) {
                return .success(try ContentHash.hash(state, rest, length: length))
            } catch {
                return .failure(error)
            }
        }
        return try hash.get()
    }

    /// The hash in hexadecimal digits; more bytes may follow, and it can be asked for again.
    func finish() throws(SluiceError) -> String {
        let open = length % ContentHash.blockSize
        let all = open > 0 ? blocks + [try last(open)] : blocks
        return try ContentHash.hash(all, length: length)
    }

    /// The hash of all bytes of the file at `place`.
    static func hash(of place: FilePlace) async throws(SluiceError) -> String {
        try await hash(of: try await place.open())
    }

    /// The hash of all bytes of `file`.
    static func hash(of file: any StreamSource) async throws(SluiceError) -> String {
        var hash = ContentHash()
        let stream = try await file.stream()
        while let bytes = try await stream.next() {
            if Task.isCancelled { throw SluiceError(.cancelled, "stopped", place: .init(file: file.name)) }
            try bytes.withUnsafeBytes { (bytes) throws(SluiceError) in try hash.update(bytes) }
        }
        return try hash.finish()
    }
}
