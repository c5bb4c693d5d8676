// Autoscale: the language in which Azure Batch is told how many nodes a pool should have.
//
//     text ──FormulaReader──▶ words ──FormulaParser──▶ AutoscaleFormula ──evaluate──▶ AutoscaleResult
//                                                            ▲
//                          AutoscaleHistory: what was measured, when
//
// The emulator evaluates pools' formulas with it, and `AutoscaleSimulation` shows what a formula would do with a load before
// anybody pays for it. The language has no loops, texts are at most 8 KB, and vectors and work are counted: a formula ends,
// whatever it says.

public import Support

/// A formula that was understood.
///
///     let formula = try AutoscaleFormula("$TargetDedicatedNodes = min(10, avg($PendingTasks.GetSample(TimeInterval_Minute * 5)));")
///     let result = try formula.evaluate(AutoscaleConditions(now: .now, history: history))
public struct AutoscaleFormula: Sendable {
    /// The formula as it was written.
    public let text: String
    let statements: [FormulaStatement]

    /// The most bytes that a formula may have.
    public static let largestText = 8192
    /// The most statements that a formula may have.
    public static let mostStatements = 100

    /// Reads a formula.
    ///
    /// - throws: `SluiceError` with the line and column at which it is none, and what was expected there.
    public init(_ text: String) throws(SluiceError) {
        guard text.utf8.count <= Self.largestText else {
            throw SluiceError(
                .limitExceeded, "the formula has \(text.utf8.count) bytes, and Batch takes \(Self.largestText)",
                hint: "Shorten its names and comments.")
        }
        self.text = text
        var parser = FormulaParser(try FormulaReader.words(of: text))
        statements = try parser.statements()
        guard statements.count <= Self.mostStatements else {
            throw SluiceError(
                .limitExceeded, "the formula has \(statements.count) statements, and Batch takes \(Self.mostStatements)"
            )
        }
    }

    /// What the formula wants under these conditions.
    ///
    /// - throws: `SluiceError` with the line and column of what cannot be computed.
    public func evaluate(_ conditions: AutoscaleConditions) throws(SluiceError) -> AutoscaleResult {
        var evaluation = FormulaEvaluation(conditions)
        return try evaluation.run(statements)
    }
}

/// What a formula can ask about.
public struct AutoscaleConditions: Sendable {
    /// The time at which it is evaluated.
    public var now: Moment
    /// What was measured.
    public var history: AutoscaleHistory
    /// The targets that the pool has now, which a formula that does not set them leaves.
    public var targetDedicated: Int
    /// The same for spot nodes.
    public var targetLowPriority: Int
    /// How many nodes there are.
    public var currentDedicated: Int
    /// How many spot nodes there are.
    public var currentLowPriority: Int
    /// What `rand()` begins with; the same seed gives the same numbers.
    public var seed: UInt64

    /// Conditions.
    public init(
        now: Moment, history: AutoscaleHistory = AutoscaleHistory(), targetDedicated: Int = 0,
        targetLowPriority: Int = 0, currentDedicated: Int = 0, currentLowPriority: Int = 0, seed: UInt64 = 1
    ) {
        self.now = now
        self.history = history
        self.targetDedicated = targetDedicated
        self.targetLowPriority = targetLowPriority
        self.currentDedicated = currentDedicated
        self.currentLowPriority = currentLowPriority
        self.seed = seed
    }
}

/// What came of a formula.
public struct AutoscaleResult: Sendable, Equatable {
    /// How many nodes there should be.
    public let targetDedicated: Int
    /// How many spot nodes there should be.
    public let targetLowPriority: Int
    /// What happens to the tasks of a node that goes.
    public let deallocation: Deallocation
    /// Every variable with its value, as Batch tells them: `$TargetDedicatedNodes=1;$NodeDeallocationOption=requeue;x=2`.
    public let text: String

    /// What happens to the tasks of a node that goes.
    public enum Deallocation: String, Sendable, CaseIterable {
        /// They are ended, and run again elsewhere.
        case requeue
        /// They are ended.
        case terminate
        /// The node goes when they have ended.
        case taskcompletion
        /// The node goes when what they keep there is no longer wanted.
        case retaineddata
    }
}
