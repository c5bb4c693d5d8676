import Glibc
import Support

/// A program on this machine that is run for what it prints.
enum LocalProcess {
    struct Outcome: Sendable {
        /// The exit code; 128 and the signal's number when one ended it.
        var status: Int
        var output: [UInt8]
        var errors: [UInt8]
    }

    /// Runs a program to its end, in `folder`. Blocks its thread.
    ///
    /// - throws: `SluiceError` when it cannot be started, prints too much, or takes too long: it is killed then.
    static func run(
        _ path: String, _ arguments: [String], environment: [String: String], folder: String,
        within time: Duration,
        limit: Int
    ) throws(SluiceError) -> Outcome {
        var output: [Int32] = [-1, -1]
        var errors: [Int32] = [-1, -1]
        guard pipe(&output) == 0 else { throw failed(path, errno) }
        guard pipe(&errors) == 0 else {
            let reason = errno
            output.forEach { close($0) }
            throw failed(path, reason)
        }
        // Our own copies are closed in the program: it holds what the actions of its start give it.
        for end in output + errors { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var process = pid_t()
        let status = start(&process, path, arguments, environment, folder, output[1], errors[1])
        close(output[1])
        close(errors[1])
        defer {
            close(output[0])
            close(errors[0])
        }
        guard status == 0 else { throw failed(path, status) }
        do throws(SluiceError) {
            let texts = try collect([output[0], errors[0]], path, within: time, limit: limit)
            return Outcome(status: try wait(for: process, path), output: texts[0], errors: texts[1])
        } catch {
            // Its children too: `az` is a script that starts others.
            kill(-process, SIGKILL)
            kill(process, SIGKILL)
            _ = try? wait(for: process, path)
            throw error
        }
    }

    private static func start(
        _ process: inout pid_t, _ path: String, _ arguments: [String], _ environment: [String: String],
        _ folder: String, _ output: Int32, _ errors: Int32
    ) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        // The shell changes the folder and becomes the program; what it is given is not read as a script.
        let shell = ["/bin/sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh", folder]
        let words = (shell + [path] + arguments).map { strdup($0) }
        let variables = environment.map { strdup("\($0.key)=\($0.value)") }
        defer { (words + variables).forEach { free($0) } }
        return posix_spawn(&process, "/bin/sh", &actions, &attributes, words + [nil], variables + [nil])
    }

    /// What comes out of both ends until they are closed.
    private static func collect(
        _ ends: [Int32], _ path: String, within time: Duration, limit: Int
    ) throws(SluiceError) -> [[UInt8]] {
        var texts: [[UInt8]] = [[], []]
        var open = [true, true]
        let clock = ContinuousClock()
        let deadline = clock.now + time
        var block = [UInt8](repeating: 0, count: 1 << 14)
        while open[0] || open[1] {
            let left = deadline - clock.now
            let milliseconds =
                left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            guard milliseconds > 0 else {
                throw SluiceError(
                    .timedOut, "\(path) did not end within \(time.components.seconds) s",
                    hint: "try it yourself: az account show")
            }
            var polls = (0..<2).map {
                pollfd(fd: open[$0] ? ends[$0] : -1, events: Int16(POLLIN), revents: 0)
            }
            guard poll(&polls, 2, Int32(clamping: milliseconds)) >= 0 || errno == EINTR else {
                throw failed(path, errno)
            }
            for place in 0..<2 where polls[place].revents != 0 {
                let count = read(ends[place], &block, block.count)
                if count > 0 {
                    texts[place] += block[..<count]
                } else if count == 0 || errno != EINTR {
                    open[place] = false
                }
            }
            if texts.contains(where: { $0.count > limit }) {
                throw SluiceError(.limitExceeded, "\(path) printed more than \(limit >> 10) KiB")
            }
        }
        return texts
    }

    private static func wait(for process: pid_t, _ path: String) throws(SluiceError) -> Int {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            if errno != EINTR { throw failed(path, errno) }
        }
        let signal = Int(status & 0x7f)
        return signal == 0 ? Int(status >> 8 & 0xff) : 128 + signal
    }

    private static func failed(_ path: String, _ reason: Int32) -> SluiceError {
        SluiceError(
            .inputOutput, "\(path) cannot be run: \(String(cString: strerror(reason)).lowercased())")
    }
}
