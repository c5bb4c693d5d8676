public import Sales
import Support

/// A sales report at a glance, for a terminal.
public enum ReportSummary {
    /// The lines, 25 at most, each of at most `width` columns (40 at least).
    ///
    /// `styled` allows bold and dim; without `unicode` all is ASCII, names from the data included.
    public static func text(of report: SalesReport, width: Int, styled: Bool, unicode: Bool = true) -> [String] {
        Summary(
            report: report, figures: Figures(report), width: min(max(width, 40), 120), styled: styled, unicode: unicode
        ).lines
    }
}

/// What the lines are made of.
struct Summary {
    let report: SalesReport
    let figures: Figures
    let width: Int
    let styled: Bool
    let unicode: Bool

    var lines: [String] {
        var lines = head
        if report.valid > 0 {
            if report.summary.orders > 0 {
                lines += beside(categories, days)
                lines += beside(customers, products)
            }
            if isWide { lines.append("") }
            lines += anomalies
        }
        if let invalid { lines.append(invalid) }
        return lines
    }

    /// Whether there is room for two blocks side by side.
    private var isWide: Bool { width >= 84 }
    private var column: Int { isWide ? (width - 4) / 2 : width }

    /// Two blocks of lines, side by side where there is room.
    private func beside(_ left: [String], _ right: [String]) -> [String] {
        if !isWide { return left + right }
        var lines = [""]
        for row in 0..<max(left.count, right.count) {
            let first = row < left.count ? left[row] : ""
            let blanks = String(repeating: " ", count: max(0, column + 4 - Display.width(plain(first))))
            lines.append(row < right.count ? first + blanks + right[row] : first)
        }
        return lines
    }

    // MARK: Blocks

    private var head: [String] {
        let name = report.batch?.name ?? (report.inputs.count == 1 ? report.inputs[0].file : "")
        var about: [String] = []
        if let first = report.daily.first, let last = report.daily.last {
            about.append(first.name == last.name ? safe(first.name) : "\(safe(first.name)) to \(safe(last.name))")
        }
        about.append(Figures.counted(report.records, "record"))
        if report.inputs.count > 1 { about.append(Figures.counted(report.inputs.count, "file")) }
        let rest = about.joined(separator: ", ")
        let title = name.isEmpty ? "Sales report" : "Sales report " + safe(name)
        var lines: [String] = []
        if width - rest.utf8.count - 2 >= 30 {
            let cut = cut(title, to: width - rest.utf8.count - 2)
            lines.append(bold(cut) + "  " + dim(rest))
        } else {
            lines += [bold(cut(title, to: width)), dim(cut(rest, to: width))]
        }
        lines.append(contentsOf: headline)
        return lines
    }

    private var headline: [String] {
        let summary = report.summary
        var parts = [
            ("Revenue", figures.priced(summary.revenue)), ("Orders", Figures.count(summary.orders)),
            ("Average", figures.money(summary.averageOrder)),
            ("Customers", Figures.count(report.customerCount)), ("Items", Figures.plain(summary.items)),
        ].map { (name: $0.0, value: safe($0.1)) }
        var lines: [String] = []
        while !parts.isEmpty, lines.count < 3 {
            var line = ""
            var used = 0
            while let part = parts.first {
                let long = part.name.count + 1 + Display.width(part.value)
                if used > 0, used + 3 + long > width { break }
                if used > 0 { line += "   " }
                line += "\(dim(part.name)) \(bold(cut(part.value, to: width - part.name.count - 1)))"
                used += (used > 0 ? 3 : 0) + long
                parts.removeFirst()
            }
            lines.append(line)
        }
        return lines
    }

    private var categories: [String] {
        let all = report.categories
        guard !all.isEmpty else { return [] }
        let most = isWide ? 5 : 4
        let shown = all.count <= most ? all.count : most - 1
        var lines = [bold("Revenue by category")]
        lines += bars(all.prefix(shown).map { (label: named($0.name), value: $0.revenue) })
        if shown < all.count {
            lines.append(dim("  and \(Figures.counted(all.count - shown, "more category", "more categories"))"))
        }
        return lines
    }

    private var days: [String] {
        let last = report.daily.suffix(isWide ? 5 : 3)
        guard !last.isEmpty else { return [] }
        return [bold(last.count == 1 ? "The day with orders" : "Last \(last.count) days with orders")]
            + bars(last.map { (label: safe($0.name), value: $0.revenue) })
    }

    private var customers: [String] {
        ranking(
            "Top customers",
            report.topCustomers.prefix(3).map {
                (name: $0.name.flatMap { $0.isEmpty ? nil : $0 } ?? $0.id, amount: $0.total)
            })
    }

    private var products: [String] {
        ranking(
            "Top products",
            report.topProducts.prefix(3).map {
                (name: $0.name.flatMap { $0.isEmpty ? nil : $0 } ?? $0.id, amount: $0.revenue)
            })
    }

