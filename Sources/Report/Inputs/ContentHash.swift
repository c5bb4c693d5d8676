import CStripes
import Storage
import Support

/// The hash by which contents are told apart: as hard to deceive as SHA-256, and fast enough to run beside the reading.
///
/// Sixteen chains take a column of the bytes each; the SHA-256 of their ends, of what is left over and of the length
/// is the hash.
struct ContentHash: ~Copyable, Sendable {
    private var state = sluice_stripes()
    /// What does not fill a row yet.
    private var rest: [UInt8] = []
    private var length = 0

    init() { sluice_stripes_begin(&state) }

    /// Takes more bytes in.
    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let row = Int(SLUICE_STRIPES_ROW)
        length += bytes.count
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

    /// The hash in hexadecimal digits; more bytes may follow, and it can be asked for again.
    func finish() throws(SluiceError) -> String {
        let hash = try SHA256()
        withUnsafeBytes(of: state.words) { hash.update($0) }
        rest.withUnsafeBytes { hash.update($0) }
        withUnsafeBytes(of: UInt64(length).littleEndian) { hash.update($0) }
        return hash.finish()
    }

    /// The hash of all bytes of the file at `place`.
    static func hash(of place: FilePlace) async throws(SluiceError) -> String {
        var hash = ContentHash()
        let stream = try await place.open().stream()
        while let bytes = try await stream.next() {
            if Task.isCancelled { throw SluiceError(.cancelled, "stopped", place: .init(file: place.name)) }
            bytes.withUnsafeBytes { hash.update($0) }
        }
        return try hash.finish()
    }
}
