import Glibc
import Support

/// Reads a file that may still grow, in whole lines.
struct LogTail {
    private let path: String
    private var offset = 0
    private var pending: [UInt8] = []
    /// Whether there was a file.
    private(set) var wasThere = false

    private static let chunk = 1 << 18

    /// The tail of the file at `path`, from its beginning.
    init(_ path: String) { self.path = path }

    /// The lines that were added since the last call, of a large file some of them; none when there is nothing new.
    mutating func read() throws(SluiceError) -> [String] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { return [] }
            throw failure()
        }
        defer { close(descriptor) }
        wasThere = true
        var lines: [String] = []
        var buffer = [UInt8](repeating: 0, count: Self.chunk)
        while lines.isEmpty {
            let count = pread(descriptor, &buffer, buffer.count, offset)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw failure() }
            if count == 0 { break }
            offset += count
            lines = take(buffer[..<count])
        }
        return lines
    }

    /// The lines that `bytes` complete.
    private mutating func take(_ bytes: ArraySlice<UInt8>) -> [String] {
        var lines: [String] = []
        var rest = bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            pending += rest[..<end]
            lines.append(String(decoding: pending, as: UTF8.self))
            pending.removeAll(keepingCapacity: true)
            rest = rest[(end + 1)...]
        }
        pending += rest
        return lines
    }

    /// What stands behind the last line end.
    var rest: String? { pending.isEmpty ? nil : String(decoding: pending, as: UTF8.self) }

    private func failure() -> SluiceError {
        let code: SluiceError.Code = errno == EACCES ? .permission : .inputOutput
        return SluiceError(code, "cannot be read: \(errorText())", place: .init(file: path))
    }
}
