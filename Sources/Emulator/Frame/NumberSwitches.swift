import Support
import Synchronization

/// Numbers of one part of the emulator that tests want to turn: how long things take that take minutes in the cloud.
protocol SwitchedNumbers: Sendable {
    /// The numbers as they are when nobody has turned them.
    init()
    /// Each by the name that it is turned by.
    static var names: [(String, WritableKeyPath<Self, Int>)] { get }
    /// Whether a number may be 0.
    static func mayBeZero(_ path: WritableKeyPath<Self, Int>) -> Bool
}

/// Numbers that are read while the emulator runs, and turned by a document at `/_sluice/…`.
final class NumberSwitches<Numbers: SwitchedNumbers>: Sendable {
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
            guard let number = value.integer, (0...86_400_000).contains(number), number > 0 || Numbers.mayBeZero(path)
            else {
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
