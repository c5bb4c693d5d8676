public import Support

/// What was counted over some inputs, or parts of inputs: merges with others, exactly and in any order, into one report.
public final class SalesPartial: @unchecked Sendable {
    // `@unchecked Sendable` because one task at a time merges, as the comment there demands.

    /// The rules by which records were judged.
    public let rules: SalesRules
    let tally: Tally
    private(set) var inputs: [PartialInput]
    /// How many ids a saved one says that it has.
    var expectedIDs = 0

    init(rules: SalesRules, tally: Tally, inputs: [PartialInput]) {
        self.rules = rules
        self.tally = tally
        self.inputs = inputs
    }

    /// Nothing yet, to merge others into.
    public convenience init(rules: SalesRules) { self.init(rules: rules, tally: Tally(rules), inputs: []) }

    /// How many records were read.
    public var records: Int { inputs.reduce(0) { $0 + $1.records } }
    /// How many of them were rejected.
    public var invalid: Int { inputs.reduce(0) { $0 + $1.invalid } }
    /// How many of them were valid.
    public var valid: Int { records - invalid }
    /// The names of the inputs, each once.
    public var files: [String] { Set(inputs.map(\.file)).sorted() }

    /// Adds all that `other` has; it must not be in use elsewhere at the same time.
    ///
    /// - throws: `SluiceError` when it was made by other rules, or has an input that this one has already.
    public func merge(_ other: SalesPartial) throws(SluiceError) {
        let (mine, theirs) = (try rules.fingerprint, try other.rules.fingerprint)
        guard mine == theirs else {
            throw SluiceError(
                .invalidConfiguration,
                "\(other.files.first ?? "a partial report") was made by the rules \(theirs), and the others by \(mine)",
                hint: "partial reports merge only if they were made by the same rules: make it again")
        }
        var known = Set(inputs.map(\.identity))
        for input in other.inputs where !known.insert(input.identity).inserted {
            throw SluiceError(
                .invalidConfiguration, "\(input.description) is there twice",
                hint: "each input, or each part of it, counts once")
        }
        tally.merge(other.tally)
        inputs += other.inputs
    }
}

/// An input, or a part of one, as far as a report tells of it.
struct PartialInput: Sendable {
    var file: String
    var part: SalesPart
    var batch: SalesReport.BatchID?
    var records = 0
    var invalid = 0
    /// The first rejected records, by their place in the part.
    var errors: [SalesReport.Rejection] = []

    init(file: String, part: SalesPart) {
        self.file = file
        self.part = part
    }

    struct Identity: Hashable {
        var file: String
        var part: SalesPart
    }

    var identity: Identity { Identity(file: file, part: part) }
    var description: String { part == .whole ? file : "part \(part.index + 1) of \(part.of) of \(file)" }

    /// How many rejected records of an input are remembered.
    static func errorsKept(_ rules: SalesRules) -> Int { max(1000, rules.caps.errors) }
}
