public import Glibc

/// A program that is to be started: as what, where, with which environment, and where its output goes.
///
/// It reads nothing, answers to signals as if nobody had changed that, and leads a group of its own, so that with it
/// everything can be ended that it starts.
///
///     let child = try ProcessStart(["/bin/echo", "hello"], environment: [:], output: .file("out.txt")).start()
public struct ProcessStart: Sendable {
    /// The program and its arguments. A program without a slash is looked for in this process's `PATH`.
    public var words: [String]
    /// All of its environment.
    public var environment: [String: String]
    /// The folder that it begins in; nil for this process's.
    public var folder: String?
    /// Where its standard output goes.
    public var output: Output
    /// Where its standard error goes; nil for where its output goes.
    public var errors: Output?
    /// Whether it belongs to no terminal and leads a session, so that it outlives whoever starts it.
    public var isDetached = false

    /// Where something goes that a program writes.
    public enum Output: Sendable {
        /// Nowhere.
        case nowhere
        /// To the end of the file at this path, which is made when it is not there, for nobody else to read.
        case file(String)
        /// To an open descriptor of this process.
        case descriptor(Int32)
    }

    /// A program that is to be started.
    public init(
        _ words: [String], environment: [String: String], folder: String? = nil, output: Output = .nowhere,
        errors: Output? = nil, isDetached: Bool = false
    ) {
        self.words = words
        self.environment = environment
        self.folder = folder
        self.output = output
        self.errors = errors
        self.isDetached = isDetached
    }

    /// Starts it. Whoever does so has to wait for it: see `ProcessEnd`.
    ///
    /// - returns: Its process, which is the number of its group as well.
    public func start() throws(SluiceError) -> pid_t {
        guard let program = words.first else { throw SluiceError(.usage, "there is no program to start") }
        let pairs = environment.map { "\($0.key)=\($0.value)" }
        for text in words + pairs where text.utf8.contains(0) {
            throw SluiceError(.invalidConfiguration, "an argument or variable of \(program) has a zero byte in it")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        try arrange(&actions)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        arrange(&attributes)
        let arguments = words.map { strdup($0) } + [nil]
        let variables = pairs.map { strdup($0) } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var child = pid_t()
        let code = posix_spawnp(&child, program, &actions, &attributes, arguments, variables)
        guard code == 0 else { throw failure(program, code) }
        return child
    }

    private func arrange(_ actions: inout posix_spawn_file_actions_t) throws(SluiceError) {
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        // Files are opened before the folder is changed: their paths are this process's.
        ProcessStart.lead(1, to: output, &actions)
        if let errors {
            ProcessStart.lead(2, to: errors, &actions)
        } else {
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        if let folder, !folder.isEmpty, folder != "." { try GNULibrary.changeFolder(&actions, folder) }
    }

    private static func lead(_ stream: Int32, to output: Output, _ actions: inout posix_spawn_file_actions_t) {
        switch output {
        case .nowhere: posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_WRONLY, 0)
        case .file(let path):
            posix_spawn_file_actions_addopen(&actions, stream, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        case .descriptor(let descriptor): posix_spawn_file_actions_adddup2(&actions, descriptor, stream)
        }
    }

    private func arrange(_ attributes: inout posix_spawnattr_t) {
        // What this process does about signals is its own affair.
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        let leader = isDetached ? GNULibrary.spawnSession : Int(POSIX_SPAWN_SETPGROUP)
        posix_spawnattr_setflags(
            &attributes, Int16(leader | Int(POSIX_SPAWN_SETSIGDEF) | Int(POSIX_SPAWN_SETSIGMASK)))
    }

    private func failure(_ program: String, _ code: Int32) -> SluiceError {
        if code == ENOENT {
            let place = folder ?? "."
            return place.isEmpty || access(place, X_OK) == 0
                ? SluiceError(.notFound, "the program \(program) is not there", hint: "install it, or say where it is")
                : SluiceError(
                    .notFound, "there is no folder \(place) to run \(program) in", hint: "make it, or name another")
        }
        return SluiceError(
            code == EACCES || code == EPERM ? .permission : .inputOutput,
            "\(program) cannot be started: \(String(cString: strerror(code)))",
            hint: code == EACCES ? "make it executable: chmod +x \(program)" : nil)
    }
}

/// How a program ended, as `waitpid` tells it.
public struct ProcessEnd: Sendable, Hashable {
    /// The signal that ended it; nil when it ended by itself.
    public let signal: Int?
    /// Its exit code; 128 and the signal's number when one ended it, as shells have it.
    public let code: Int

    /// What a status of `waitpid` means.
    public init(status: Int32) {
        let number = Int(status & 0x7f)
        signal = number == 0 ? nil : number
        code = number == 0 ? Int(status >> 8 & 0xff) : 128 + number
    }

    /// How `process` ended; nil when it has not.
    public static func now(of process: pid_t) -> ProcessEnd? {
        var status: Int32 = 0
        return waitpid(process, &status, WNOHANG) == process ? ProcessEnd(status: status) : nil
    }

    /// How `process` ended, once it has. Blocks its thread.
    public static func wait(for process: pid_t) throws(SluiceError) -> ProcessEnd {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else {
                throw SluiceError(
                    .inputOutput, "process \(process) cannot be waited for: \(String(cString: strerror(errno)))")
            }
        }
        return ProcessEnd(status: status)
    }
}

/// A pipe from a program to this process.
public struct ProcessPipe: Sendable {
    /// The end to read from.
    public let reading: Int32
    /// The end to hand to the program, and to close when it has been started.
    public let writing: Int32

    /// A pipe whose ends no other program gets, one that is started at the same moment among them.
    public init() throws(SluiceError) {
        var ends: [Int32] = [0, 0]
        guard GNULibrary.pipe(&ends) else {
            throw SluiceError(.inputOutput, "no pipe can be made: \(String(cString: strerror(errno)))")
        }
        reading = ends[0]
        writing = ends[1]
    }
}

/// What glibc has and its Swift module does not show.
private enum GNULibrary {
    /// `POSIX_SPAWN_SETSID`.
    static let spawnSession = 0x80

    static func pipe(_ ends: inout [Int32]) -> Bool {
        typealias Pipe = @convention(c) (UnsafeMutablePointer<Int32>, Int32) -> Int32
        guard let symbol = dlsym(nil, "pipe2") else { return false }
        return unsafeBitCast(symbol, to: Pipe.self)(&ends, O_CLOEXEC) == 0
    }

    /// Lets a child begin in `folder`.
    static func changeFolder(_ actions: inout posix_spawn_file_actions_t, _ folder: String) throws(SluiceError) {
        typealias Add = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> Int32
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addchdir_np"),
            unsafeBitCast(symbol, to: Add.self)(&actions, folder) == 0
        else {
            throw SluiceError(.unsupported, "programs can only be run in the current folder on this system")
        }
    }
}
