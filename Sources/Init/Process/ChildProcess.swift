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
        let child: pid_t
        do throws(SluiceError) {
            for index in streams.indices {
                let pipe = try ProcessPipe()
                streams[index].descriptor = pipe.reading
                ends.append(pipe.writing)
            }
            child = try ProcessStart(
                words, environment: environment, folder: folder, output: .descriptor(ends[0]),
                errors: .descriptor(ends[1])
            ).start()
        } catch {
            for end in ends { close(end) }
            throw error
        }
        for end in ends { close(end) }
        return follow(child, &streams, stop)
    }

    /// Reads what it writes until it has ended; ends its group when that is wanted.
    private func follow(_ child: pid_t, _ streams: inout [Stream], _ stop: Stop) -> Int32 {
        var end: ProcessEnd?
        var asked: ContinuousClock.Instant?
        var drained: ContinuousClock.Instant?
        var room = ChildProcess.outputLimit
        while true {
            let mayRead = streams.contains { $0.descriptor >= 0 }
            if end != nil, !mayRead { break }
            // What it left behind in the background may hold its streams for ever.
            if let drained, ContinuousClock.now - drained > .seconds(1) { break }
            var polls = streams.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            _ = poll(&polls, nfds_t(polls.count), mayRead ? 50 : 20)
            for (index, poll) in polls.enumerated() where poll.revents != 0 {
                let isError = streams[index].isError
                for text in streams[index].read(&room) { line(text, isError) }
            }
            if end == nil, let now = ProcessEnd.now(of: child) {
                end = now
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
        return Int32(end?.code ?? 1)
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
