/// Lets transfers to one origin begin: as many at a time as may have connections, and over HTTP/2 as many as share one.
///
/// libcurl has such limits too. But it wakes one waiting transfer whenever any has ended, whichever host that waits for, and
/// if that one cannot begin the others sleep on.
struct Gate {
    /// What the origin speaks, as far as is known.
    enum Speech {
        case unknown
        /// One exchange at a time on a connection.
        case single
        /// Many at a time.
        case multiplexed
    }

    /// What servers allow on a connection as a rule.
    private static let streams = 100

    var speech = Speech.unknown
    private let connections: Int
    private var running = 0
    private var waiting: [Transfer] = []
    /// The first transfer of several: the others wait until its connection stands, and may share it then.
    private weak var pioneer: Transfer?
    /// Whether the last one came to nothing. Those that wait then try at once, or they would fail one after the other.
    private var isInDoubt = false

    /// An origin to which there may be so many connections; one that is not encrypted is never multiplexed.
    init(connections: Int, isSecure: Bool) {
        self.connections = max(1, connections)
        if !isSecure { speech = .single }
    }

    /// Puts a transfer last in the row.
    mutating func append(_ transfer: Transfer) { waiting.append(transfer) }

    /// The next transfer, when one may begin.
    mutating func next() -> Transfer? {
        let limit = speech == .multiplexed ? max(connections, Gate.streams) : connections
        guard pioneer == nil, running < limit else { return nil }
        guard let first = waiting.firstIndex(where: { !$0.isOver }) else {
            waiting.removeAll()
            return nil
        }
        let transfer = waiting[first]
        waiting.removeSubrange(...first)
        running += 1
        if running == 1, speech != .single, !isInDoubt { pioneer = transfer }
        return transfer
    }

    /// A transfer's connection stands.
    mutating func connected(_ transfer: Transfer) {
        isInDoubt = false
        if pioneer === transfer { pioneer = nil }
    }

    /// A transfer that had begun has ended.
    mutating func left(_ transfer: Transfer) {
        running -= 1
        guard pioneer === transfer else { return }
        pioneer = nil
        isInDoubt = true
    }
}
