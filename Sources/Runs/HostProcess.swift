import Glibc

/// Processes of this machine, and whether they are still there.
public enum HostProcess {
    /// This process: its id, and when it began in clock ticks since the machine started.
    public static var current: (id: Int32, started: UInt64) {
        identity(of: getpid())
    }

    /// A process, and when it began.
    public static func identity(of id: Int32) -> (id: Int32, started: UInt64) { (id, stat(of: id)?.started ?? 0) }

    /// How many bytes of memory a process has; nil when it is gone.
    public static func memory(of id: Int32) -> Int? {
        guard let text = contents(of: "/proc/\(id)/statm") else { return nil }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? Int(fields[1]).map { $0 * Int(getpagesize()) } : nil
    }

    /// The machine's name.
    public static let host: String = {
        var name = utsname()
        guard uname(&name) == 0 else { return "unknown" }
        return withUnsafeBytes(of: name.nodename) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }()

    /// Who this process works for: `user@host`.
    public static let who: String = {
        let user = getpwuid(geteuid()).flatMap { $0.pointee.pw_name }.map { String(cString: $0) }
        return "\(user ?? String(geteuid()))@\(host)"
    }()

    /// Tells one start of the machine from another, between which process ids come again.
    public static let boot: String = {
        guard let text = contents(of: "/proc/sys/kernel/random/boot_id") else { return "" }
        return String(text.prefix { !$0.isNewline })
    }()

    /// Whether the process with this id that began at this time is still at work. One that ended and was not collected
    /// by its parent yet is not.
    public static func isAlive(_ id: Int32, started: UInt64) -> Bool {
        guard let stat = stat(of: id) else { return false }
        return stat.started == started && !"ZX".contains(stat.state)
    }

    /// What `/proc` says of a process; nil when there is none.
    private static func stat(of id: Int32) -> (state: Character, started: UInt64)? {
        // Its name stands in parentheses, and may have spaces and parentheses itself: fields count from the last one.
        guard let text = contents(of: "/proc/\(id)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let started = UInt64(fields[19]) else { return nil }
        return (state, started)
    }

    private static func contents(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}
