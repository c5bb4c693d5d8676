import Support
import Synchronization

/// How long things take that take minutes in the cloud: `/_sluice/batch`, in milliseconds.
final class BatchSwitches: Sendable {
    struct Numbers: Sendable {
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

        static var names: [(String, WritableKeyPath<Numbers, Int>)] {
            [
                ("samplePeriod", \.sample), ("sampleDelay", \.sampleDelay), ("autoscaleInterval", \.autoscale),
                ("nodeStart", \.node), ("transition", \.transition), ("emptyJob", \.emptyJob), ("grace", \.grace),
            ]
        }
    }

    private let numbers = Mutex(Numbers())

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
            guard let number = value.integer, (0...86_400_000).contains(number), path != \.sample || number > 0 else {
                throw SluiceError(.invalidConfiguration, "\(key) has to be a whole number from 0 to 86400000")
            }
            new[keyPath: path] = number
        }
        let all = new
        numbers.withLock { $0 = all }
    }
}
