import Glibc
import Support

/// A program that is started, with an environment that is all its own.
struct Program: Sendable {
    /// The program and its arguments.
    var words: [String]
    /// All of its environment.
    var environment: [String: String]
    /// Where both of its outputs go; nil for nowhere.
    var output: String?
    /// Whether it belongs to no terminal and outlives whoever starts it; else it only leads a group of its own.
    var isDetached = false

    /// Starts it.
    ///
    /// - returns: Its process.
    func start() throws(SluiceError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output ?? "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What this process does about signals is its own affair.
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        // POSIX_SPAWN_SETSID is 0x80 in glibc, which its module does not show.
        let leader = isDetached ? 0x80 : Int(POSIX_SPAWN_SETPGROUP)
        posix_spawnattr_setflags(
            &attributes, Int16(leader | Int(POSIX_SPAWN_SETSIGDEF) | Int(POSIX_SPAWN_SETSIGMASK)))
        let pairs = environment.map { "\($0.key)=\($0.value)" }
        for text in words + pairs where text.utf8.contains(0) {
            throw SluiceError(.usage, "an argument or variable of \(words[0]) has a zero byte in it")
        }
        let arguments = words.map { strdup($0) } + [nil]
        let variables = pairs.map { strdup($0) } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var child = pid_t()
        let code = posix_spawn(&child, words[0], &actions, &attributes, arguments, variables)
        guard code == 0 else {
            throw SluiceError(
                code == EACCES || code == EPERM ? .permission : .inputOutput,
                "\(words[0]) cannot be started: \(String(cString: strerror(code)))")
        }
        return child
    }
}
