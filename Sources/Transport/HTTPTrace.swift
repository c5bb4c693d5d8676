import Glibc
import Support

/// A record of exchanges, a JSON object a line: what was asked of whom and what was answered, without any secret.
///
///     {"service":"blob","method":"PUT","url":"https://…","request":{"headers":{…},"body":{"bytes":12}},
///      "response":{"status":201,"headers":{…},"body":null}}
///
/// Every attempt is a line, redirects too. Bodies in JSON are shown, others by their length. A line is appended in one
/// write, so several processes may share a file.
public final class HTTPTrace: Sendable {
    /// The one that the environment asks for with `SLUICE_HTTP_TRACE=FILE`.
    public static let shared: HTTPTrace? = {
        guard let path = getenv("SLUICE_HTTP_TRACE").map({ String(cString: $0) }), !path.isEmpty else { return nil }
        return HTTPTrace(path: path)
    }()

    /// The file.
    public let path: String
    private let descriptor: Int32
    private let failure: String?

    /// A record that is appended to the file at `path`. Whether that can be written is told by the first request.
    public init(path: String) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        failure = descriptor < 0 ? String(cString: strerror(errno)) : nil
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// - throws: `SluiceError` when the file could not be opened: a record with holes would be worse than none.
    func check() throws(SluiceError) {
        guard let failure else { return }
        throw SluiceError(
            .inputOutput, "the record of HTTP exchanges \(path) cannot be written: \(failure)",
            hint: "Name a file that can be written in SLUICE_HTTP_TRACE, or unset it.")
    }

    /// Appends a line.
    func write(_ line: JSONText) {
        let bytes = Array((line.text() + "\n").utf8)
        // What cannot be recorded now (a full disk) must not fail the work itself.
        _ = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}
