public import Support

/// Tasks that come in at once.
public struct AutoscaleLoad: Sendable {
    /// When, in seconds from the beginning.
    public var after: Double
    /// How many.
    public var tasks: Int
    /// How long each of them takes, in seconds.
    public var seconds: Double

    /// So many tasks.
    public init(after: Double = 0, tasks: Int, seconds: Double) {
        self.after = after
        self.tasks = tasks
        self.seconds = seconds
    }
}

/// What a formula would do with a load: a pool on paper, second by second.
///
///     let rows = try AutoscaleSimulation(formula).run([AutoscaleLoad(tasks: 200, seconds: 90)])
public struct AutoscaleSimulation: Sendable {
    /// The formula.
    public var formula: AutoscaleFormula
    /// How often it is evaluated, in seconds; Batch takes 300 and more.
    public var interval = 300.0
    /// How many tasks a node runs at a time.
    public var slotsPerNode = 1
    /// How long a node takes from being wanted to running tasks.
    public var startSeconds = 180.0
    /// How long until samples can be seen.
    public var sampleDelay = 60.0
    /// How long to look at it at most, in seconds.
    public var limit = 86_400.0
    /// How many nodes there are at the beginning.
    public var nodes = 0
    /// When it begins, for formulas that ask for the time of day.
    public var begin = Moment(seconds: 1_767_225_600)

    /// A simulation of a formula, with a pool as Batch has it without further settings.
    public init(_ formula: AutoscaleFormula) { self.formula = formula }

    /// How it stands after an evaluation.
    public struct Row: Sendable, Equatable {
        /// Seconds from the beginning.
        public let seconds: Double
        /// Tasks that wait for a node.
        public let active: Int
        /// Tasks that run.
        public let running: Int
        /// Tasks that have ended.
        public let ended: Int
        /// Nodes of both kinds that there are.
        public let nodes: Int
        /// Nodes that the formula wants.
        public let targetDedicated: Int
        /// Spot nodes that the formula wants.
        public let targetLowPriority: Int
        /// What the formula could not compute; the targets stay as they were then.
        public let problem: String?
        /// How many seconds of nodes have been paid for so far.
        public let nodeSeconds: Double
    }

    /// A row for every evaluation, until the load is done and no node is left, or the limit is reached.
    ///
    /// - throws: `SluiceError` when the load is none that can be simulated.
    public func run(_ load: [AutoscaleLoad]) throws(SluiceError) -> [Row] {
        let count = load.reduce(0) { $0 + max(0, $1.tasks) }
        guard count <= 1_000_000, limit > 0, limit <= 31 * 86_400, interval >= 1, slotsPerNode > 0 else {
            throw SluiceError(
                .limitExceeded, "this cannot be simulated: \(count) tasks over \(FormulaValue.describe(limit)) seconds",
                hint: "Take at most 1,000,000 tasks, 31 days, and intervals of a second or more.")
        }
        var pool = SimulatedPool(self, load)
        return pool.run()
    }
}

/// A pool on paper.
private struct SimulatedPool {
    let plan: AutoscaleSimulation
    var coming: [AutoscaleLoad]
    var waiting: [Double] = []
    var nextWaiting = 0
    /// When each node is ready, and its tasks, with when they end.
    var nodes: [(ready: Double, tasks: [(end: Double, seconds: Double)], isLeaving: Bool)] = []
    var history: AutoscaleHistory
    var ended = 0
    var nodeSeconds = 0.0
    var targets = (dedicated: 0, lowPriority: 0)

    init(_ plan: AutoscaleSimulation, _ load: [AutoscaleLoad]) {
        self.plan = plan
        coming = load.filter { $0.tasks > 0 }.sorted { $0.after < $1.after }
        history = AutoscaleHistory(period: 30, delay: plan.sampleDelay, keeping: 4000)
        targets.dedicated = plan.nodes
        nodes = (0..<min(10_000, max(0, plan.nodes))).map { _ in (0, [], false) }
    }

    var active: Int { waiting.count - nextWaiting }
    var running: Int { nodes.reduce(0) { $0 + $1.tasks.count } }

