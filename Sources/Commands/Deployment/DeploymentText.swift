import CommandLine
import Packages
import Platforms
import Support

/// How plans of deployments are told to people.
enum DeploymentText {
    /// A line for each part that changes; with --verbose for those that stay too.
    static func lines(_ plan: DeploymentPlan, in context: Context) -> [String] {
        let head = "\(plan.job.job) on \(plan.platform), as \(plan.name)"
        if plan.isEmpty, !context.options.isVerbose { return [Display.safe("\(head): as it is declared")] }
        var lines = [Display.safe("\(head):")]
        let shown = plan.changes.filter { $0.action != .keep || context.options.isVerbose }
        let width = min(40, shown.map { Display.safe($0.path).count }.max() ?? 0)
        for change in shown.map({ context.options.isVerbose ? $0 : brief($0) }) {
            let values: String
            switch change.action {
            case .create: values = change.to ?? ""
            case .delete: values = change.from ?? ""
            case .update:
                values =
                    change.from == nil && change.to == nil
                    ? "(not shown)" : "\(quoted(change.from)) → \(quoted(change.to))"
            case .keep: values = change.to ?? ""
            }
            lines.append(
                "  \(mark(change.action)) \(Display.pad(Display.safe(change.path), to: width))  \(Display.safe(values))"
            )
        }
        for warning in plan.warnings { lines.append("  warning: \(Display.safe(warning))") }
        if let cost = plan.cost { lines.append("  cost: \(Display.safe(cost))") }
        return lines
    }

    /// A change as people read it: a package by its name and the beginning of its hash, when only the hash changes.
    private static func brief(_ change: DeploymentChange) -> DeploymentChange {
        guard change.path == "package" else { return change }
        let both = [change.from, change.to].map { $0.flatMap { text in try? PackageReference(text) } }
        let places = Set(both.compactMap { $0?.place })
        func text(_ reference: PackageReference?, _ whole: String?) -> String? {
            guard let reference else { return whole }
            return places.count == 1 && both.allSatisfy { $0 != nil }
                ? reference.short : "\(reference.place)/\(reference.short)"
        }
        return DeploymentChange(
            change.action, change.path, from: text(both[0], change.from), to: text(both[1], change.to))
    }

    private static func quoted(_ text: String?) -> String {
        guard let text, !text.isEmpty else { return "nothing" }
        return text
    }

    private static func mark(_ action: DeploymentChange.Action) -> String {
        switch action {
        case .create: "+"
        case .update: "~"
        case .delete: "-"
        case .keep: " "
        }
    }

    /// `Plan: 1 job to make, 2 to change, 1 as it is declared`
    static func summary(_ plans: [DeploymentPlan]) -> String {
        let made = plans.count { $0.basis.isEmpty && !$0.isEmpty }
        let same = plans.count(where: \.isEmpty)
        return "Plan: \(made) to make, \(plans.count - made - same) to change, \(same) as declared"
    }
}

extension ValueKind where Value == String {
    /// The name of a platform.
    static var platformName: ValueKind { known("PLATFORM", "platforms") }
}
