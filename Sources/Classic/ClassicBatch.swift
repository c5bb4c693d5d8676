/// A batch of transactions, and the report that `classic/1` makes of it.
///
///     let outcome = ClassicBatch.report(on: text)
///     outcome.report   // the document, which tells of a failure too
///     outcome.failure  // what to fail with, if anything
public struct ClassicBatch: ~Copyable {
    private let text: UnsafeRawBufferPointer
    private var scanner: Scanner
    private var record = Record()
    private var validation = Validation()

    private var batchID = PythonValue.text("unknown")
    private var generatedAt = PythonValue.text("unknown")
    /// What the last member `transactions` came to.
    private var results = Results()

    /// What transactions came to.
    private struct Results {
        var counts = ClassicCounts()
        var invalid: [PythonValue] = []
        var aggregates = Aggregates()
        var anomalies = Anomalies()
        /// The exception that ended the batch.
        var failure: String?
    }

    /// How many invalid transactions a report describes: the first ones.
    private static let describedInvalid = 50

    private init(_ text: UnsafeRawBufferPointer) {
        self.text = text
        scanner = Scanner(text)
    }

    /// The report on the batch that `text` holds, which need not be UTF-8 or JSON.
    ///
    /// - parameter task: Whose work this is; said at the end of the report.
    /// - parameter clock: What time it is, asked before and after the work.
    public static func report(
        on text: UnsafeRawBufferPointer, task: ClassicTask? = nil, clock: () -> LocalTime = { .now }
    ) -> ClassicOutcome {
        let start = clock()
        if let undecodable = SourceText.undecodable(text) {
            return ClassicOutcome(nil, counts: ClassicCounts(), failure: .unreadable(undecodable))
        }
        var batch = ClassicBatch(text)
        do throws(PythonFailure) {
            try batch.read()
        } catch {
            return batch.failed(error, task: task, clock: clock)
        }
        return batch.done(task: task, start: start, end: clock())
    }

    // MARK: - The document

    /// Goes through the document. What is wrong with its text is an error wherever it stands; what stops the work on its
    /// transactions matters only when all of the text is right.
    private mutating func read() throws(PythonFailure) {
        if SourceText.beginsWithMark(text) { throw .syntax("Unexpected UTF-8 BOM (decode using utf-8-sig)", at: 0) }
        scanner.skipSpace()
        var rootIsObject = false
        var rootType: StaticString = "list"
        if scanner.sees(UInt8(ascii: "{")) {
            rootIsObject = true
            try readRoot()
        } else {
            scanner.begin(recording: !scanner.sees(UInt8(ascii: "[")))
            try scanner.value()
            if scanner.isRecording { rootType = scanner.tape[0].kind.typeName }
        }
        scanner.skipSpace()
        if scanner.at != scanner.end { throw .syntax("Extra data", at: scanner.at) }
        if !rootIsObject { throw .exception("'\(rootType)' object has no attribute 'get'") }
        if let failure = results.failure { throw .exception(failure) }
    }

    private mutating func readRoot() throws(PythonFailure) {
        try scanner.enter(.object)
        scanner.at += 1
        scanner.skipSpace()
        if !scanner.sees(UInt8(ascii: "}")) {
            while true {
                scanner.begin(recording: false)
                switch try scanner.name() {
                case .transactions: try readTransactions()
                case .batchID: batchID = try keptValue()
                case .generatedAt: generatedAt = try keptValue()
                default: try scanner.value()
                }
                if try scanner.endsContainer(with: UInt8(ascii: "}")) { break }
            }
        }
        scanner.at += 1
        scanner.leave()
    }

    private mutating func keptValue() throws(PythonFailure) -> PythonValue {
        scanner.begin(recording: true)
        try scanner.value()
        return scanner.tape.value(0)
    }

