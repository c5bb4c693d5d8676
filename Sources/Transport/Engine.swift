import CCurl
import Glibc
import Support
import Synchronization

/// The one thread of a client: it runs all transfers, and calls nobody who could make it wait.
///
/// Others talk to it by commands. It ends when it was told to (`retire`) and no transfer is left.
final class Engine: @unchecked Sendable {
    // `@unchecked Sendable` because what is not behind `mailbox` belongs to the thread alone.

    private enum Command {
        case start(Transfer)
        case resume(Transfer)
        case end(Transfer)
    }

    private struct Mailbox {
        var commands: [Command] = []
        var isRetired = false
        var isOver = false
    }

    private let mailbox = Mutex(Mailbox())
    private let multi: UnsafeMutableRawPointer
    // What follows is the thread's own.
    private var active: [ObjectIdentifier: Transfer] = [:]
    private var touched: [Transfer] = []
    private var gates: [String: Gate] = [:]
    private var changedGates: Set<String> = []
    private let connectionsPerHost: Int
    private var nextCheck = Int64.max
    /// The moment that this round began, in nanoseconds of the clock that only goes forward.
    private(set) var now = Engine.clock()

    /// Loads libcurl and starts the thread.
    init(connectionsPerHost: Int) throws(SluiceError) {
        if let failure = sluice_curl_load() {
            throw SluiceError(
                .invalidConfiguration, "HTTP needs libcurl, which cannot be loaded: \(String(cString: failure))",
                hint: "Install it: apt-get install libcurl4")
        }
        self.connectionsPerHost = connectionsPerHost
        guard let multi = sluice_curl_multi_new(64) else {
            throw SluiceError(.inputOutput, "libcurl has no memory left to start with")
        }
        self.multi = multi
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        let status = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Engine>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, context.toOpaque())
        guard status == 0 else {
            context.release()
            sluice_curl_multi_free(multi)
            throw SluiceError(.inputOutput, "no thread can be started: \(String(cString: strerror(status)))")
        }
        pthread_detach(thread)
    }

    /// Begins a transfer.
    func start(_ transfer: Transfer) { post(.start(transfer)) }
    /// Goes on with a transfer that paused.
    func resume(_ transfer: Transfer) { post(.resume(transfer)) }
    /// Breaks a transfer off.
    func end(_ transfer: Transfer) { post(.end(transfer)) }

    /// Lets the thread end when the last transfer has.
    func retire() {
        mailbox.withLock { mailbox in
            mailbox.isRetired = true
            if !mailbox.isOver { sluice_curl_multi_wake(multi) }
        }
    }

    private func post(_ command: Command) {
        mailbox.withLock { mailbox in
            guard !mailbox.isOver else { return }
            mailbox.commands.append(command)
            if mailbox.commands.count == 1 { sluice_curl_multi_wake(multi) }
        }
    }

    // MARK: - On the thread

    static func clock() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Remembers a transfer that has something for its owner; the owner is called once the round is over, and not for
    /// every few bytes.
    func touch(_ transfer: Transfer) {
        if !transfer.isTouched {
            transfer.isTouched = true
            touched.append(transfer)
        }
    }

    /// Has the transfers' time limits looked at by then.
    func check(at moment: Int64) { nextCheck = min(nextCheck, moment) }

    private func run() {
        sluice_curl_name_thread("sluice-http")
        // Signals are for other threads; that of a broken connection must not end a program that embeds this.
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        while true {
            let (commands, isRetired) = mailbox.withLock { mailbox in
                defer { mailbox.commands.removeAll(keepingCapacity: true) }
                return (mailbox.commands, mailbox.isRetired)
            }
            now = Engine.clock()
            for command in commands { obey(command) }
            if isRetired, active.isEmpty, leave() { return }
            sluice_curl_multi_perform(multi)
            collectEnded()
            if now >= nextCheck { checkTimes() }
            for key in changedGates { open(key) }
            changedGates.removeAll(keepingCapacity: true)
            deliver()
            let rest = nextCheck == .max ? 60_000 : max(0, min(60_000, (nextCheck - Engine.clock()) / 1_000_000 + 1))
            sluice_curl_multi_wait(multi, Int32(rest))
        }
    }

    /// Ends the thread's work unless a command came in between.
    private func leave() -> Bool {
        mailbox.withLock { mailbox in
            guard mailbox.commands.isEmpty else { return false }
            mailbox.isOver = true
            sluice_curl_multi_free(multi)
            return true
        }
    }

    private func obey(_ command: Command) {
        switch command {
        case .start(let transfer):
            active[ObjectIdentifier(transfer)] = transfer
            transfer.begun = now
            if let total = transfer.plan.total { check(at: now + total) }
            gates[transfer.gate, default: Gate(connections: connectionsPerHost, isSecure: transfer.plan.isSecure)]
                .append(transfer)
            open(transfer.gate)
        case .resume(let transfer):
            if active[ObjectIdentifier(transfer)] != nil { transfer.goOn(at: now) }
        case .end(let transfer):
            if active[ObjectIdentifier(transfer)] != nil { remove(transfer) }
        }
    }

    /// Lets begin who may.
    private func open(_ key: String) {
        while let transfer = gates[key]?.next() {
            transfer.isAdmitted = true
            if !transfer.begin(on: multi) { remove(transfer) }
        }
    }

    /// A transfer's connection stands.
    func connected(_ transfer: Transfer) {
        gates[transfer.gate]?.connected(transfer)
        changedGates.insert(transfer.gate)
    }

    /// An answer shows what its origin speaks.
    func learned(from head: ResponseHead, _ transfer: Transfer) {
        let speech = head.version == "HTTP/2" ? Gate.Speech.multiplexed : .single
        guard gates[transfer.gate]?.speech != speech else { return }
        gates[transfer.gate]?.speech = speech
        changedGates.insert(transfer.gate)
    }

    private func remove(_ transfer: Transfer) {
        touch(transfer)
        if transfer.isAdmitted {
            gates[transfer.gate]?.left(transfer)
            changedGates.insert(transfer.gate)
        }
        transfer.detach(from: multi)
        active[ObjectIdentifier(transfer)] = nil
    }

    private func collectEnded() {
        var handle: OpaquePointer?
        var outcome = sluice_curl_outcome()
        while let context = sluice_curl_multi_ended(multi, &handle, &outcome) {
            let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
            transfer.ended(outcome)
            remove(transfer)
        }
    }

    private func checkTimes() {
        nextCheck = .max
        for transfer in active.values {
            guard let (moment, limit) = transfer.deadline else { continue }
            if moment > now {
                nextCheck = min(nextCheck, moment)
            } else {
                transfer.ranOut(of: limit)
                remove(transfer)
            }
        }
    }

    private func deliver() {
        for transfer in touched {
            transfer.isTouched = false
            transfer.deliver()
        }
        touched.removeAll(keepingCapacity: true)
    }
}
