import Glibc
import Support

/// Files without a name, which go when the last descriptor does.
enum TemporaryFile {
    /// `$TMPDIR`, or `/var/tmp`, which is on a disk where `/tmp` may be in memory.
    static var folder: String {
        if let named = getenv("TMPDIR"), named.pointee != 0 { return String(cString: named) }
        return access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp"
    }

    /// An empty one.
    static func make() throws(SluiceError) -> Descriptor {
        let path = "\(folder)/sluice.\(String(UInt64.random(in: .min ... .max), radix: 36))"
        let number = retried { open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
        if number < 0 { throw .system(errno, "no temporary file can be made there", path: folder) }
        unlink(path)
        return Descriptor(number)
    }

    /// A failure to write to one, with the reason why there is one at all.
    static func explained(_ error: SluiceError, _ why: String) -> SluiceError {
        var error = error
        error.message = "\(why), which failed: \(error.message)"
        error.hint = "Set TMPDIR to a folder with more space."
        return error
    }
}