    private func ranking(_ title: String, _ rows: [(name: String, amount: Amount)]) -> [String] {
        if rows.isEmpty { return [] }
        let amounts = rows.map { cut(figures.money($0.amount), to: column - 14) }
        return [bold(title)]
            + zip(rows, amounts).enumerated().map { place, row in
                let room = column - 7 - row.1.utf8.count
                return "  \(place + 1) " + Display.pad(cut(named(row.0.name), to: room), to: room) + "  " + row.1
            }
    }

    private var anomalies: [String] {
        let found = report.anomalies
        let suspicious = found.counts.reduce(0) { $0 &+ $1.count }
        var parts = [
            Figures.counted(found.high, "high value"), Figures.counted(found.frequentCount, "frequent customer"),
        ]
        if suspicious > 0 {
            let types = found.counts.filter { $0.count > 0 }.map { "\(Figures.count($0.count)) \($0.type.rawValue)" }
            parts.append("\(Figures.counted(suspicious, "suspicious pattern")): \(types[0])")
            parts += types.dropFirst()
        } else {
            parts.append("no suspicious patterns")
        }
        return wrapped(bold("Anomalies") + "  ", parts, to: isWide ? 3 : 2)
    }

    private var invalid: String? {
        let count = report.records - report.valid
        guard count > 0 else { return nil }
        var line = Figures.counted(count, "invalid record")
        if let first = Reasons(report).commonest.first {
            line += report.errors.count < 2 ? ": \(safe(first.text))" : ", most often: \(safe(first.text))"
        }
        return style("1;33", cut(line, to: width))
    }

    // MARK: Parts of lines

    /// A label, a bar and an amount in each line, in columns.
    private func bars(_ rows: [(label: String, value: Amount)]) -> [String] {
        let amounts = rows.map { cut(figures.money($0.value), to: column - 18) }
        let amountWidth = amounts.map(\.utf8.count).max() ?? 0
        let most = rows.map(\.value.double).max() ?? 0
        let widest = rows.map { Display.width($0.label) }.max() ?? 0
        let labelWidth = min(widest, max(column - amountWidth - 16, 10), 24)
        let room = max(column - 2 - labelWidth - 2 - 2 - amountWidth, 0)
        return zip(rows, amounts).map { row, amount in
            let bar = Display.pad(bar(row.value.double, of: most, room: min(room, 40)), to: room)
            let label = Display.pad(cut(row.label, to: labelWidth), to: labelWidth)
            return "  \(label)  \(bar)  \(Display.pad(amount, to: amountWidth, right: true))"
        }
    }

    private static let eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

    private func bar(_ value: Double, of most: Double, room: Int) -> String {
        guard value > 0, most > 0, room > 0 else { return "" }
        // What is there is never drawn as nothing.
        let eighths = max(Int((min(value / most, 1) * Double(room) * 8).rounded()), 1)
        if !unicode { return String(repeating: "#", count: max((eighths + 4) / 8, 1)) }
        return String(repeating: "█", count: eighths / 8) + Summary.eighths[eighths % 8]
    }

    /// Parts in lines of the width, further lines below the first one's text; what does not fit `most` lines is cut.
    private func wrapped(_ head: String, _ parts: [String], to most: Int) -> [String] {
        let indent = Display.width(plain(head))
        var lines: [String] = []
        var line = ""
        for part in parts {
            if !line.isEmpty, indent + line.utf8.count + 3 + part.utf8.count > width, lines.count < most - 1 {
                lines.append(line + ",")
                line = ""
            }
            line += line.isEmpty ? part : ", \(part)"
        }
        lines.append(cut(line, to: width - indent))
        return lines.enumerated().map { $0 == 0 ? head + $1 : String(repeating: " ", count: indent) + $1 }
    }

    private func named(_ text: String) -> String { text.isEmpty ? "(empty)" : safe(text) }

    /// Nothing that a terminal would act on, and nothing that it could not show. Only so much as could be shown at all.
    private func safe(_ text: String) -> String {
        let safe = Display.safe(String(text.unicodeScalars.prefix(400)))
        if unicode || safe.utf8.allSatisfy({ $0 < 0x80 }) { return safe }
        return safe.unicodeScalars.reduce(into: "") {
            $0 += $1.isASCII ? String($1) : $1 == "…" ? ".." : "\\u{\(String($1.value, radix: 16))}"
        }
    }

    private func cut(_ text: String, to room: Int) -> String {
        if unicode || text.utf8.count <= room { return Display.cut(text, to: room) }
        return room > 2 ? text.prefix(room - 2) + ".." : ""
    }

    private func bold(_ text: String) -> String { style("1", text) }
    private func dim(_ text: String) -> String { style("2", text) }

    private func style(_ code: String, _ text: String) -> String {
        styled && !text.isEmpty ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }

    /// `text` without our own styles, which take no columns.
    private func plain(_ text: String) -> String {
        if !styled { return text }
        var plain = ""
        var isStyle = false
        for character in text {
            if character == "\u{1b}" { isStyle = true } else if !isStyle { plain.append(character) }
            if isStyle, character == "m" { isStyle = false }
        }
        return plain
    }
}
