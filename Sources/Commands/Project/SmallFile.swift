import Glibc
import Storage
import Support

/// Files of a few kilobytes that a command reads or writes whole.
enum SmallFile {
    /// The bytes of a file; nil when there is none.
    ///
    /// - parameter limit: The most bytes that it may have.
    static func read(_ path: String, named name: String, limit: Int) throws(SluiceError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw failure("cannot be read", name)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw failure("cannot be read", name) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            if bytes.count > limit {
                throw SluiceError(
                    .limitExceeded, "is larger than \(Quantities.describe(bytes: limit))", place: .init(file: name))
            }
        }
    }

    /// Writes a file that is not there yet.
    static func create(_ path: String, named name: String, _ text: String) throws(SluiceError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        if descriptor < 0 { throw failure("cannot be written", name) }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw failure("cannot be written", name) }
            rest = rest.dropFirst(count)
        }
    }

    private static func failure(_ message: String, _ name: String) -> SluiceError {
        let code: SluiceError.Code = errno == EACCES || errno == EPERM ? .permission : .inputOutput
        return SluiceError(code, "\(message): \(errorText())", place: .init(file: name))
    }
}
