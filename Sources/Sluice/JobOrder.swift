import Support

/// Which of some jobs may run when: each behind those of them that it is to run after, and not at all when one of these
/// did not succeed. Has no clock and runs nothing.
///
///     var order = JobOrder(["orders", "report"], after: ["report": ["orders"]])
///     order.next()                      // .run("orders")
///     order.next()                      // nil: somebody has to end first
///     order.end("orders", succeeded: false)
///     order.next()                      // .leave("report", because: "orders")
public struct JobOrder: Sendable {
    /// What is to be done next.
    public enum Step: Sendable, Hashable {
        /// This job may run.
        case run(String)
        /// This job is not run, since that one did not succeed.
        case leave(String, because: String)
    }

    /// The jobs, each behind those of them that it is to run after.
    public let names: [String]
    private let after: [String: [String]]
    private var waiting: [String]
    private var ended: [String: Bool] = [:]

    /// The order of `names`, each of them once, which otherwise is the one that they are given in.
    ///
    /// - parameter after: The jobs that each is to run after, those that are not among `names` too.
    public init(_ names: [String], after: [String: [String]]) {
        var ordered: [String] = []
        var open: Set<String> = []
        // Circles are refused when the project is read; one that is left would be gone round once.
        func place(_ name: String) {
            if ordered.contains(name) || !open.insert(name).inserted { return }
            for earlier in names where after[name]?.contains(earlier) ?? false { place(earlier) }
            ordered.append(name)
        }
        for name in names { place(name) }
        self.names = ordered
        self.after = after
        waiting = ordered
    }

    /// The jobs of the order that `name` waits for.
    public func predecessors(of name: String) -> [String] {
        (after[name] ?? []).filter { $0 != name && names.contains($0) }
    }

    /// What is to be done next; nil when there is nothing left, or a job that runs has to end first.
    public mutating func next() -> Step? {
        for name in waiting {
            let earlier = predecessors(of: name)
            if let failed = earlier.first(where: { ended[$0] == false }) {
                waiting.removeAll { $0 == name }
                ended[name] = false
                return .leave(name, because: failed)
            }
            if earlier.allSatisfy({ ended[$0] == true }) {
                waiting.removeAll { $0 == name }
                return .run(name)
            }
        }
        return nil
    }

    /// Says how a job ended.
    public mutating func end(_ name: String, succeeded: Bool) { ended[name] = succeeded }

    /// The jobs by turns: those of each may run side by side when all before have ended.
    public var turns: [[String]] {
        var depth: [String: Int] = [:]
        for name in names {
            depth[name] = (predecessors(of: name).compactMap { depth[$0] }.max() ?? -1) + 1
        }
        let count = (depth.values.max() ?? -1) + 1
        return (0..<count).map { turn in names.filter { depth[$0] == turn } }
    }
}
