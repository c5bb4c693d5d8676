import Glibc
import Synchronization

/// SIGINT and SIGTERM, told to a thread, so that nothing of ours runs inside a signal handler.
///
/// Handlers, and not a mask with `sigwait`: the runtime parks the main thread with all signals let through, where one
/// would end the process. A child process gets the signals' own meaning back by itself.
enum Signals {
    /// Calls `act` for every signal from now on, on a thread of its own. Signals that the caller of this process told
    /// it to ignore (`nohup`, a background job) stay ignored.
    static func watch(_ act: @escaping @Sendable (Cancellation.Cause) -> Void) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        signalPipe.store(ends[1], ordering: .releasing)
        let job = Unmanaged.passRetained(Job(ends[0], act)).toOpaque()
        var thread = pthread_t()
        guard pthread_create(&thread, nil, tellSignals, job) == 0 else { return }
        pthread_detach(thread)
        for number in [SIGINT, SIGTERM] { install(number) }
    }

    private static func install(_ number: Int32) {
        var old = sigaction()
        sigaction(number, nil, &old)
        let isIgnored =
            unsafeBitCast(old.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
        if isIgnored { return }
        var action = sigaction()
        action.__sigaction_handler.sa_handler = noteSignal
        action.sa_flags = SA_RESTART
        sigaction(number, &action, nil)
    }

    fileprivate final class Job: Sendable {
        let end: Int32
        let act: @Sendable (Cancellation.Cause) -> Void

        init(_ end: Int32, _ act: @escaping @Sendable (Cancellation.Cause) -> Void) {
            self.end = end
            self.act = act
        }
    }
}

/// Where the handler writes; set before there is one.
private let signalPipe = Atomic<Int32>(-1)

/// The handler: of all that it may do, one `write`.
private func noteSignal(_ number: Int32) {
    let saved = errno
    var byte = UInt8(truncatingIfNeeded: number)
    write(signalPipe.load(ordering: .acquiring), &byte, 1)
    errno = saved
}

/// What the thread does: it never ends.
private func tellSignals(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let job = Unmanaged<Signals.Job>.fromOpaque(argument).takeRetainedValue()
    var byte: UInt8 = 0
    while true {
        let count = read(job.end, &byte, 1)
        if count == 1 {
            job.act(Int32(byte) == SIGINT ? .interrupted : .terminated)
        } else if count == 0 || errno != EINTR {
            return nil
        }
    }
}
