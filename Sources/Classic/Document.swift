import Support

/// The walk through a document, unit by unit: a member of the root, an element of its transactions. Each transaction is
/// dealt with when it is met.
struct Document: ~Copyable {
    private enum State { case start, member, element, end }

    /// How much of what was handed over has been dealt with. What comes next is handed over again, with more behind it.
    var done = 0
    private var state = State.start
    private var scanner = Scanner()
    private var record = Record()
    private var validation = Validation()

    private var batchID = PythonValue.text("unknown")
    private var generatedAt = PythonValue.text("unknown")
    /// What the root is, when it is no object.
    private var rootType: StaticString?
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

    /// Walks on through `text`, to its end if it is final. What is wrong with the text is an error wherever it stands;
    /// what stops the work on its transactions matters only when all of the text is right.
    ///
    /// - throws: What is wrong behind `done`; of a text that is not final, it may be wrong only because of that.
    mutating func read(_ text: UnsafeRawBufferPointer, isFinal: Bool) throws(PythonFailure) {
        scanner.look(at: text, from: done)
        // What stands between units may have been cut.
        scanner.skipSpace()
        while true {
            switch state {
            case .start: try readStart(text, isFinal: isFinal)
            case .member: try readMember()
            case .element: try readElements()
            case .end:
                scanner.skipSpace()
                if scanner.at < scanner.end { throw .syntax("Extra data", at: scanner.at) }
                done = scanner.at
                if !isFinal { throw .syntax("", at: scanner.at) }
                if let rootType { throw .exception("'\(rootType)' object has no attribute 'get'") }
                if let failure = results.failure { throw .exception(failure) }
                return
            }
        }
    }

    /// Ends a unit: it will not be met again.
    @inline(__always) private mutating func goOn(_ next: State) {
        state = next
        done = scanner.at
        scanner.keepDepth()
    }

    // MARK: - The root

    private mutating func readStart(_ text: UnsafeRawBufferPointer, isFinal: Bool) throws(PythonFailure) {
        if SourceText.beginsWithMark(text) { throw .syntax("Unexpected UTF-8 BOM (decode using utf-8-sig)", at: 0) }
        scanner.skipSpace()
        guard scanner.sees(UInt8(ascii: "{")) else {
            scanner.begin(recording: !scanner.sees(UInt8(ascii: "[")))
            try scanner.value()
            rootType = scanner.isRecording ? scanner.tape[0].kind.typeName : NodeKind.array.typeName
            scanner.skipSpace()
            // A number may go on behind the end.
            if scanner.at == scanner.end, !isFinal { throw .syntax("", at: scanner.at) }
            return goOn(.end)
        }
        try scanner.enter(.object)
        scanner.at += 1
        scanner.skipSpace()
        if scanner.sees(UInt8(ascii: "}")) { return leave(.end) }
        if scanner.at == scanner.end {
            throw .syntax("Expecting property name enclosed in double quotes", at: scanner.at)
        }
        goOn(.member)
    }

    /// Leaves a container whose end is next.
    private mutating func leave(_ next: State) {
        scanner.at += 1
        scanner.leave()
        goOn(next)
    }

    private mutating func readMember() throws(PythonFailure) {
        scanner.begin(recording: false)
        switch try scanner.name() {
        case .transactions:
            if scanner.sees(UInt8(ascii: "[")) { return try enterTransactions() }
            try readOddTransactions()
        case .batchID: batchID = try keptValue()
        case .generatedAt: generatedAt = try keptValue()
        default: try scanner.value()
        }
        try endMember()
    }

    private mutating func endMember() throws(PythonFailure) {
        if try scanner.endsContainer(with: UInt8(ascii: "}")) { leave(.end) } else { goOn(.member) }
    }

    private mutating func keptValue() throws(PythonFailure) -> PythonValue {
        scanner.begin(recording: true)
        try scanner.value()
        return scanner.tape.value(0)
    }

    // MARK: - Transactions

    private mutating func enterTransactions() throws(PythonFailure) {
        // A member of the same name that came before is forgotten, as a dictionary would forget it.
        results = Results()
        try scanner.enter(.array)
        scanner.at += 1
        scanner.skipSpace()
        if scanner.at == scanner.end { throw .syntax("Expecting value", at: scanner.at) }
        if !scanner.sees(UInt8(ascii: "]")) { return goOn(.element) }
        scanner.at += 1
        scanner.leave()
        try endMember()
    }

    private mutating func readElements() throws(PythonFailure) {
        while true {
            scanner.begin(recording: results.failure == nil)
            try scanner.value()
            let isLast = try scanner.endsContainer(with: UInt8(ascii: "]"))
            if isLast {
                scanner.at += 1
                scanner.leave()
                // The member that this is the value of ends here too, so that there is no state in between.
                let endsRoot = try scanner.endsContainer(with: UInt8(ascii: "}"))
                if results.failure == nil { take() }
                return endsRoot ? leave(.end) : goOn(.member)
            }
            if results.failure == nil { take() }
            goOn(.element)
        }
    }

    /// Reads transactions that are no array. What has a length and is empty is an empty batch, and what Python finds in
    /// it otherwise are strings.
    private mutating func readOddTransactions() throws(PythonFailure) {
        results = Results()
        let begin = scanner.at
        let isObject = scanner.sees(UInt8(ascii: "{"))
        scanner.begin(recording: !isObject)
        try scanner.value()
        if isObject {
            let inner = UnsafeBufferPointer(start: scanner.base + begin + 1, count: scanner.at - begin - 2)
            if inner.contains(where: { $0 > 0x20 }) { results.failure = "'str' object has no attribute 'get'" }
            return
        }
        let node = scanner.tape[0]
        if node.kind != .string {
            results.failure = "object of type '\(node.kind.typeName)' has no len()"
        } else if node.count > 0 {
            results.failure = "'str' object has no attribute 'get'"
        }
    }

    /// Deals with the transaction that the tape holds.
    private mutating func take() {
        let tape = scanner.tape
        let kind = tape[0].kind
        switch kind {
        case .object: break
        case .string, .array:
            results.failure = "'\(kind.typeName)' object has no attribute 'get'"
            return
        default:
            results.failure = "argument of type '\(kind.typeName)' is not iterable"
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
        if results.invalid.count == Document.describedInvalid { return }
        results.invalid.append(
            .members([
                "transaction_index": .integer(results.counts.total),
                "transaction_id": record.transactionID == 0 ? .text("unknown") : tape.value(record.transactionID),
                "errors": .list(errors.map { .text($0) }),
            ]))
    }

    // MARK: - The report

    /// How many transactions there were.
    var counts: ClassicCounts { results.counts }

    /// The report's members.
    func report(start: LocalTime, end: LocalTime) -> KeyValuePairs<String, PythonValue> {
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
        ]
    }
}
