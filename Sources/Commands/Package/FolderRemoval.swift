import Glibc
import Support

/// Takes away a folder that this process made, with all that is in it.
enum FolderRemoval {
    static func remove(_ path: String, depth: Int = 0) {
        guard depth < 16, let folder = opendir(path) else { return }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        closedir(folder)
        for name in names where unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)", depth: depth + 1) }
        rmdir(path)
    }

    /// Takes away a file that this process made, if it is still there.
    static func removeFile(_ path: String) { unlink(path) }

    /// Gives a file that this process made its own name, in place of another of that name.
    static func move(_ path: String, to target: String) throws(SluiceError) {
        if rename(path, target) != 0 {
            throw SluiceError(
                .inputOutput, "cannot be put in place: \(String(cString: strerror(errno)))", place: .init(file: target))
        }
    }
}

/// Names of files that are there only while a command runs.
enum ScratchName {
    /// One in the folder of `path`.
    static func beside(_ path: String) -> String { "\(path).\(getpid()).partial" }

    /// One in `$TMPDIR`, or where it usually is.
    static func temporary() -> String {
        let folder = getenv("TMPDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        return "\(folder)/sluice.\(getpid()).\(String(UInt64.random(in: .min ... .max), radix: 36)).partial"
    }
}
