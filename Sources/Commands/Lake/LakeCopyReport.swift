import Storage
import Stores
import Support

/// What is told of a copy: each failure when it happens, and at the end how many there were of each kind.
final class LakeCopyReport {
    private let source: any ObjectStore
    private let target: any ObjectStore
    private let context: Context
    private var files: [JSONText] = []

    init(from source: any ObjectStore, to target: any ObjectStore, _ context: Context) {
        self.source = source
        self.target = target
        self.context = context
    }

    /// Takes note of how one object fared.
    func take(_ outcome: StoreCopy.Outcome) {
        let word: String
        var failure: JSONText?
        switch outcome.result {
        case .copied: word = "copied"
        case .identical: word = "identical"
        case .kept: word = "kept"
        case .failed(let error):
            word = "failed"
            let report = ErrorReport(error, command: ["lake", "cp"])
            report.tell(context)
            failure = report.json
        }
        let (from, to) = (source.url(outcome.from), target.url(outcome.to))
        context.detail("\(word) \(Display.safe(from)) → \(Display.safe(to))")
        guard context.options.isJSON else { return }
        files.append(
            .members([
                "from": .string(from), "to": .string(to), "bytes": .number(outcome.bytes), "result": .string(word),
                "error": failure,
            ]))
    }

    /// The counts of a few outcomes.
    func summary(of outcomes: [StoreCopy.Outcome]) -> StoreCopy.Summary {
        var summary = StoreCopy.Summary()
        for outcome in outcomes { summary.count(outcome) }
        return summary
    }

    /// Tells how it ended.
    func end(_ summary: StoreCopy.Summary, _ duration: Duration) {
        if context.options.isJSON {
            context.answer([
                "copied": .number(summary.copied), "identical": .number(summary.identical),
                "kept": .number(summary.kept), "failed": .number(summary.failed), "bytes": .number(summary.bytes),
                "milliseconds": .number(Int(duration.seconds * 1000)),
                "files": .array(files),
            ])
        }
        if summary.total == 0 { return context.say("no file fits; nothing was copied") }
        var parts = ["copied \(LakeText.amount(summary.copied, summary.bytes))"]
        if summary.identical > 0 { parts.append("\(ProgressView.count(summary.identical)) had the same bytes already") }
        if summary.kept > 0 { parts.append("\(ProgressView.count(summary.kept)) left as they were") }
        if summary.failed > 0 { parts.append("\(ProgressView.count(summary.failed)) failed") }
        let rate = duration.seconds > 0 ? Double(summary.bytes) / duration.seconds : 0
        parts.append(Quantities.describe(duration))
        if rate >= 1, rate < 1e15 { parts.append("\(Quantities.describe(bytes: Int(rate)))/s") }
        context.say(parts.joined(separator: ", "))
    }
}