    private mutating func readTransactions() throws(PythonFailure) {
        // A member of the same name that came before is forgotten, as a dictionary would forget it.
        results = Results()
        guard scanner.sees(UInt8(ascii: "[")) else { return try readOddTransactions() }
        try scanner.enter(.array)
        scanner.at += 1
        scanner.skipSpace()
        if !scanner.sees(UInt8(ascii: "]")) {
            while true {
                scanner.begin(recording: results.failure == nil)
                try scanner.value()
                if results.failure == nil { take() }
                if try scanner.endsContainer(with: UInt8(ascii: "]")) { break }
            }
        }
        scanner.at += 1
        scanner.leave()
    }

    /// Reads transactions that are no array. What has a length and is empty is an empty batch, and what Python finds in
    /// it otherwise are strings.
    private mutating func readOddTransactions() throws(PythonFailure) {
        let isObject = scanner.sees(UInt8(ascii: "{"))
        var isEmpty = false
        if isObject {
            let begin = scanner.at
            scanner.begin(recording: false)
            try scanner.value()
            isEmpty = text[begin + 1..<scanner.at - 1].allSatisfy { $0 <= 0x20 }
        } else {
            scanner.begin(recording: true)
            try scanner.value()
            let node = scanner.tape[0]
            if node.kind != .string {
                results.failure = "object of type '\(node.kind.typeName)' has no len()"
                return
            }
            isEmpty = node.count == 0
        }
        if !isEmpty { results.failure = "'str' object has no attribute 'get'" }
    }

    // MARK: - Transactions

    /// Deals with the transaction that the tape holds.
    private mutating func take() {
        let tape = scanner.tape
        switch tape[0].kind {
        case .object: break
        case .string, .array:
            results.failure = "'\(tape[0].kind.typeName)' object has no attribute 'get'"
            return
        default:
            results.failure = "argument of type '\(tape[0].kind.typeName)' is not iterable"
            return
        }
        record.read(tape)
        do throws(PythonFailure) {
            let errors = try validation.errors(of: record, on: tape)
            if errors.isEmpty {
                results.counts.valid += 1
                results.aggregates.add(record, on: tape)
                results.anomalies.add(record, on: tape)
            } else {
                reject(errors, on: tape)
            }
            results.counts.total += 1
        } catch {
            results.failure = error.text
        }
    }

    private mutating func reject(_ errors: [String], on tape: Tape) {
        results.counts.invalid += 1
        if results.invalid.count == ClassicBatch.describedInvalid { return }
        results.invalid.append(
            .members([
                "transaction_index": .integer(results.counts.total),
                "transaction_id": record.transactionID == 0 ? .text("unknown") : tape.value(record.transactionID),
                "errors": .list(errors.map { .text($0) }),
            ]))
    }

    // MARK: - The report

    private func done(task: ClassicTask?, start: LocalTime, end: LocalTime) -> ClassicOutcome {
        let counts = results.counts
        return ClassicOutcome.written(
            [
                "batch_id": batchID,
                "input_transaction_count": .integer(counts.total),
                "processed_at": .text(end.iso),
                "processing_time_seconds": end.seconds(since: start),
                "validation": .members([
                    "total_transactions": .integer(counts.total),
                    "valid_transactions": .integer(counts.valid),
                    "invalid_transactions": .integer(counts.invalid),
                    "validation_errors": .list(results.invalid),
                ]),
                "analytics": results.aggregates.report(),
                "anomalies": results.anomalies.report(),
                "metadata": .members([
                    "processor_version": .text("1.0.0"),
                    "input_batch_id": batchID,
                    "original_generated_at": generatedAt,
                ]),
            ], task: task, counts: counts, failure: nil)
    }

    private func failed(_ error: PythonFailure, task: ClassicTask?, clock: () -> LocalTime) -> ClassicOutcome {
        let title: String
        let details: String
        switch error {
        case .syntax(let message, let offset):
            title = "JSON parsing failed"
            details = SourceText.explain(message, at: offset, in: text)
        case .exception(let text):
            title = "Processing failed"
            details = text
        }
        return ClassicOutcome.written(
            ["error": .text(title), "details": .text(details), "processed_at": .text(clock().iso)],
            task: task, counts: ClassicCounts(), failure: .batch(title: title, details: details))
    }
}
