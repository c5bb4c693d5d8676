import Sales
public import Settings
public import Support

extension RuleKeys {
    /// What is wrong with rules whose keys are right one by one.
    public static func check(_ rules: Section) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        for key in ["max_unit_price", "max_quantity", "max_total", "percentile"] {
            if let amount = rules.amount(key), amount.raw == 0 {
                problems.append(wrong(rules, key, "a decimal number above 0"))
            }
        }
        if let window = rules.duration("window"), window <= .zero || window.microseconds == 0 {
            problems.append(wrong(rules, "window", "a duration above 0"))
        }
        if let text = rules.text("max_invalid_rate"), RuleValue.rate(text) == nil {
            problems.append(wrong(rules, "max_invalid_rate", "a share from 0 to 1 or 0% to 100%", "write 0.05 or 5%"))
        }
        if let text = rules.text("not_before"), text != "none", RuleValue.time(text) == nil {
            problems.append(wrong(rules, "not_before", "a date, a time or none", "write 2000-01-01 or none"))
        }
        if let text = rules.text("not_after"), RuleValue.latest(text) == nil {
            problems.append(
                wrong(
                    rules, "not_after", "a date, a time, a duration or none",
                    "write 2030-01-01, 24h for a day after now, or none"))
        }
        if rules.has("revenue_statuses"), rules.texts("revenue_statuses")?.isEmpty ?? true {
            problems.append(
                ReportKeys.problem(
                    rules, "revenue_statuses", "\"\(rules.path).revenue_statuses\" is an empty list",
                    "name the statuses whose records are orders"))
        }
        if let text = rules.text("currency"), text.isEmpty || text.utf8.count > 64 {
            problems.append(wrong(rules, "currency", "a currency such as USD"))
        }
        for key in ["transactions", "batch_id"] {
            if let text = rules.text(key), FieldPath.parse(text) == nil {
                problems.append(wrong(rules, key, "keys with dots between them", "write transactions or data.rows"))
            }
        }
        return problems + fields(rules) + order(rules) + checks(rules)
    }

    /// Limits that no value can be between.
    private static func order(_ rules: Section) -> [Diagnostic] {
        guard let first = rules.text("not_before").flatMap(RuleValue.time), let text = rules.text("not_after"),
            case .moment(let last) = RuleValue.latest(text), last < first
        else { return [] }
        return [
            ReportKeys.problem(
                rules, "not_after", "\"\(rules.path).not_after\" is \"\(text)\", which is before not_before",
                "no time would be valid")
        ]
    }

    private static func fields(_ rules: Section) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        for entry in rules.node["fields"]?.entries ?? [] where !entry.value.isNull {
            let values = entry.value.items.isEmpty ? [entry.value] : entry.value.items
            for value in values {
                guard let text = value.scalar?.literal, FieldPath.parse(text) == nil else { continue }
                let path = "\(rules.path).fields.\(entry.key)"
                problems.append(
                    Diagnostic(
                        .error, "\"\(path)\" is \"\(text)\", keys with dots between them were expected",
                        at: value.mark, path: path, hint: "write total, or customer.email"))
            }
        }
        return problems
    }

    // MARK: Checks

    private static func checks(_ rules: Section) -> [Diagnostic] {
        let items = rules.itemPaths
        return rules.checks.flatMap { check in
            var problems: [Diagnostic] = []
            let path = check.text("path").flatMap(FieldPath.parse)
            if path == nil {
                problems.append(wrong(check, "path", "keys with dots between them", "write customer.country"))
            }
            if !conditions.contains(where: check.has) || check.boolean("required") == false {
                problems.append(
                    Diagnostic(
                        .error, "the check of \"\(check.text("path") ?? "")\" asks for nothing", at: check.node.mark,
                        path: check.path, hint: "add one of \(conditions.joined(separator: ", "))"))
            }
            if let least = check.amount("min"), let greatest = check.amount("max"), greatest < least {
                problems.append(wrong(check, "max", "a number of at least min, which is \(least.plain)"))
            }
            if let pattern = check.text("pattern"), let problem = RuleValue.problem(ofPattern: pattern) {
                problems.append(
                    ReportKeys.problem(
                        check, "pattern", "\"\(check.path).pattern\" is \"\(pattern)\": \(problem)",
                        "write an extended regular expression such as ^[A-Z]{3}-[0-9]+$"))
            }
            if check.has("one_of"), check.texts("one_of")?.isEmpty ?? true {
                problems.append(
                    ReportKeys.problem(
                        check, "one_of", "\"\(check.path).one_of\" is an empty list",
                        "name the values that there may be"
                    ))
            }
            if check.has("tolerance"), !check.has("equals") {
                problems.append(
                    ReportKeys.problem(
                        check, "tolerance", "\"tolerance\" needs \"equals\"", "add equals:, or remove it")
                )
            }
            let isInItem = path.map { FieldPath.inItem($0, items) != nil } ?? false
            for text in check.texts("equals") ?? [] {
                let other = FieldPath.parse(text)
                if other == nil || (FieldPath.inItem(other ?? [], items) != nil) != isInItem {
                    problems.append(
                        ReportKeys.problem(
                            check, "equals",
                            "\"\(check.path).equals\" has \"\(text)\", a place beside \"\(check.text("path") ?? "")\" "
                                + "was expected",
                            "write places in the record, or all of them in an item: line_items.price"))
                }
            }
            return problems
        }
    }

    private static func wrong(_ section: Section, _ key: String, _ expected: String, _ hint: String? = nil)
        -> Diagnostic
    {
        Diagnostic(
            .error, "\"\(section.path).\(key)\" is \"\(section.text(key) ?? "")\", \(expected) was expected",
            at: section.mark(key), path: "\(section.path).\(key)", hint: hint)
    }
}
