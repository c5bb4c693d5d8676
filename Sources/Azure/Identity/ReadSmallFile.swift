import Glibc
import Support

/// The whole of a file that is known to be small: a token, a certificate.
func readSmallFile(_ path: String, limit: Int, what: String) throws(SluiceError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
        let reason = errno
        throw SluiceError(
            reason == ENOENT ? .notFound : reason == EACCES ? .permission : .inputOutput,
            "\(what) cannot be read: \(String(cString: strerror(reason)).lowercased())",
            place: .init(file: path))
    }
    defer { close(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 14)
    while bytes.count <= limit {
        let count = read(file, &block, block.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else {
            throw SluiceError(
                .inputOutput, "\(what) cannot be read: \(String(cString: strerror(errno)).lowercased())",
                place: .init(file: path))
        }
        if count == 0 { return bytes }
        bytes += block[..<count]
    }
    throw SluiceError(
        .limitExceeded, "\(what) is larger than \(limit >> 10) KiB", place: .init(file: path))
}
