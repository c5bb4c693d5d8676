import Sales

extension Sections {
    // MARK: Customers and products

    var customers: Markup {
        // The longer of the two lists has all that the other has.
        let list = report.customers.count >= report.topCustomers.count ? report.customers : report.topCustomers
        guard !list.isEmpty else { return "" }
        let most = list.map(\.total.double).max() ?? 0
        let least = list.map(\.total.double).min() ?? 0
        var table = Table(
            "Customers by what they spent",
            [
                .number("<abbr title=\"Rank\">#</abbr>"), .init("Customer", isHead: true), .bar, .number("Spent"),
                .number("Orders"), .number("Average"), .number("First order"), .number("Last order"),
                .number("Days between"),
            ])
        for (place, customer) in list.enumerated() {
            table.add([
                "\(place + 1)", who(customer.name, customer.id), Bars.bar(customer.total.double, from: least, to: most),
                "\(figures.money(customer.total))", "\(customer.orders)", "\(figures.money(customer.mean))",
                "\(Figures.day(customer.first))", "\(Figures.day(customer.last))",
                "\(customer.daysBetween.map { Figures.grouped($0.text(2)) } ?? "–")",
            ])
        }
        let perCustomer = Amount(report.summary.orders).divided(by: Amount(report.customerCount), 2)
        return section(
            "customers", "Customers",
            note: """
                \(Figures.counted(report.customerCount, "customer")), \(report.returningCustomers) of them with more than one \
                order; \(Figures.grouped(perCustomer.text(2))) orders a customer
                """,
            """
            <div class="panel">\(table.folded(after: 10, "\(list.count - 10) more", class: "barred ranked"))\
            \(Sections.shown(list.count, of: report.customerCount))</div>

            """)
    }

    var products: Markup {
        let list = report.products.count >= report.topProducts.count ? report.products : report.topProducts
        guard !list.isEmpty else { return "" }
        let most = list.map(\.revenue.double).max() ?? 0
        let least = list.map(\.revenue.double).min() ?? 0
        var table = Table(
            "Products by revenue",
            [
                .number("<abbr title=\"Rank\">#</abbr>"), .init("Product", isHead: true), .bar, .number("Revenue"),
                .number("Share"), .number("Sold"), .number("Orders"), .number("Average price"), .init("Category"),
            ])
        for (place, product) in list.enumerated() {
            table.add([
                "\(place + 1)", who(product.name, product.id),
                Bars.bar(product.revenue.double, from: least, to: most), "\(figures.money(product.revenue))",
                "\(product.share.map { Figures.grouped($0.text(2)) + "%" } ?? "–")", "\(Figures.plain(product.units))",
                "\(product.orders)", "\(figures.money(product.meanPrice))", .data(product.category),
            ])
        }
        return section(
            "products", "Products", note: "\(Figures.counted(report.productCount, "product")) in orders",
            """
            <div class="panel">\(table.folded(after: 10, "\(list.count - 10) more", class: "barred ranked"))\
            \(Sections.shown(list.count, of: report.productCount))</div>

            """)
    }

    /// A name with the id below it, or the id alone.
    private func who(_ name: String?, _ id: String) -> Markup {
        guard let name, !name.isEmpty, name != id else { return .data(id) }
        return "\(Markup.data(name))<span class=\"id\">\(Markup.data(id))</span>"
    }

    // MARK: Anomalies

    var anomalies: Markup {
        guard report.valid > 0 else { return "" }
        let found = report.anomalies
        let suspicious = found.counts.reduce(0) { $0 &+ $1.count }
        let note: Markup = """
            \(Figures.counted(found.high, "high value")), \(Figures.counted(suspicious, "suspicious pattern")), \
            \(Figures.counted(found.frequentCount, "frequent customer"))
            """
        return section("anomalies", "Anomalies", note: note, "\(highValues)\(patterns)\(frequent)")
    }

    private var highValues: Markup {
        let found = report.anomalies
        var limits: [Markup] = []
        if let percentile = found.percentile {
            limits.append(
                "\(found.abovePercentile) above the \(found.percentileName) of \(figures.priced(percentile))")
        }
        limits.append("\(found.aboveThreshold) above the threshold of \(figures.priced(found.threshold))")
        var content: Markup = """
            <div class="panel"><h3>High values</h3>
            <p>\(Figures.counted(found.high, "valid record")): \(limits.joined(", ")).</p>

            """
        if !found.highValues.isEmpty {
            content += StripChart(
                anomalies: found, average: report.summary.orders > 0 ? report.summary.averageOrder : nil,
                figures: figures
            ).draw()
            var table = Table(
                "The highest totals",
                [
                    .init("Transaction", isHead: true), .number("Total"), .init("Customer"), .number("Time, UTC"),
                    .init("Above"),
                ])
            for value in found.highValues {
                var above: [Markup] = []
                if value.isAbovePercentile { above.append("\(found.percentileName)") }
                if value.isAboveThreshold { above.append("threshold") }
                table.add([
                    "<code>\(Markup.data(value.transaction))</code>", "\(figures.money(value.total))",
                    .data(value.customer), "\(Figures.time(value.time))", above.joined(", "),
                ])
            }
            content += table.folded(after: 10, "\(found.highValues.count - 10) more")
            content += Sections.shown(found.highValues.count, of: found.high)
        }
        content += "</div>\n"
        return content
    }

    private var frequent: Markup {
        let found = report.anomalies
        guard found.frequentCount > 0 else { return "" }
        var table = Table(
            "Frequent customers",
            [
                .init("Customer", isHead: true), .number("Records"), .number("Total"), .number("First"),
                .number("Last"),
            ])
        for customer in found.frequent {
            table.add([
                who(customer.name, customer.id), "\(customer.orders)", "\(figures.money(customer.total))",
                "\(Figures.day(customer.first))", "\(Figures.day(customer.last))",
            ])
        }
        return """
            <div class="panel"><h3>Frequent customers</h3>
            <p>\(Figures.counted(found.frequentCount, "customer")) with unusually many valid records, whatever their status.</p>
            \(table.folded(after: 10, "\(found.frequent.count - 10) more"))\
            \(Sections.shown(found.frequent.count, of: found.frequentCount))</div>

            """
    }

    // MARK: Invalid records

    var invalid: Markup {
        guard !report.errors.isEmpty else { return "" }
        let hasFiles = report.inputs.count > 1
        var columns: [Table.Column] = hasFiles ? [.init("File")] : []
        columns += [.number("Index"), .init("Transaction", isHead: true), .init("Reasons")]
        var table = Table("Invalid records", columns)
        for error in report.errors {
            let reasons = error.reasons.map { "<li>\(Markup.data($0))</li>" as Markup }.joined()
            var row: [Markup] = hasFiles ? [.data(error.file)] : []
            row += [
                "\(error.index)",
                error.transaction.map { "<code>\(Markup.data($0))</code>" } ?? "<span class=\"none\">unknown</span>",
                "<ul class=\"reasons\">\(reasons)</ul>",
            ]
            table.add(row)
        }
        return section(
            "invalid", "Invalid records",
            note: "Left out of all figures; the index counts the records of a file from 0",
            """
            <div class="panel">\(table.folded(after: 20, "\(report.errors.count - 20) more"))\
            \(Sections.shown(report.errors.count, of: report.records - report.valid))</div>

            """)
    }
}
