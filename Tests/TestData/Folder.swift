import Glibc
import Support

/// A folder that goes when the test does.
package final class Folder: Sendable {
    /// Where it is.
    package let path: String

    /// A new folder.
    package init() throws {
        var template = Array("/tmp/sluice-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SluiceError(.inputOutput, "no temporary folder") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { removeAll(path) }

    /// The path of a file in it.
    package func file(_ name: String) -> String { path + "/" + name }

    private func removeAll(_ folder: String) {
        chmod(folder, 0o700)
        if let stream = opendir(folder) {
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name == "." || name == ".." { continue }
                if entry.pointee.d_type == UInt8(DT_DIR) { removeAll(folder + "/" + name) }
                unlink(folder + "/" + name)
            }
            closedir(stream)
        }
        rmdir(folder)
    }
}
