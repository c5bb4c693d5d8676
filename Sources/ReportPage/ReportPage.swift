public import Sales
import Support

/// A sales report as a page that people like to look at.
///
/// One HTML file that is whole by itself: no script, no font, no image from elsewhere, and a policy that forbids the
/// browser to fetch or run anything. Its numbers have the digits of the JSON document.
public enum ReportPage {
    /// The page of `report`.
    public static func html(of report: SalesReport) -> String {
        let page = Sections(report)
        var html: Markup = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
            base-uri 'none'; form-action 'none'">
            <meta name="referrer" content="no-referrer">
            <meta name="color-scheme" content="light dark">
            <meta name="generator" content="Sluice \(Release.number)">
            <title>\(page.title.isEmpty ? "Sales report" : "Sales report: \(page.title)")</title>
            <link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
            %3Cpath fill='%232a6fb8' d='M1 9h3v6H1zm5-4h3v10H6zm5-4h3v14h-3z'/%3E%3C/svg%3E">
            <style>

            """
        html += style
        html += "</style>\n</head>\n<body>\n"
        html += page.head
        html += "<main>\n"
        html += page.figuresSection
        html += page.overTime
        html += page.byCategory
        html += page.breakdowns
        html += page.customers
        html += page.products
        html += page.anomalies
        html += page.invalid
        html += "</main>\n"
        html += page.foot
        html += "</body>\n</html>\n"
        return html.text
    }
}

/// The parts of the page, from the top down.
struct Sections {
    let report: SalesReport
    let figures: Figures

    init(_ report: SalesReport) {
        self.report = report
        figures = Figures(report)
    }

    /// What the report is about: the batch, else the file.
    var title: String {
        if let batch = report.batch?.name, !batch.isEmpty { return batch }
        if report.inputs.count > 1 { return Figures.counted(report.inputs.count, "file") }
        return report.inputs.first?.file ?? ""
    }

    /// A section with its heading; what `name` leads to.
    func section(_ name: Markup, _ heading: Markup, note: Markup = "", _ content: Markup) -> Markup {
        """
        <section id="\(name)" aria-labelledby="\(name)-h">
        <div class="heading"><h2 id="\(name)-h">\(heading)</h2>\(if: !note.isEmpty, "<p>\(note)</p>")</div>
        \(content)</section>

        """
    }

    // MARK: The head of the page

    var head: Markup {
        var links: [(String, String)] = []
        if !report.daily.isEmpty { links.append(("time", "Over time")) }
        if !report.categories.isEmpty { links.append(("categories", "Categories")) }
        if report.valid > 0 { links.append(("records", "Records")) }
        if !report.customers.isEmpty { links.append(("customers", "Customers")) }
        if !report.products.isEmpty { links.append(("products", "Products")) }
        if report.valid > 0 { links.append(("anomalies", "Anomalies")) }
        if !report.errors.isEmpty { links.append(("invalid", "Invalid records")) }
        var about: [Markup] = []
        if let first = report.daily.first, let last = report.daily.last {
            about.append(
                first.name == last.name
                    ? "\(Figures.date(first.name))" : "\(Figures.date(first.name)) – \(Figures.date(last.name))")
        }
        about.append("\(Figures.counted(report.records, "record"))")
        if report.batch != nil, report.inputs.count == 1 { about.append(.data(report.inputs[0].file)) }
        if report.inputs.count > 1 { about.append("\(Figures.counted(report.inputs.count, "file"))") }
        return """
            <header>
            <p class="kind">Sales report</p>
            <h1>\(title.isEmpty ? "Sales report" : .data(title, to: 100))</h1>
            <p class="about">\(about.joined(" <span class=\"dot\">·</span> "))</p>
            \(if: !links.isEmpty, navigation(links))</header>

            """
    }

    private func navigation(_ links: [(String, String)]) -> Markup {
        let items = links.map { name, text in "<li><a href=\"#\(name)\">\(text)</a></li>" as Markup }.joined()
        return "<nav aria-label=\"Sections\"><ul>\(items)</ul></nav>\n"
    }

    // MARK: Headline figures

    var figuresSection: Markup {
        let summary = report.summary
        var content: Markup = "<dl class=\"figures\">\n"
        content += figure("Revenue", figures.money(summary.revenue), unit: report.currency, isFirst: true)
        content += figure("Orders", Figures.count(summary.orders), note: ordersNote)
        content += figure("Average order", figures.money(summary.averageOrder), unit: report.currency)
        content += figure("Customers", Figures.count(report.customerCount), note: customersNote)
        content += figure("Items sold", Figures.plain(summary.items), note: itemsNote)
        content += figure(
            "Tax", figures.money(summary.tax), unit: report.currency,
            note: summary.orders > 0 ? "\(figures.money(summary.averageTax)) an order" : "")
        content += figure(
            "Shipping", figures.money(summary.shipping), unit: report.currency,
            note: summary.orders > 0 ? "\(figures.money(summary.averageShipping)) an order" : "")
        content += "</dl>\n"
        return """
            <section id="figures" aria-labelledby="figures-h">
            <h2 id="figures-h" class="unseen">Figures</h2>
            \(content)\(validity)</section>

            """
    }

    private func figure(
        _ name: Markup, _ value: String, unit: String = "", note: Markup = "", isFirst: Bool = false
    ) -> Markup {
        let size: Markup =
            value.utf8.count > 20
            ? " longest" : value.utf8.count > 13 ? " long" : value.utf8.count > 9 ? " middling" : ""
        return """
            <div class="figure\(isFirst ? " first" : "")\(size)"><dt>\(name)</dt><dd><span class="value">\(value)</span>\
            \(if: !unit.isEmpty, " <span class=\"unit\">\(unit)</span>")\
            \(if: !note.isEmpty, "<span class=\"note\">\(note)</span>")</dd></div>

            """
    }

    private var ordersNote: Markup {
        report.valid == report.summary.orders ? "" : "of \(Figures.counted(report.valid, "valid record"))"
    }

    private var customersNote: Markup {
        report.customerCount == 0 ? "" : "\(report.returningCustomers) with more than one order"
    }

    private var itemsNote: Markup {
        report.productCount == 0 ? "" : "of \(Figures.counted(report.productCount, "product"))"
    }

    /// Whether all records count, and what is wrong with those that do not.
    private var validity: Markup {
        let invalid = report.records - report.valid
        if report.records == 0 {
            return
                "<div class=\"notice\"><p><strong>There are no records.</strong> What was read is whole, and empty.</p></div>\n"
        }
        if invalid == 0 {
            let orders: Markup =
                report.summary.orders == 0
                ? " None of them has a status that counts as an order, so there is no revenue." : ""
            return
                "<p class=\"good\">All \(Figures.counted(report.records, "record")) \(report.records == 1 ? "is" : "are") valid.\(orders)</p>\n"
        }
        let share = Figures.share(invalid, of: report.records).map { " (\($0))" } ?? ""
        let reasons = Reasons(report)
        var list: Markup = ""
        for reason in reasons.commonest.prefix(4) {
            list += "<li>\(Markup.data(reason.text)) <span class=\"times\">\(reason.count)×</span></li>"
        }
        let lead: Markup = reasons.isWhole ? "Reasons:" : "Reasons in the first \(report.errors.count) of them:"
        return """
            <div class="notice bad" role="note"><p><strong>\(Figures.counted(invalid, "record")) of \(report.records)\(share) \
            \(invalid == 1 ? "is" : "are") invalid</strong> and left out of all figures.\
            \(if: !list.isEmpty, " \(lead)")</p>\(if: !list.isEmpty, "<ul>\(list)</ul>")\
            \(if: !report.errors.isEmpty, "<p><a href=\"#invalid\">What is wrong with them</a></p>")</div>

            """
    }

    // MARK: The foot of the page

    var foot: Markup {
        var facts: [(Markup, Markup)] = []
        if report.inputs.count == 1 { facts.append(("File", .data(report.inputs[0].file))) }
        if report.inputs.count > 1 { facts.append(("Files", "\(report.inputs.count), listed below")) }
        if let batch = report.batch?.name { facts.append(("Batch", .data(batch))) }
        facts.append(("Made", "\(Figures.time(report.processedAt)) UTC"))
        facts.append(("Took", "\(Support.Quantities.describe(.seconds(max(0, min(report.processingSeconds, 1e9)))))"))
        if !report.rules.isEmpty { facts.append(("Rules", "<code>\(report.rules)</code>")) }
        facts.append(("Format", "sales/1"))
        facts.append(("Made by", "Sluice \(Release.number)"))
        let list = facts.map { "<div><dt>\($0.0)</dt><dd>\($0.1)</dd></div>\n" as Markup }.joined()
        return """
            <footer>
            <h2 class="unseen">About this report</h2>
            <dl>
            \(list)</dl>
            \(if: report.inputs.count > 1, inputs)</footer>

            """
    }

    private var inputs: Markup {
        var table = Table(
            "Files",
            [.init("File", isHead: true), .init("Batch"), .number("Records"), .number("Valid"), .number("Invalid")])
        for input in report.inputs.prefix(Sections.mostInputs) {
            table.add([
                .data(input.file), input.batch.map { .data($0.name) } ?? "–", "\(input.records)", "\(input.valid)",
                "\(input.records - input.valid)",
            ])
        }
        let more = Figures.count(min(report.inputs.count, Sections.mostInputs) - 12) + " more"
        return
            "<h3>Files</h3>\n\(table.folded(after: 12, "\(more)"))\(Sections.shown(Sections.mostInputs, of: report.inputs.count))"
    }

    /// As many files as are listed.
    static let mostInputs = 200

    /// `20 of 1,234 shown`; nothing when all are.
    static func shown(_ shown: Int, of all: Int) -> Markup {
        shown >= all ? "" : "<p class=\"shown\">\(shown) of \(all) shown</p>\n"
    }
}

extension SalesReport.BatchID {
    /// As people read it.
    var name: String {
        switch self {
        case .text(let text): text
        case .number(let literal): literal
        }
    }
}
