import Support

/// One evaluation of a formula: its variables, and how much it has done so far.
struct FormulaEvaluation {
    let conditions: AutoscaleConditions
    private var variables: [(name: String, value: FormulaValue)] = []
    private var random: UInt64
    private var work = 0
    private var isStopped = false

    /// How many values may be touched.
    private static let mostWork = 20_000_000
    /// How long a vector may become.
    static let longestVector = 200_000

    /// What a formula may set, with other names for the same.
    private static let targets = [
        "$TargetDedicatedNodes", "$TargetLowPriorityNodes", "$TargetDedicated", "$TargetLowPriority",
        "$NodeDeallocationOption",
    ]
    static let constants: [String: FormulaValue] = {
        let seconds: KeyValuePairs<String, Double> = [
            "Zero": 0, "100ns": 1e-7, "Microsecond": 1e-6, "Millisecond": 1e-3, "Second": 1, "Minute": 60,
            "Hour": 3600, "Day": 86_400, "Week": 604_800, "Year": 31_536_000,
        ]
        var all = Dictionary(
            uniqueKeysWithValues: seconds.map { ("TimeInterval_\($0.key)", FormulaValue.interval($0.value)) })
        for option in AutoscaleResult.Deallocation.allCases { all[option.rawValue] = .text(option.rawValue) }
        return all
    }()

    init(_ conditions: AutoscaleConditions) {
        self.conditions = conditions
        random = conditions.seed
    }

    /// Refuses a name that cannot be set.
    static func checkAssignable(_ name: String, _ place: FormulaPlace) throws(SluiceError) {
        if targets.contains(name) { return }
        if AutoscaleHistory.metrics.contains(name) {
            throw place.failure("\(name) is measured and cannot be set", hint: "Set \(targets[0]).")
        }
        if constants[name] != nil { throw place.failure("\(name) is a constant and cannot be set") }
        if name.hasPrefix("$Target") || name.hasPrefix("$Node") {
            let near = nearestWord(to: name, among: targets)
            throw place.failure(
                "\(name) is no variable that Batch knows", hint: near.map { "Did you mean \($0)?" })
        }
    }

    mutating func run(_ statements: [FormulaStatement]) throws(SluiceError) -> AutoscaleResult {
        for statement in statements where !isStopped {
            let value = try self.value(statement.expression)
            if isStopped { break }
            if let name = statement.name { try set(name, value, statement.place) }
        }
        return try result()
    }

    private mutating func set(_ name: String, _ value: FormulaValue, _ place: FormulaPlace) throws(SluiceError) {
        var value = value
        if case .metric(let metric) = value { value = .number(try current(metric, place)) }
        if name == "$NodeDeallocationOption" {
            guard case .text(let text) = value, AutoscaleResult.Deallocation(rawValue: text) != nil else {
                throw place.failure(
                    "\(name) is set to \(value.shown)",
                    hint: "It takes requeue, terminate, taskcompletion or retaineddata.")
            }
        } else if Self.targets.contains(name) {
            // A vector of one is what GetSample(1) gives.
            if case .vector(let values) = value, values.count == 1 { value = .number(values[0]) }
            guard case .number(let number) = value else {
                throw place.failure("\(name) has to be a double, and is set to \(value.kind)")
            }
            guard number.isFinite, number > -1, number < 1_000_000 else {
                throw place.failure("\(name) is set to \(FormulaValue.describe(number)), which is no number of nodes")
            }
        }
        if let index = variables.firstIndex(where: { $0.name == name }) {
            variables[index].value = value
        } else {
            variables.append((name, value))
        }
    }

    private func variable(_ name: String) -> FormulaValue? { variables.first { $0.name == name }?.value }

    private func result() throws(SluiceError) -> AutoscaleResult {
        func target(_ names: [String], _ now: Int) -> Int {
            for name in names { if case .number(let value)? = variable(name) { return Int(value) } }
            return now
        }
        let dedicated = target([Self.targets[0], Self.targets[2]], conditions.targetDedicated)
        let lowPriority = target([Self.targets[1], Self.targets[3]], conditions.targetLowPriority)
        var deallocation = AutoscaleResult.Deallocation.requeue
        if case .text(let text)? = variable(Self.targets[4]) {
            deallocation = AutoscaleResult.Deallocation(rawValue: text) ?? .requeue
        }
        let own = variables.filter { !Self.targets.contains($0.name) }.map { "\($0.name)=\($0.value.shown)" }
        let text =
            ([
                "$TargetDedicatedNodes=\(dedicated)", "$TargetLowPriorityNodes=\(lowPriority)",
                "$NodeDeallocationOption=\(deallocation.rawValue)",
            ] + own).joined(separator: ";")
        return AutoscaleResult(
            targetDedicated: dedicated, targetLowPriority: lowPriority, deallocation: deallocation,
            // Long vectors would make it longer than anybody reads.
            text: String(text.prefix(16_384)))
    }

