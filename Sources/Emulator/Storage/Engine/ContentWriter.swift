import Azure
import Glibc
import Support

/// Writes the bytes of one request into the room that was reserved for them.
final class ContentWriter: @unchecked Sendable {
    // `@unchecked Sendable` because one request at a time writes.

    /// Where the bytes lie.
    let extent: Extent
    private let descriptor: Int32
    private let pin: ContentPin
    private var written = 0
    private var crc: CRC64?
    private var md5: Digest?

    /// Room for `length` bytes, in a new file or behind the end of one that is there.
    init(
        _ store: ContentStore, length: Int, behind file: UInt64? = nil, wantsMD5: Bool, wantsCRC64: Bool
    ) throws(StorageFault) {
        extent = try store.reserve(length, behind: file)
        pin = ContentPin(counted: [extent], in: store)
        descriptor = try store.open(extent.file, forWriting: true)
        crc = wantsCRC64 ? CRC64() : nil
        if wantsMD5 {
            do { md5 = try Digest(.md5) } catch { throw .disk(error.message) }
        }
    }

    deinit { close(descriptor) }

    /// Takes all bytes of `body`, which has to have as many as were announced.
    func fill(from body: any ByteStream) async throws(StorageFault) {
        while true {
            let bytes: Buffer?
            do { bytes = try await body.next() } catch { throw .incomplete }
            guard let bytes else { break }
            try write(bytes)
        }
        if written != extent.length { throw .incomplete }
    }

    /// Takes more bytes.
    func write(_ bytes: Buffer) throws(StorageFault) {
        if written + bytes.count > extent.length { throw .input("The request body is longer than its Content-Length.") }
        crc?.update(bytes)
        md5?.update(bytes)
        let failure = bytes.withUnsafeBytes { bytes -> Int32 in
            var done = 0
            while done < bytes.count, let base = bytes.baseAddress {
                let count = pwrite(
                    descriptor, base + done, bytes.count - done, off_t(extent.offset + written + done))
                if count < 0 {
                    if errno == EINTR { continue }
                    return errno
                }
                done += count
            }
            return 0
        }
        if failure != 0 { throw .disk("The content cannot be written: \(String(cString: strerror(failure))).") }
        written += bytes.count
    }

    /// The checksums that were asked for, once all is written.
    func checksums() -> Checksums {
        Checksums(md5: md5.map { Base64.encode($0.finish()) }, crc64: crc.map { Base64.encode($0.bytes) })
    }
}

/// Checksums of some bytes, as headers have them.
struct Checksums: Sendable, Equatable {
    var md5: String?
    var crc64: String?
}
