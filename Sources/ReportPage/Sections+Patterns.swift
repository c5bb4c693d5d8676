import Sales

extension Sections {
    /// How many suspicious patterns of each type there are, and the most telling ones.
    var patterns: Markup {
        let found = report.anomalies
        guard found.counts.contains(where: { $0.count > 0 }) else {
            return """
                <div class="panel"><h3>Suspicious patterns</h3>
                <p>None of the checks found anything.</p></div>

                """
        }
        var counts = Table(
            "Suspicious patterns by type", [.init("Pattern", isHead: true), .bar, .number("Found")])
        let most = found.counts.map { Double($0.count) }.max() ?? 0
        for (type, count) in found.counts {
            counts.add([concern(type), Bars.bar(Double(count), from: 0, to: most), "\(count)"])
        }
        var content: Markup = """
            <div class="panel"><h3>Suspicious patterns</h3>
            \(counts.draw(class: "barred"))
            """
        for (type, count) in found.counts where count > 0 {
            let patterns = found.patterns.filter { $0.type == type }
            guard !patterns.isEmpty else { continue }
            content += """
                <h4>\(concern(type))</h4>
                \(list(type, patterns).folded(after: 5, "\(patterns.count - 5) more"))\
                \(Sections.shown(patterns.count, of: count))
                """
        }
        content += "</div>\n"
        return content
    }

    /// What a type means: what the report says, where it has one of the type.
    private func concern(_ type: SalesReport.PatternType) -> Markup {
        if let pattern = report.anomalies.patterns.first(where: { $0.type == type }) { return "\(pattern.concern)" }
        return switch type {
        case .rapid: "Multiple high-value purchases within \(report.anomalies.window)"
        case .duplicate: "Transaction id appears more than once"
        case .quantity: "Unusually high quantity"
        case .line: "Quantity, price and discount do not make the line’s subtotal"
        case .subtotal: "Lines do not add up to the subtotal"
        case .tax: "Tax does not follow from the subtotal"
        case .total: "Subtotal, tax and shipping do not add up to the total"
        }
    }

    private func list(_ type: SalesReport.PatternType, _ patterns: [SalesReport.Pattern]) -> Table {
        let transaction = Table.Column("Transaction", isHead: true)
        let columns: [Table.Column] =
            switch type {
            case .rapid:
                [
                    .init("Customer", isHead: true), .number("Purchases"), .number("Total"), .number("From, UTC"),
                    .number("To, UTC"),
                ]
            case .duplicate: [transaction, .number("Times")]
            case .quantity: [transaction, .init("Product"), .number("Line"), .number("Quantity")]
            case .line: [transaction, .number("Line"), .number("Expected"), .number("Found")]
            case .subtotal, .tax, .total: [transaction, .number("Expected"), .number("Found")]
            }
        var table = Table(concern(type), columns)
        for pattern in patterns {
            let id: Markup = "<code>\(Markup.data(pattern.transaction))</code>"
            let line: Markup = pattern.line.map { "\($0)" } ?? "–"
            let expected: Markup = pattern.expected.map { "\(figures.money($0))" } ?? "–"
            let found: Markup = pattern.found.map { "\(figures.money($0))" } ?? "–"
            switch type {
            case .rapid:
                table.add([
                    .data(pattern.customer), pattern.count.map { "\($0)" } ?? "–",
                    pattern.total.map { "\(figures.money($0))" } ?? "–",
                    pattern.from.map { "\(Figures.time($0))" } ?? "–", pattern.to.map { "\(Figures.time($0))" } ?? "–",
                ])
            case .duplicate: table.add([id, pattern.count.map { "\($0)" } ?? "–"])
            case .quantity:
                table.add([id, .data(pattern.product), line, pattern.quantity.map { "\(Figures.plain($0))" } ?? "–"])
            case .line: table.add([id, line, expected, found])
            case .subtotal, .tax, .total: table.add([id, expected, found])
            }
        }
        return table
    }
}
