import Support
import Synchronization

/// How long things take that take minutes in the cloud, and other numbers that tests want to turn: `/_sluice/lifecycle`.
public final class ManagementSwitches: Sendable {
    /// The numbers.
    struct Numbers: Sendable {
        /// How long an operation is in progress, in milliseconds.
        var operation = 300
        /// What pollers are told to wait, in seconds.
        var retryAfter = 1
        /// How long an execution waits for a node, in milliseconds.
        var queue = 0
        /// How long an image is pulled, in milliseconds, beside what it really takes.
        var pull = 0
        /// How long a line takes until queries find it, in milliseconds.
        var logLag = 1000
        /// How long replicas of an ended execution can still be listed, in milliseconds.
        var replicasStay = 60_000
        /// The most resources that one page of a list has.
        var page = 100
        /// The most rows that a query of logs answers with.
        var queryRows = 500_000
        /// How long a program is given between the request to end and the end, in milliseconds.
        var grace = 30_000

        static var names: [(String, WritableKeyPath<Numbers, Int>)] {
            [
                ("operationDelay", \.operation), ("retryAfter", \.retryAfter), ("queueDelay", \.queue),
                ("pullDelay", \.pull), ("logDelay", \.logLag), ("replicasStay", \.replicasStay), ("pageSize", \.page),
                ("queryRows", \.queryRows), ("grace", \.grace),
            ]
        }
    }

    private let numbers = Mutex(Numbers())

    init() {}

    /// The numbers as they are now.
    var now: Numbers { numbers.withLock { $0 } }

    /// The numbers by name.
    var json: JSONText {
        let now = now
        return .object(Numbers.names.map { ($0.0, .number(now[keyPath: $0.1])) })
    }

    /// Changes those that a document names.
    func set(_ document: JSONText) throws(SluiceError) {
        var new = now
        for (key, value) in document.members ?? [] {
            guard let (_, path) = Numbers.names.first(where: { $0.0 == key }) else {
                throw SluiceError(
                    .invalidConfiguration,
                    "\"\(key)\" cannot be switched; expected \(Numbers.names.map(\.0).joined(separator: ", "))")
            }
            guard let number = value.integer, (0...86_400_000).contains(number), path != \.page || number > 0 else {
                throw SluiceError(.invalidConfiguration, "\(key) has to be a whole number from 0 to 86400000")
            }
            new[keyPath: path] = number
        }
        let all = new
        numbers.withLock { $0 = all }
    }
}

extension Moment {
    /// The moment so many milliseconds later.
    func later(_ milliseconds: Int) -> Moment { Moment(microseconds: microseconds + Int64(milliseconds) * 1000) }
}
