/// The right of one client to write to a blob or to delete a container, and how it ends.
///
/// A pure state machine: what it answers depends on its fields and the moment that the caller names.
struct Lease: Sendable, Equatable {
    /// How the lease stands at a moment.
    enum State: String, Sendable {
        case available, leased, expired, breaking, broken
    }

    /// The client's id for it; empty when nobody ever had it.
    var id = ""
    /// Seconds that it was taken for; -1 for ever.
    var seconds = 0
    /// When it ends, or ended, in microseconds since 1970; nil for ever.
    var end: Int64?
    /// When the break takes effect, or took.
    var breakAt: Int64?

    /// How it stands at `now`.
    func state(at now: Int64) -> State {
        if id.isEmpty { return .available }
        if let breakAt { return now < breakAt ? .breaking : .broken }
        if let end, now >= end { return .expired }
        return .leased
    }

    /// Whether a writer has to name its id.
    func isActive(at now: Int64) -> Bool {
        let state = state(at: now)
        return state == .leased || state == .breaking
    }

    /// Takes the lease, or takes it anew with the same id.
    mutating func acquire(id proposed: String, seconds: Int, at now: Int64) throws(StorageFault) {
        switch state(at: now) {
        case .leased where !Lease.same(id, proposed): throw Lease.alreadyPresent
        case .breaking:
            throw Lease.same(id, proposed) ? Lease.breakingNotAcquired : Lease.alreadyPresent
        case .available, .expired, .broken, .leased:
            self = Lease(id: proposed, seconds: seconds, end: seconds < 0 ? nil : now + Int64(seconds) * 1_000_000)
        }
    }

    /// Begins its time anew.
    mutating func renew(id given: String, at now: Int64) throws(StorageFault) {
        let state = state(at: now)
        guard state != .available, Lease.same(id, given) else { throw Lease.mismatch }
        if state == .breaking || state == .broken { throw Lease.brokenNotRenewed }
        end = seconds < 0 ? nil : now + Int64(seconds) * 1_000_000
    }

    /// Gives it another id.
    mutating func change(id given: String, to proposed: String, at now: Int64) throws(StorageFault) {
        switch state(at: now) {
        case .available, .expired, .broken: throw Lease.notPresent
        case .breaking:
            throw Lease.same(id, given) ? Lease.breakingNotChanged : Lease.mismatch
        case .leased:
            guard Lease.same(id, given) || Lease.same(id, proposed) else { throw Lease.mismatch }
            id = proposed
        }
    }

    /// Gives it back.
    mutating func release(id given: String, at now: Int64) throws(StorageFault) {
        guard state(at: now) != .available, Lease.same(id, given) else { throw Lease.mismatch }
        self = Lease()
    }

    /// Takes it from its holder, at once or when `period` seconds have gone; answers the seconds that are left.
    mutating func breakUp(period: Int?, at now: Int64) throws(StorageFault) -> Int {
        switch state(at: now) {
        case .available: throw Lease.notPresent
        case .broken: return 0
        case .expired:
            breakAt = now
            return 0
        case .breaking:
            let left = Int(((breakAt ?? now) - now + 999_999) / 1_000_000)
            if let period, period < left { breakAt = now + Int64(period) * 1_000_000 }
            return min(period ?? left, left)
        case .leased:
            let left = end.map { Int(($0 - now + 999_999) / 1_000_000) }
            let wait = left.map { min(period ?? $0, $0) } ?? period ?? 0
            breakAt = now + Int64(wait) * 1_000_000
            return wait
        }
    }

    /// What leaving the lease as it is does to somebody who writes to what it protects: an expired one is given up, as
    /// the service does, so that it cannot be renewed afterwards.
    func afterWrite(at now: Int64) -> Lease {
        switch state(at: now) {
        case .expired, .broken: Lease()
        case .available, .leased, .breaking: self
        }
    }

    /// What a lease protects.
    enum Subject: String {
        case blob, container
    }

    /// Holds the id that a request names against the lease.
    ///
    /// - parameter isWrite: Whether the request has to name the id of an active lease.
    func check(id given: String?, isWrite: Bool, of subject: Subject, at now: Int64) throws(StorageFault) {
        let isActive = isActive(at: now)
        if let given {
            if !isActive {
                throw StorageFault(
                    412, "LeaseNotPresentWith\(subject == .blob ? "Blob" : "Container")Operation",
                    id.isEmpty
                        ? "There is currently no lease on the \(subject.rawValue)."
                        : "A lease ID was specified, but the lease for the \(subject.rawValue) has expired.")
            }
            if !Lease.same(id, given) {
                throw StorageFault(
                    412, "LeaseIdMismatchWith\(subject == .blob ? "Blob" : "Container")Operation",
                    "The lease ID specified did not match the lease ID for the \(subject.rawValue).")
            }
        } else if isWrite, isActive {
            throw StorageFault(
                412, "LeaseIdMissing",
                "There is currently a lease on the \(subject.rawValue) and no lease ID was specified in the request.")
        }
    }

    private static func same(_ left: String, _ right: String) -> Bool { left.lowercased() == right.lowercased() }

    private static let alreadyPresent = StorageFault(
        409, "LeaseAlreadyPresent", "There is already a lease present.")
    private static let breakingNotAcquired = StorageFault(
        409, "LeaseIsBreakingAndCannotBeAcquired",
        "The lease ID matched, but the lease is currently in breaking state and cannot be acquired until it is broken.")
    private static let breakingNotChanged = StorageFault(
        409, "LeaseIsBreakingAndCannotBeChanged",
        "The lease ID matched, but the lease is currently in breaking state and cannot be changed.")
    private static let brokenNotRenewed = StorageFault(
        409, "LeaseIsBrokenAndCannotBeRenewed",
        "The lease ID matched, but the lease has been broken explicitly and cannot be renewed.")
    private static let mismatch = StorageFault(
        409, "LeaseIdMismatchWithLeaseOperation",
        "The lease ID specified did not match the lease ID for the blob or container.")
    private static let notPresent = StorageFault(
        409, "LeaseNotPresentWithLeaseOperation", "There is currently no lease on the blob or container.")
}
