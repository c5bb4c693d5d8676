import Sales

extension Sections {
    // MARK: Over time

    var overTime: Markup {
        guard let first = report.daily.first, let last = report.daily.last else { return "" }
        let days = ColumnChart(id: "days", title: "Revenue by day", periods: report.daily, figures: figures)
        let months = ColumnChart(id: "months", title: "Revenue by month", periods: report.monthly, figures: figures)
        var content: Markup = ""
        var isShort = false
        if let days, days.span > 1 {
            let quiet = days.span - report.daily.count
            var said: Markup = ""
            if let best = days.best {
                said += "Best day: \(Figures.date(best.name)) with \(figures.priced(best.revenue))."
            }
            if quiet > 0 { said += " \(Figures.counted(quiet, "day")) without orders." }
            content += chart(days, "By day", said, "Figures by day", "Day")
        } else {
            isShort = true
        }
        if let months, months.span > 1 {
            let said: Markup =
                months.best.map {
                    "Best month: \(Figures.date($0.name)) with \(figures.priced($0.revenue))."
                } ?? ""
            content += chart(months, "By month", said, "Figures by month", "Month")
        } else if report.monthly.count > 1 {
            content +=
                "<div class=\"panel\"><h3>By month</h3>\n\(periods("Figures by month", "Month", report.monthly))</div>\n"
        } else if isShort {
            content += "<div class=\"panel\"><h3>By day</h3>\n\(periods("Figures by day", "Day", report.daily))</div>\n"
        }
        if isShort, first.name != last.name {
            content += """
                <p class="shown">\(Figures.counted(report.daily.count, "day")) with orders from \(Figures.date(first.name)) to \
                \(Figures.date(last.name)) do not fit a drawing. The report as JSON has them all.</p>

                """
        }
        return section("time", "Revenue over time", note: amounts, content)
    }

    /// What unit amounts are in.
    private var amounts: Markup { report.currency.isEmpty ? "" : "Amounts in \(report.currency), days in UTC" }

    private func chart(
        _ chart: ColumnChart, _ title: Markup, _ said: Markup, _ caption: Markup, _ unit: Markup
    ) -> Markup {
        """
        <figure class="panel"><figcaption><h3>\(title)</h3><p>\(said)</p></figcaption>
        \(chart.draw())<details><summary>\(caption)</summary>
        \(periods(caption, unit, chart.periods))</details></figure>

        """
    }

    private func periods(_ caption: Markup, _ unit: Markup, _ periods: [SalesReport.Period]) -> Markup {
        var table = Table(
            caption,
            [
                .init(unit, isHead: true), .number("Orders"), .number("Revenue"), .number("Tax"), .number("Shipping"),
                .number("Items"),
            ])
        // A table of a century's days helps nobody.
        for period in periods.prefix(ColumnChart.most) {
            table.add([
                "\(Figures.date(period.name))", "\(period.orders)", "\(figures.money(period.revenue))",
                "\(figures.money(period.tax))", "\(figures.money(period.shipping))", "\(Figures.plain(period.items))",
            ])
        }
        return "\(table.draw(class: "plain"))\(Sections.shown(ColumnChart.most, of: periods.count))"
    }

    // MARK: Categories

    var byCategory: Markup {
        let categories = report.categories
        guard !categories.isEmpty else { return "" }
        let whole = categories.reduce(Amount()) { $0 + $1.revenue }
        // A part of a sum in which others count against it would be more than the whole.
        let hasShares = categories.allSatisfy { $0.revenue.raw >= 0 } && whole.raw > 0
        let most = categories.map(\.revenue.double).max() ?? 0
        let least = categories.map(\.revenue.double).min() ?? 0
        var columns: [Table.Column] = [.init("Category", isHead: true), .bar, .number("Revenue")]
        if hasShares { columns.append(.number("Share")) }
        var table = Table("Revenue by category", columns)
        for category in categories {
            var row: [Markup] = [
                .data(category.name), Bars.bar(category.revenue.double, from: least, to: most),
                "\(figures.money(category.revenue))",
            ]
            if hasShares { row.append("\(Figures.share(category.revenue, of: whole) ?? "–")") }
            table.add(row)
        }
        let more = Figures.counted(categories.count - 12, "more category", "more categories")
        return section(
            "categories", "Revenue by category", note: "What the items of orders brought, before tax and shipping",
            "<div class=\"panel\">\(table.folded(after: 12, "\(more)", class: "barred"))</div>\n")
    }

    // MARK: Breakdowns

    var breakdowns: Markup {
        guard report.valid > 0 else { return "" }
        let content: Markup = """
            <div class="three">
            \(breakdown("status", "Status", report.statuses))\(breakdown("payment", "Payment", report.payments))\
            \(breakdown("shipping", "Shipping", report.shippings))</div>

            """
        return section(
            "records", "How the records divide",
            note: "All \(Figures.counted(report.valid, "valid record")), whether they count as orders or not", content)
    }

    private func breakdown(_ id: String, _ name: Markup, _ shares: [SalesReport.Share]) -> Markup {
        var table = Table(
            "\(name) of the valid records",
            [.init(name, isHead: true), .number("Records"), .number("Total")])
        for (place, share) in shares.prefix(Sections.mostShares).enumerated() {
            table.add([
                "\(Bars.swatch(place))\(Markup.data(share.name))",
                "\(share.count)<span class=\"id\">\(Figures.share(share.count, of: report.valid) ?? "–")</span>",
                "\(figures.money(share.total))",
            ])
        }
        let more = Figures.counted(min(shares.count, Sections.mostShares) - 8, "more")
        return """
            <div class="panel"><h3>\(name)</h3>
            \(Bars.stack(id: id, title: "\(name.text) of the valid records", shares))\
            \(table.folded(after: 8, "\(more)"))\(Sections.shown(Sections.mostShares, of: shares.count))</div>

            """
    }

    /// As many parts as are listed.
    private static let mostShares = 100
}
