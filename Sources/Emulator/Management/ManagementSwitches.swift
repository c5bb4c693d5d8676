/// How long things take that take minutes in the cloud, and other numbers that tests want to turn: `/_sluice/lifecycle`.
struct ManagementNumbers: SwitchedNumbers {
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

    static var names: [(String, WritableKeyPath<Self, Int>)] {
        [
            ("operationDelay", \.operation), ("retryAfter", \.retryAfter), ("queueDelay", \.queue),
            ("pullDelay", \.pull), ("logDelay", \.logLag), ("replicasStay", \.replicasStay), ("pageSize", \.page),
            ("queryRows", \.queryRows), ("grace", \.grace),
        ]
    }

    static func mayBeZero(_ path: WritableKeyPath<Self, Int>) -> Bool { path != \.page }
}

/// The same, while the emulator runs.
typealias ManagementSwitches = NumberSwitches<ManagementNumbers>
