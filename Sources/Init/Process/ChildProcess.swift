import Glibc
import Support
import Synchronization

/// A program that is run to its end, in a process group of its own, so that with it everything ends that it has started.
///
/// It reads nothing, and what it writes is handed on line by line. A task that is cancelled asks the group to end, and after
/// a while makes it.
struct ChildProcess: Sendable {
    /// The program and its arguments.
    var words: [String]
    /// All of its environment.
    var environment: [String: String]
    /// Where it runs.
    var folder: String
    /// How long it may take to end when asked to.
    var stopWait = Duration.seconds(5)
    /// Told each line that it writes, and whether that was to standard error.
    var line: @Sendable (String, Bool) -> Void = { _, _ in }

    /// Lines are cut there, and what comes behind so many bytes in all is left out.
    static let lineLimit = 8 << 10
    static let outputLimit = 8 << 20

    /// Runs it.
    ///
    /// - returns: Its exit code; a signal's number behind 128, as shells have it.
    func run() async throws(SluiceError) -> Int32 {
        let stop = Stop()
        let outcome: Result<Int32, SluiceError> = await withTaskCancellationHandler {
            await BlockingQueue("sluice.child").run {
                do throws(SluiceError) { return .success(try work(stop)) } catch { return .failure(error) }
            }
        } onCancel: {
            stop.isWanted.store(true, ordering: .releasing)
        }
        if Task.isCancelled { throw SluiceError(.cancelled, "\(words.first ?? "the program") was stopped") }
        return try outcome.get()
    }

    private final class Stop: Sendable {
        let isWanted = Atomic(false)
    }

    private func work(_ stop: Stop) throws(SluiceError) -> Int32 {
        if stop.isWanted.load(ordering: .acquiring) { throw SluiceError(.cancelled, "nothing was started") }
        var streams = [Stream(isError: false), Stream(isError: true)]
        var ends: [Int32] = []
        defer { for stream in streams where stream.descriptor >= 0 { close(stream.descriptor) } }
        for index in streams.indices {
            var pair: [Int32] = [0, 0]
            guard GNU.pipe(&pair) else { throw failure("no pipe can be made", errno) }
            streams[index].descriptor = pair[0]
            ends.append(pair[1])
        }
        let child: pid_t
        do throws(SluiceError) {
            child = try spawn(ends)
        } catch {
            for end in ends { close(end) }
            throw error
        }
        for end in ends { close(end) }
        return follow(child, &streams, stop)
    }

    /// Reads what it writes until it has ended; ends its group when that is wanted.
    private func follow(_ child: pid_t, _ streams: inout [Stream], _ stop: Stop) -> Int32 {
        var status: Int32 = 0
        var hasEnded = false
        var asked: ContinuousClock.Instant?
        var drained: ContinuousClock.Instant?
        var room = ChildProcess.outputLimit
        while true {
            let mayRead = streams.contains { $0.descriptor >= 0 }
            if hasEnded, !mayRead { break }
            // What it left behind in the background may hold its streams for ever.
            if let drained, ContinuousClock.now - drained > .seconds(1) { break }
            var polls = streams.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            _ = poll(&polls, nfds_t(polls.count), mayRead ? 50 : 20)
            for (index, poll) in polls.enumerated() where poll.revents != 0 {
                let isError = streams[index].isError
                for text in streams[index].read(&room) { line(text, isError) }
            }
            if !hasEnded, waitpid(child, &status, WNOHANG) == child {
                hasEnded = true
                drained = ContinuousClock.now
            }
            guard stop.isWanted.load(ordering: .acquiring) else { continue }
            if let asked {
                if ContinuousClock.now - asked > stopWait { kill(-child, SIGKILL) }
            } else {
                kill(-child, SIGTERM)
                asked = ContinuousClock.now
            }
        }
        if stop.isWanted.load(ordering: .acquiring) { kill(-child, SIGKILL) }
        for index in streams.indices {
            if let text = streams[index].finish() { line(text, streams[index].isError) }
        }
        if status & 0x7f == 0 { return status >> 8 & 0xff }
        return 128 + (status & 0x7f)
    }

