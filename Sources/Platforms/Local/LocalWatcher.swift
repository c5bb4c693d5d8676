import Glibc
import Runs
import Storage
public import Support

/// Watches one run on this machine from its start to its end: a small process of its own, which keeps to the limits, ends the
/// run when somebody wants that, and writes down how it ended.
public struct LocalWatcher: Sendable {
    private let place: LocalRun
    private let words: [String]
    private let environment: [String: String]
    private let limits: RunLimits
    private let retries: Int

    /// How long a run may take to put things in order when it is asked to end.
    private static let patience = Duration.seconds(30)

    /// Watches the run in `folder`, which is the program `words`.
    ///
    /// - parameter environment: All of the program's environment.
    /// - parameter limits: What each try of it may use.
    /// - parameter retries: How often it is begun again when it fails.
    public init(
        folder: String, words: [String], environment: [String: String], limits: RunLimits, retries: Int = 0
    ) {
        place = LocalRun(folder: folder)
        self.words = words
        self.environment = environment
        self.limits = limits
        self.retries = retries
    }

    /// Does it; blocks until the run has ended.
    ///
    /// - returns: How it ended.
    public func watch() throws(SluiceError) -> PlatformStatus {
        var end = try attempt()
        var tries = 1
        // What somebody ended, or a limit, is not what another try would mend.
        while end.state == .failed, end.reason == nil, tries <= retries, !place.wish.isWanted {
            tries += 1
            end = try attempt()
        }
        if tries > 1 { end.word += ", at try \(tries) of \(retries + 1)" }
        try place.note(end: end)
        return end
    }

    /// Begins the program once, and follows it to its end.
    private func attempt() throws(SluiceError) -> PlatformStatus {
        let began = Moment.now.microseconds
        try place.makeWork()
        let child: pid_t
        do throws(SluiceError) {
            child = try ProcessStart(words, environment: environment, output: .file(place.outputPath)).start()
        } catch {
            return PlatformStatus(
                .failed, word: "not started", startedAt: began, finishedAt: began, reason: error.message)
        }
        try place.note(watcher: HostProcess.current, child: HostProcess.identity(of: child))
        let end = follow(child, began)
        // What it has left behind: in its group, and in its folder.
        kill(-child, SIGKILL)
        Storage.removeTree(place.workPath)
        return end
    }

    /// Why a run was ended by its watcher.
    private enum Cause {
        case cancelled
        case time(Duration)
        case memory(Int)
    }

    private func follow(_ child: pid_t, _ began: Int64) -> PlatformStatus {
        let clock = ContinuousClock()
        let start = clock.now
        var cause: Cause?
        var asked: ContinuousClock.Instant?
        while true {
            if let end = ProcessEnd.now(of: child) { return ended(end, cause, began) }
            usleep(50_000)
            let wish = place.wish
            if cause == nil {
                if wish.isWanted {
                    cause = .cancelled
                } else if let most = limits.time, clock.now - start > most {
                    cause = .time(most)
                } else if let most = limits.memory, let used = HostProcess.memory(of: child), used > most {
                    cause = .memory(used)
                    // It would only take more.
                    kill(-child, SIGKILL)
                }
            }
            guard cause != nil else { continue }
            if wish.isByForce || asked.map({ clock.now - $0 > Self.patience }) == true { kill(-child, SIGKILL) }
            if asked == nil {
                kill(-child, SIGINT)
                asked = clock.now
            }
        }
    }

    private func ended(_ process: ProcessEnd, _ cause: Cause?, _ began: Int64) -> PlatformStatus {
        let code = process.code
        var end = PlatformStatus(
            RunState(exitCode: code), word: process.signal.map { "killed by signal \($0)" } ?? "exited with \(code)",
            startedAt: began, finishedAt: Moment.now.microseconds, exitCode: code)
        // One that ended well before the wish reached it has ended well.
        if code == 0 || code == 3 { return end }
        switch cause {
        case .cancelled: end.state = .cancelled
        case .time(let most):
            end.state = .timedOut
            end.reason = "it took longer than \(Quantities.describe(most))"
        case .memory(let used):
            end.state = .failed
            end.reason =
                "it had \(Quantities.describe(bytes: used)) of memory, and \(Quantities.describe(bytes: limits.memory ?? 0)) were allowed"
        case nil: break
        }
        return end
    }
}
