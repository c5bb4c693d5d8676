/// How long things take that take minutes in the cloud: `/_sluice/batch`, in milliseconds.
struct BatchNumbers: SwitchedNumbers {
    /// How far the samples of pools lie apart.
    var sample = 30_000
    /// How long until formulas see a sample.
    var sampleDelay = 0
    /// How often formulas are evaluated; 0 for as often as their pools say.
    var autoscale = 0
    /// How long a node takes to start.
    var node = 300
    /// How long a job is terminating or deleting, and a pool deleting, at least.
    var transition = 300
    /// After which time a job without tasks counts as complete.
    var emptyJob = 500
    /// How long a task is given between the request to end and the end.
    var grace = 10_000

    static var names: [(String, WritableKeyPath<Self, Int>)] {
        [
            ("samplePeriod", \.sample), ("sampleDelay", \.sampleDelay), ("autoscaleInterval", \.autoscale),
            ("nodeStart", \.node), ("transition", \.transition), ("emptyJob", \.emptyJob), ("grace", \.grace),
        ]
    }

    static func mayBeZero(_ path: WritableKeyPath<Self, Int>) -> Bool { path != \.sample }
}

/// The same, while the emulator runs.
typealias BatchSwitches = NumberSwitches<BatchNumbers>
