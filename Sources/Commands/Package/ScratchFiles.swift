import Glibc
import Support

/// Files that are there only while a command runs.
enum ScratchFiles {
    /// Takes away a file that this process made, if it is still there.
    static func remove(_ path: String) { unlink(path) }

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

    /// A folder that nobody else has, in `$TMPDIR` or where it usually is.
    static func folder() throws(SluiceError) -> String {
        let name = "\(root)/sluice-\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 36))"
        if mkdir(name, 0o700) == 0 { return name }
        throw SluiceError(
            .inputOutput, "no folder can be made there: \(String(cString: strerror(errno)))", place: .init(file: root),
            hint: "set TMPDIR to a folder with space")
    }

    private static var root: String {
        getenv("TMPDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
    }

    /// One in `$TMPDIR`, or where it usually is.
    static func temporary() -> String {
        "\(root)/sluice.\(getpid()).\(String(UInt64.random(in: .min ... .max), radix: 36)).partial"
    }
}
