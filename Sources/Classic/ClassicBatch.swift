public import Support

/// A batch of transactions, and the report that `classic/1` makes of it.
///
///     let outcome = try await ClassicBatch.report(on: file)
///     outcome.report   // the document, which tells of a failure too
///     outcome.failure  // what to fail with, if anything
///
/// Memory depends on what is told apart (customers, products, ids) and on the largest transaction.
public struct ClassicBatch: ~Copyable {
    private var window: Window
    private var document = Document()

    private init(_ stream: any ByteStream) { window = Window(stream) }

    /// The report on the batch that `source` holds, which need not be UTF-8 or JSON.
    ///
    /// - parameter task: Whose work this is; said at the end of the report.
    /// - parameter clock: What time it is, asked before and after the work.
    /// - throws: What reading the source throws. What is wrong with its contents is an outcome.
    public static func report(
        on source: any StreamSource, task: ClassicTask? = nil, clock: () -> LocalTime = { .now }
    ) async throws(SluiceError) -> ClassicOutcome {
        let start = clock()
        var batch = ClassicBatch(try await source.stream())
        let failure = try await batch.read()
        if let undecodable = batch.window.undecodable {
            return ClassicOutcome(nil, counts: ClassicCounts(), failure: .unreadable(undecodable))
        }
        switch failure {
        case nil:
            return .written(
                batch.document.report(start: start, end: clock()), counts: batch.document.counts, task: task)
        case .syntax(let message, let offset):
            let place = try await Place.at(offset, of: source)
            return .failed("JSON parsing failed", "\(message): \(place.text)", at: clock(), task: task)
        case .exception(let text):
            return .failed("Processing failed", text, at: clock(), task: task)
        }
    }

    /// Goes through the document, and returns what is wrong with it, at its offset in the whole.
    ///
    /// A unit that fails may only be cut off where the window ends, so it is tried again in a larger one, until it fails
    /// in the same way: that is no matter of where the window ends.
    private mutating func read() async throws(SluiceError) -> PythonFailure? {
        var last: PythonFailure?
        while true {
            do throws(PythonFailure) {
                try document.read(window.bytes, isFinal: window.isFinal)
                return nil
            } catch {
                let failure = error.moved(by: window.position)
                if window.isFinal || failure.isWhole && failure == last {
                    try await window.drain()
                    return failure
                }
                last = failure
            }
            window.drop(document.done)
            document.done = 0
            try await window.extend()
            if window.undecodable != nil { return nil }
        }
    }
}
