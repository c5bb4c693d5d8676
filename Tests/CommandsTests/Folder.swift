import Glibc

/// A folder of a test's own, gone with it.
final class Folder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/sluice-commands-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }

    deinit { _ = system("rm -rf '\(path)'") }

    /// Writes a file, and the folders that it lies in.
    func write(_ text: String, to name: String) {
        _ = system("mkdir -p \"$(dirname '\(path)/\(name)')\"")
        guard let file = fopen("\(path)/\(name)", "w") else { return }
        fputs(text, file)
        fclose(file)
    }

    /// The text of a file; nil when it is not there.
    func read(_ name: String) -> String? { Golden.contents(of: "\(path)/\(name)") }
}