    // MARK: Starting

    private func spawn(_ ends: [Int32]) throws(SluiceError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[0], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        if !folder.isEmpty, folder != "." { try GNU.changeFolder(&actions, folder) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What this process does about signals is its own affair.
        var usual = sigset_t()
        sigfillset(&usual)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK))
        let pairs = environment.map { "\($0.key)=\($0.value)" }
        for text in words + pairs where text.utf8.contains(0) {
            throw SluiceError(.invalidConfiguration, "an argument or variable of \(words[0]) has a zero byte in it")
        }
        let arguments = words.map { strdup($0) } + [nil]
        let variables = pairs.map { strdup($0) } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var child = pid_t()
        let code = posix_spawnp(&child, words[0], &actions, &attributes, arguments, variables)
        if code == ENOENT {
            let isFolder = folder.isEmpty || folder == "." || access(folder, X_OK) == 0
            throw SluiceError(
                .notFound,
                isFolder ? "the program \(words[0]) is not there" : "there is no folder \(folder) to run in",
                hint: isFolder ? "install it, or say where it is" : "make it, or name another with folder:")
        }
        guard code == 0 else { throw failure("\(words[0]) cannot be started", code) }
        return child
    }

    private func failure(_ message: String, _ code: Int32) -> SluiceError {
        SluiceError(
            code == EACCES || code == EPERM ? .permission : .inputOutput,
            "\(message): \(String(cString: strerror(code)))",
            hint: code == EACCES ? "make it executable: chmod +x \(words[0])" : nil)
    }
}

/// What glibc has and its Swift module does not show.
private enum GNU {
    /// A pipe whose ends no other program gets, one that is started at the same moment among them.
    static func pipe(_ ends: inout [Int32]) -> Bool {
        typealias Pipe = @convention(c) (UnsafeMutablePointer<Int32>, Int32) -> Int32
        guard let symbol = dlsym(nil, "pipe2") else { return false }
        return unsafeBitCast(symbol, to: Pipe.self)(&ends, O_CLOEXEC) == 0
    }

    /// Lets a child run in `folder`.
    static func changeFolder(_ actions: inout posix_spawn_file_actions_t, _ folder: String) throws(SluiceError) {
        typealias Add = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> Int32
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addchdir_np"),
            unsafeBitCast(symbol, to: Add.self)(&actions, folder) == 0
        else {
            throw SluiceError(.unsupported, "programs can only be run in the current folder on this system")
        }
    }
}

/// What a child writes to one of its streams, as lines.
private struct Stream {
    let isError: Bool
    var descriptor: Int32 = -1
    private var pending: [UInt8] = []
    private var isCut = false

    init(isError: Bool) { self.isError = isError }

    /// Reads what is there.
    ///
    /// - returns: The lines that it completes.
    mutating func read(_ room: inout Int) -> [String] {
        var lines: [String] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return [] }
        guard count > 0 else {
            close(descriptor)
            descriptor = -1
            return []
        }
        if room <= 0 { return [] }
        room -= count
        for byte in buffer[..<count] {
            if byte == UInt8(ascii: "\n") {
                lines.append(flush())
            } else if pending.count < ChildProcess.lineLimit {
                pending.append(byte)
            } else {
                isCut = true
            }
        }
        if room <= 0 {
            lines.append(flush())
            lines.append("… and more than is kept of one command's output")
        }
        return lines
    }

    /// What stands behind the last line end.
    mutating func finish() -> String? { pending.isEmpty ? nil : flush() }

    private mutating func flush() -> String {
        if pending.last == UInt8(ascii: "\r") { pending.removeLast() }
        defer {
            pending.removeAll(keepingCapacity: true)
            isCut = false
        }
        return String(decoding: pending, as: UTF8.self) + (isCut ? "…" : "")
    }
}
