import Support

/// How a job or a task stands, since when, and how it stood before.
struct BatchPhase<State: RawRepresentable & Sendable>: Sendable where State.RawValue == String {
    private(set) var state: State
    private(set) var since: Moment
    private var previous: (state: State, since: Moment)?

    init(_ state: State, since: Moment) {
        self.state = state
        self.since = since
    }

    mutating func change(_ new: State, _ now: Moment) {
        previous = (state, since)
        state = new
        since = now
    }

    /// As answers have it.
    var shown: [(key: String, value: JSONText)] {
        let now: [(key: String, value: JSONText)] = [
            ("state", .string(state.rawValue)), ("stateTransitionTime", .string(since.iso)),
        ]
        guard let previous else { return now }
        return now + [
            ("previousState", .string(previous.state.rawValue)),
            ("previousStateTransitionTime", .string(previous.since.iso)),
        ]
    }

    /// As it is kept.
    var record: [(key: String, value: JSONText)] {
        let now: [(key: String, value: JSONText)] = [
            ("state", .string(state.rawValue)), ("stateSince", .moment(since)),
        ]
        guard let previous else { return now }
        return now + [("previous", .string(previous.state.rawValue)), ("previousSince", .moment(previous.since))]
    }

    /// What was kept, laid over what is the rule.
    mutating func load(_ record: JSONText) {
        state = record["state"]?.text.flatMap(State.init) ?? state
        since = record["stateSince"]?.moment ?? since
        guard let before = record["previous"]?.text.flatMap(State.init), let moment = record["previousSince"]?.moment
        else { return }
        previous = (before, moment)
    }
}