    // MARK: Expressions

    mutating func spend(_ amount: Int, _ place: FormulaPlace) throws(SluiceError) {
        work += amount + 1
        if work > Self.mostWork { throw place.failure("the formula has more to compute than is allowed") }
    }

    mutating func value(_ expression: FormulaExpression) throws(SluiceError) -> FormulaValue {
        switch expression {
        case .number(let value): return .number(value)
        case .text(let text): return .text(text)
        case .name(let name, let place): return try named(name, place)
        case .signed(let signs, let inner):
            var value = try value(inner)
            for (sign, place) in signs.reversed() { value = try apply(sign, value, place) }
            return value
        case .chain(let first, let others): return try chain(first, others)
        case .choice(let condition, let place, let yes, let no):
            let decided = try number(value(condition), place, "the condition of '?'")
            return try value(decided != 0 ? yes : no)
        case .member(let inner, let name, let place): return try member(try value(inner), name, place)
        case .method(let inner, let name, let arguments, let place):
            guard case .metric(let metric) = try value(inner) else {
                throw place.failure(
                    "\(name) is asked of what is no metric", hint: "Ask it of one, such as $PendingTasks.")
            }
            var values: [FormulaValue] = []
            for argument in arguments { values.append(try value(argument)) }
            return try sampled(metric, name, values, place)
        case .call(let name, let arguments, let place):
            if name == "stop", arguments.isEmpty {
                isStopped = true
                return .number(0)
            }
            var values: [FormulaValue] = []
            for argument in arguments {
                values.append(try plain(try value(argument), place))
                if isStopped { return .number(0) }
            }
            return try function(name, values, place)
        }
    }

    private func named(_ name: String, _ place: FormulaPlace) throws(SluiceError) -> FormulaValue {
        if let value = variable(name) { return value }
        if let value = Self.constants[name] { return value }
        if name == "$TargetDedicated" { return .metric("$TargetDedicatedNodes") }
        if name == "$TargetLowPriority" { return .metric("$TargetLowPriorityNodes") }
        if AutoscaleHistory.metrics.contains(name) { return .metric(name) }
        let known = variables.map(\.name) + AutoscaleHistory.metrics + Self.constants.keys
        throw place.failure(
            "\(name) is not known by then",
            hint: nearestWord(to: name, among: known).map { "Did you mean \($0)?" }
                ?? "Set it in a statement before.")
    }

    private mutating func chain(
        _ first: FormulaExpression, _ others: [(sign: String, place: FormulaPlace, value: FormulaExpression)]
    ) throws(SluiceError) -> FormulaValue {
        var left = try value(first)
        for (sign, place, other) in others {
            if sign == "&&" || sign == "||" {
                let known = try number(left, place, "what stands before '\(sign)'") != 0
                // The other side is not asked when it does not matter: it may lack samples.
                if known == (sign == "||") {
                    left = .number(known ? 1 : 0)
                } else {
                    left = .number(try number(value(other), place, "what stands behind '\(sign)'") != 0 ? 1 : 0)
                }
                continue
            }
            left = try apply(sign, try plain(left, place), try plain(try value(other), place), place)
        }
        return left
    }

    /// A value that is not a metric: that of a count of nodes is the current one.
    func plain(_ value: FormulaValue, _ place: FormulaPlace) throws(SluiceError) -> FormulaValue {
        guard case .metric(let name) = value else { return value }
        return .number(try current(name, place))
    }

    func number(_ value: FormulaValue, _ place: FormulaPlace, _ what: String) throws(SluiceError) -> Double {
        switch try plain(value, place) {
        case .number(let number): return number
        case .vector(let values) where values.count == 1: return values[0]
        default: throw place.failure("\(what) is \(value.kind); a double was expected")
        }
    }

    private func current(_ metric: String, _ place: FormulaPlace) throws(SluiceError) -> Double {
        switch metric {
        case "$TargetDedicatedNodes": return Double(conditions.targetDedicated)
        case "$TargetLowPriorityNodes": return Double(conditions.targetLowPriority)
        case "$CurrentDedicatedNodes": return Double(conditions.currentDedicated)
        case "$CurrentLowPriorityNodes": return Double(conditions.currentLowPriority)
        default:
            throw place.failure(
                "\(metric) is a metric, and not a value",
                hint: "Ask for its samples: \(metric).GetSample(TimeInterval_Minute * 5)")
        }
    }

    mutating func nextRandom() -> Double {
        // SplitMix64.
        random &+= 0x9e37_79b9_7f4a_7c15
        var mixed = random
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return Double((mixed ^ mixed >> 31) >> 11) / Double(1 << 53)
    }
}
