import Init
import Sluice
import Support

/// What an init job would do, in words: a line for each step, and one for each thing that it would do.
enum SetupLines {
    /// The lines.
    static func lines(_ name: String, _ result: InitResult) -> [String] {
        var lines = ["\(name): init \(result.purpose)"]
        for step in result.steps {
            let title = "  \(step.number). \(step.name)\(step.region.map { " [\($0)]" } ?? "")"
            switch step.state {
            case .planned:
                lines.append("\(title): to do")
                lines += (result.pending[step.number] ?? []).map { "    \($0)" }
            case .alreadyDone: lines.append("\(title): already done: \(step.message)")
            case .checked: lines.append("\(title): checked: \(step.message)")
            default: lines.append("\(title): \(step.state.rawValue): \(step.message)")
            }
        }
        return lines.map { Display.safe($0) }
    }
}
