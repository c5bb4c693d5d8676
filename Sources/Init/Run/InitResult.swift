public import Runs
public import Support

/// What a run of an init job found and did.
public struct InitResult: Sendable {
    /// The run.
    public var run: String
    /// What the job is for.
    public var purpose: String
    /// Its steps, each with what became of it.
    public var steps: [StepRecord] = []
    /// What each step would do, a line each, by its number: in plans.
    public var pending: [Int: [String]] = [:]
    /// Why it failed, if it did.
    public var failure: SluiceError?

    init(run: String, purpose: String) {
        self.run = run
        self.purpose = purpose
    }

    /// How many steps changed something.
    public var done: Int { steps.count { $0.state == .done } }
    /// How many steps would change something.
    public var planned: Int { steps.count { $0.state == .planned } }

    /// The result for machines.
    public var json: JSONText {
        [
            "run_id": .string(run), "purpose": .string(purpose),
            "status": .string(failure == nil ? "success" : failure?.code == .cancelled ? "cancelled" : "failure"),
            "changed": .number(done), "pending": .number(planned),
            "steps": .array(
                steps.map { step in
                    guard case .object(let members) = step.json else { return step.json }
                    return .object(members + [("actions", .array((pending[step.number] ?? []).map { .string($0) }))])
                }),
        ]
    }
}

extension StepRecord {
    /// The step for machines.
    public var json: JSONText {
        [
            "number": .number(number), "name": .string(name), "kind": .string(kind),
            "region": region.map { .string($0) } ?? .null, "state": .string(state.rawValue),
            "started_at": startedAt.map { .string(Moment(microseconds: $0).iso) } ?? .null,
            "seconds": startedAt.flatMap { begun in finishedAt.map { .real(Double($0 - begun) / 1e6) } } ?? .null,
            "message": .string(message),
        ]
    }
}