    mutating func run() -> [AutoscaleSimulation.Row] {
        var rows: [AutoscaleSimulation.Row] = []
        let step = min(30, plan.interval)
        var time = 0.0
        var evaluation = 0.0
        while time <= plan.limit {
            advance(to: time, by: step)
            measure(at: time)
            if time >= evaluation {
                evaluation += plan.interval
                rows.append(evaluate(at: time))
                let isDone = coming.isEmpty && active == 0 && running == 0
                if isDone, nodes.isEmpty, rows.count > 1, targets == (0, 0) { break }
            }
            time += step
        }
        return rows
    }

    private mutating func advance(to time: Double, by step: Double) {
        while let first = coming.first, first.after <= time {
            waiting += Array(repeating: max(0, first.seconds), count: first.tasks)
            coming.removeFirst()
        }
        for index in nodes.indices {
            let before = nodes[index].tasks.count
            nodes[index].tasks.removeAll { $0.end <= time }
            ended += before - nodes[index].tasks.count
        }
        nodes.removeAll { $0.isLeaving && $0.tasks.isEmpty }
        nodeSeconds += Double(nodes.count) * (time > 0 ? step : 0)
        for index in nodes.indices where !nodes[index].isLeaving && nodes[index].ready <= time {
            while nodes[index].tasks.count < plan.slotsPerNode, nextWaiting < waiting.count {
                nodes[index].tasks.append((time + waiting[nextWaiting], waiting[nextWaiting]))
                nextWaiting += 1
            }
        }
    }

    private mutating func measure(at time: Double) {
        let moment = Moment(microseconds: plan.begin.microseconds + Int64(time * 1_000_000))
        let values: KeyValuePairs<String, Int> = [
            "$ActiveTasks": active, "$RunningTasks": running, "$PendingTasks": active + running,
            "$SucceededTasks": ended, "$FailedTasks": 0, "$CurrentDedicatedNodes": dedicated,
            "$CurrentLowPriorityNodes": nodes.count - dedicated, "$PreemptedNodeCount": 0,
            "$SampleNodeCount": nodes.count, "$UsableNodeCount": nodes.count,
            "$TargetDedicatedNodes": targets.dedicated, "$TargetLowPriorityNodes": targets.lowPriority,
        ]
        for (name, value) in values { history.add(name, Double(value), at: moment) }
        let busy = nodes.isEmpty ? 0 : Double(running) / Double(nodes.count * plan.slotsPerNode) * 100
        history.add("$CPUPercent", min(100, busy), at: moment)
    }

    private var dedicated: Int { min(nodes.count, targets.dedicated) }

    private mutating func evaluate(at time: Double) -> AutoscaleSimulation.Row {
        let conditions = AutoscaleConditions(
            now: Moment(microseconds: plan.begin.microseconds + Int64(time * 1_000_000)), history: history,
            targetDedicated: targets.dedicated, targetLowPriority: targets.lowPriority, currentDedicated: dedicated,
            currentLowPriority: nodes.count - dedicated, seed: UInt64(time))
        var problem: String?
        do throws(SluiceError) {
            let result = try plan.formula.evaluate(conditions)
            targets = (max(0, result.targetDedicated), max(0, result.targetLowPriority))
            resize(to: min(10_000, targets.dedicated + targets.lowPriority), result.deallocation, at: time)
        } catch { problem = error.description }
        return AutoscaleSimulation.Row(
            seconds: time, active: active, running: running, ended: ended, nodes: nodes.count,
            targetDedicated: targets.dedicated, targetLowPriority: targets.lowPriority, problem: problem,
            nodeSeconds: nodeSeconds)
    }

    private mutating func resize(to wanted: Int, _ deallocation: AutoscaleResult.Deallocation, at time: Double) {
        var staying = nodes.count { !$0.isLeaving }
        while staying < wanted {
            nodes.append((time + plan.startSeconds, [], false))
            staying += 1
        }
        guard staying > wanted else { return }
        // Those that have nothing to do go first.
        for index in nodes.indices.sorted(by: { nodes[$0].tasks.count < nodes[$1].tasks.count })
        where !nodes[index].isLeaving && staying > wanted {
            nodes[index].isLeaving = true
            staying -= 1
            switch deallocation {
            case .taskcompletion, .retaineddata: break
            case .requeue:
                // They begin again from the beginning.
                waiting += nodes[index].tasks.map(\.seconds)
                nodes[index].tasks = []
            case .terminate:
                ended += nodes[index].tasks.count
                nodes[index].tasks = []
            }
        }
        nodes.removeAll { $0.isLeaving && $0.tasks.isEmpty }
    }
}
