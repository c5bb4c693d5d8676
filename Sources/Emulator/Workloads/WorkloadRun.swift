public import Glibc
public import Support
import Synchronization

/// A program that runs, watched by a thread of its own until it has ended.
public final class WorkloadRun: Sendable {
    /// Its process, which leads the group of all that it starts.
    public let process: pid_t
    /// When it was started.
    public let started: Moment
    private let workload: Workload
    private let state = Mutex(State())

    private struct State: Sendable {
        var end: WorkloadEnd?
        var waiters: [CheckedContinuation<WorkloadEnd, Never>] = []
        /// Why it is being ended, and when it is ended by force.
        var ending: (reason: WorkloadEnd.Reason, force: Moment)?
    }

    private init(_ process: pid_t, _ workload: Workload) {
        self.process = process
        self.workload = workload
        started = .now
    }

    /// Starts a program.
    static func start(_ workload: Workload) throws(SluiceError) -> WorkloadRun {
        let folder = try EmulatorFolder(workload.folder)
        var start: ProcessStart
        if let image = workload.image {
            let container = ContainerStart(image: image, workload: workload)
            try container.prepare()
            start = ProcessStart(try container.words(), environment: container.environment)
        } else {
            start = ProcessStart(
                workload.words, environment: workload.environment, folder: workload.workingFolder ?? workload.folder)
        }
        var pipes: [ProcessPipe] = []
        var log: Int32 = -1
        switch workload.output {
        case .files(let output, let errors):
            start.output = .file(output)
            start.errors = .file(errors)
        case .lines(let path):
            log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            guard log >= 0 else {
                throw SluiceError(
                    .inputOutput, "cannot be written: \(String(cString: strerror(errno)))", place: .init(file: path))
            }
            pipes = [try ProcessPipe(), try ProcessPipe()]
            start.output = .descriptor(pipes[0].writing)
            start.errors = .descriptor(pipes[1].writing)
        }
        defer { for pipe in pipes { close(pipe.writing) } }
        let process: pid_t
        do throws(SluiceError) { process = try start.start() } catch {
            for pipe in pipes { close(pipe.reading) }
            if log >= 0 { close(log) }
            throw error
        }
        // By this a later emulator finds what this one left running when it was killed.
        try? folder.write("\(process) \(ProcessFacts(process)?.started ?? 0)", to: "process")
        let run = WorkloadRun(process, workload)
        let readers = pipes.map(\.reading)
        let descriptor = log
        guard OwnThread.start({ run.watch(readers, descriptor) }) else {
            kill(-process, SIGKILL)
            _ = try? ProcessEnd.wait(for: process)
            for reader in readers { close(reader) }
            if log >= 0 { close(log) }
            throw SluiceError(
                .limitExceeded, "there are too many threads to run one more program", isTransient: true)
        }
        return run
    }

    /// How it ended, once it has.
    public func end() async -> WorkloadEnd {
        await withCheckedContinuation { continuation in
            let end = state.withLock { state -> WorkloadEnd? in
                if state.end == nil { state.waiters.append(continuation) }
                return state.end
            }
            if let end { continuation.resume(returning: end) }
        }
    }

    /// How it ended; nil while it runs.
    public var ended: WorkloadEnd? { state.withLock { $0.end } }

    /// Asks it to end, and ends it by force when it has not done so in its time of grace.
    public func stop() { stop(.stopped) }

    private func stop(_ reason: WorkloadEnd.Reason) {
        let isFirst = state.withLock { state in
            guard state.end == nil, state.ending == nil else { return false }
            let grace = reason == .outOfMemory ? Duration.zero : workload.grace
            state.ending = (reason, Moment(microseconds: Moment.now.microseconds + grace.microseconds))
            return true
        }
        if isFirst { kill(-process, reason == .outOfMemory ? SIGKILL : SIGTERM) }
    }

    // MARK: The watcher

    private func watch(_ readers: [Int32], _ log: Int32) {
        var writers = [LineWriter("stdout", to: log), LineWriter("stderr", to: log)]
        var open = readers
        var block = [UInt8](repeating: 0, count: 65_536)
        var nextLook = Moment.now
        var end: ProcessEnd?
        let deadline = workload.time.map { started.microseconds + $0.microseconds }
        for reader in readers { _ = fcntl(reader, F_SETFL, O_NONBLOCK) }

        /// Takes what is there; a stream that has ended is waited for no more.
        func drain() {
            for (index, reader) in open.enumerated() where reader >= 0 {
                while true {
                    let count = read(reader, &block, block.count)
                    if count > 0 {
                        writers[index].write(block[..<count])
                        // Who writes without end does not keep us from looking at the clock.
                        if count < block.count { break }
                        continue
                    }
                    if count < 0, errno == EINTR { continue }
                    if count == 0 {
                        close(reader)
                        open[index] = -1
                    }
                    break
                }
            }
        }

        while end == nil {
            var waiting = open.filter { $0 >= 0 }.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            poll(&waiting, nfds_t(waiting.count), waiting.isEmpty ? 20 : 50)
            drain()
            end = ProcessEnd.now(of: process)
            let now = Moment.now
            if let deadline, now.microseconds > deadline { stop(.timedOut) }
            if let force = state.withLock({ $0.ending?.force }), now > force { kill(-process, SIGKILL) }
            if let memory = workload.memory, now > nextLook {
                nextLook = now.later(300)
                if ProcessFacts.memory(of: process) > memory { stop(.outOfMemory) }
            }
        }
        // What it started and left behind ends with it.
        kill(-process, SIGKILL)
        drain()
        for (index, reader) in open.enumerated() where reader >= 0 {
            close(reader)
            open[index] = -1
        }
        if log >= 0 {
            for index in writers.indices { writers[index].write([], isLast: true) }
            close(log)
        }
        unlink("\(workload.folder)/process")
        finish(end?.code ?? 255)
    }

    private func finish(_ code: Int) {
        let (end, waiters) = state.withLock { state in
            let end = WorkloadEnd(code: code, reason: state.ending?.reason ?? .exited, ended: .now)
            state.end = end
            defer { state.waiters = [] }
            return (end, state.waiters)
        }
        for waiter in waiters { waiter.resume(returning: end) }
    }
}

extension Duration {
    /// The whole of it in microseconds.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedReportingOverflow(by: 1_000_000).partialValue + attoseconds / 1_000_000_000_000
    }
}
