import Glibc
public import Support

/// A file without a name for what does not fit in memory: written at its end, read anywhere, gone with its last user.
public final class ScratchFile: @unchecked Sendable {
    // `@unchecked Sendable` because one user at a time appends, and what was appended does not change.

    private let descriptor: Descriptor
    /// How many bytes were appended.
    public private(set) var size = 0

    /// An empty file in `$TMPDIR`, or else in `/var/tmp`.
    public init() throws(SluiceError) { descriptor = try TemporaryFile.make() }

    /// Appends bytes, and says where they are.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(SluiceError) -> Range<Int> {
        let start = size
        do throws(SluiceError) {
            try descriptor.write(bytes, name: TemporaryFile.folder)
        } catch {
            throw TemporaryFile.explained(error, "what does not fit in memory is kept in a temporary file")
        }
        size += bytes.count
        return start..<size
    }

    /// Reads what was appended.
    public func read(_ range: Range<Int>) throws(SluiceError) -> Buffer {
        let bytes = MutableBuffer(capacity: range.count)
        while bytes.count < range.count {
            let read = try descriptor.read(
                into: bytes.base + bytes.count, count: range.count - bytes.count, at: range.lowerBound + bytes.count,
                name: TemporaryFile.folder)
            if read == 0 {
                throw SluiceError(
                    .inputOutput, "a temporary file ends before its time", place: .init(file: TemporaryFile.folder))
            }
            bytes.count += read
        }
        return bytes.freeze()
    }
}
