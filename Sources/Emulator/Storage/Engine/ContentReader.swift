import Glibc
import Support

/// Hands out a blob's bytes run by run, where they do not lie in one file.
final class ContentReader: ByteStream, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `ByteStream` demands.

    let name = "content"
    private let store: ContentStore
    private let pin: ContentPin
    private var left: ArraySlice<Extent>
    private var descriptor: Int32 = -1
    private var opened: UInt64 = 0

    private let blockSize: Int

    init(_ extents: [Extent], pin: ContentPin, in store: ContentStore, blockSize: Int = 1 << 19) {
        self.blockSize = blockSize
        left = extents[...]
        self.pin = pin
        self.store = store
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func next() async throws(SluiceError) -> Buffer? {
        guard var extent = left.popFirst() else { return nil }
        if descriptor < 0 || opened != extent.file {
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
            do throws(StorageFault) { descriptor = try store.open(extent.file) } catch {
                throw SluiceError(.inputOutput, error.message)
            }
            opened = extent.file
        }
        let count = min(extent.length, blockSize)
        let bytes = MutableBuffer(capacity: count)
        while bytes.count < count {
            let read = pread(
                descriptor, bytes.base + bytes.count, count - bytes.count, off_t(extent.offset + bytes.count))
            if read < 0, errno == EINTR { continue }
            if read <= 0 {
                throw SluiceError(.inputOutput, "a content file is shorter than it was", place: .init(file: name))
            }
            bytes.count += read
        }
        extent.offset += count
        extent.length -= count
        if extent.length > 0 { left.insert(extent, at: left.startIndex) }
        return bytes.freeze()
    }
}
