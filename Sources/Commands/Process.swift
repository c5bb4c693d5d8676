import Glibc
import Sluice
import Storage
import Support

extension Program {
    /// The program in its process: real streams, signals that cancel, and the number to exit with.
    ///
    /// The first SIGINT or SIGTERM cancels the command, which removes what it had half-written; the second ends the
    /// process at once.
    public static func main(_ arguments: [String]) async -> Int32 {
        // A reader that goes away must show as EPIPE, not kill us.
        signal(SIGPIPE, SIG_IGN)
        // A file that may not grow must show as an error, not kill us.
        signal(SIGXFSZ, SIG_IGN)
        let context = Context.process()
        let task = Task { await Program.run(Array(arguments.dropFirst()), in: context) }
        Signals.watch { cause in
            guard context.cancellation.request(cause) else { _exit(cause.exitCode.number) }
            task.cancel()
        }
        return await task.value.number
    }
}

extension Context {
    /// The context of this process.
    static func process() -> Context {
        let environment = Workspace.processEnvironment()
        var context = Context(
            output: descriptorOutput(STDOUT_FILENO, "standard output"),
            messages: descriptorOutput(STDERR_FILENO, "standard error", hidesSecrets: true),
            input: { () throws(SluiceError) in try Storage.open(Storage.standardName) },
            binaryOutput: { () throws(SluiceError) in try Storage.create(Storage.standardName) },
            terminal: Terminal(environment: environment), environment: environment,
            now: {
                var time = timespec()
                clock_gettime(CLOCK_MONOTONIC, &time)
                return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
            })
        context.changesProcessFolder = true
        return context
    }

    /// An output that writes to a file descriptor at once and whole.
    private static func descriptorOutput(
        _ descriptor: Int32, _ name: String, hidesSecrets: Bool = false
    ) -> TextOutput {
        TextOutput(hidesSecrets: hidesSecrets) { bytes throws(SluiceError) in
            var rest = bytes
            while let start = rest.baseAddress, rest.count > 0 {
                let written = Glibc.write(descriptor, start, rest.count)
                if written < 0, errno == EINTR { continue }
                // EBADF: the stream was closed before we started, and nobody reads it either.
                if written < 0, errno == EPIPE || errno == EBADF { return false }
                if written < 0 {
                    throw SluiceError(.inputOutput, "writing failed: \(errorText())", place: .init(file: name))
                }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
            }
            return true
        }
    }
}

func errorText(_ number: Int32 = errno) -> String { String(cString: strerror(number)) }

extension Terminal {
    /// The terminal of this process.
    init(environment: [String: String]) {
        self.init(
            inputIsTerminal: isatty(STDIN_FILENO) == 1, outputIsTerminal: isatty(STDOUT_FILENO) == 1,
            messagesAreTerminal: isatty(STDERR_FILENO) == 1,
            width: Terminal.width(environment),
            wantsColor: (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb")
    }

    private static func width(_ environment: [String: String]) -> Int? {
        for descriptor in [STDOUT_FILENO, STDERR_FILENO] {
            var size = winsize()
            if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 { return Int(size.ws_col) }
        }
        return environment["COLUMNS"].flatMap { Int($0) }
    }
}
