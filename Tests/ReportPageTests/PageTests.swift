import ReportPage
import Sales
import Support
import Testing

@Suite struct PageTests {
    static let names = Specimens.all.map(\.name)

    /// What may be in a page at all.
    private static let elements: Set<String> = [
        "html", "head", "meta", "title", "link", "style", "body", "header", "main", "footer", "nav", "section",
        "figure",
        "figcaption", "div", "p", "span", "strong", "a", "ul", "li", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "table",
        "caption", "thead", "tbody", "tr", "th", "td", "bdi", "code", "abbr", "details", "summary", "svg", "desc", "g",
        "rect",
        "line", "circle", "text", "tspan",
    ]

    @Test("is well-formed and holds nothing that could run or fetch", arguments: names)
    func wellFormed(_ name: String) {
        let html = ReportPage.html(of: Specimens.named(name))
        let check = PageCheck(html)
        #expect(check.problems.isEmpty)
        #expect(Set(check.tags.map(\.name)).subtracting(PageTests.elements).isEmpty)
        for tag in check.tags {
            for (key, value) in tag.attributes {
                #expect(!key.lowercased().hasPrefix("on") && key != "src" && key != "style", "\(tag)")
                if key == "href" { #expect(value.hasPrefix("#") || value.hasPrefix("data:image/svg+xml,"), "\(tag)") }
            }
        }
        #expect(!html.contains("Markup("))
        #expect(!html.contains("@import") && !html.contains("url("))
    }

    @Test("forbids the network and scripts before anything else is read", arguments: names)
    func policy(_ name: String) throws {
        let html = ReportPage.html(of: Specimens.named(name))
        let policy = try #require(
            html.firstRange(of: "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"))
        #expect(policy.lowerBound < (try #require(html.firstRange(of: "<title>"))).lowerBound)
    }

    @Test("has headings in order, and references that lead somewhere", arguments: names)
    func references(_ name: String) {
        let tags = PageCheck(ReportPage.html(of: Specimens.named(name))).tags
        #expect(tags.first { $0.name == "html" }?.attributes["lang"] == "en")
        var level = 0
        for tag in tags where tag.name.count == 2 && tag.name.hasPrefix("h") {
            guard let here = tag.name.last?.wholeNumberValue else { continue }
            #expect(here <= level + 1, "\(tag.name) follows h\(level)")
            level = here
        }
        #expect(tags.count { $0.name == "h1" } == 1)
        let ids = tags.compactMap { $0.attributes["id"] }
        #expect(Set(ids).count == ids.count)
        for tag in tags {
            for id in (tag.attributes["aria-labelledby"] ?? "").split(separator: " ") {
                #expect(ids.contains(String(id)))
            }
            if tag.name == "a", let link = tag.attributes["href"] { #expect(ids.contains(String(link.dropFirst()))) }
        }
    }

    @Test("has tables and drawings that can be heard", arguments: names)
    func heard(_ name: String) {
        let tags = PageCheck(ReportPage.html(of: Specimens.named(name))).tags
        for (place, tag) in tags.enumerated() {
            switch tag.name {
            case "th": #expect(["row", "col"].contains(tag.attributes["scope"]))
            case "table": #expect(tags[place + 1].name == "caption")
            case "svg" where tag.attributes["aria-hidden"] == nil:
                #expect(tag.attributes["role"] == "img")
                #expect(tags[place + 1].name == "title" && tags[place + 2].name == "desc")
            default: break
            }
        }
    }

    @Test("shows every number of the JSON document", arguments: ["typical", "single", "no-orders", "unnamed"])
    func numbers(_ name: String) {
        let report = Specimens.named(name)
        let text = PageCheck(ReportPage.html(of: report)).text
        let tokens = text.split { !($0.isNumber || $0 == "," || $0 == "." || $0 == "-") }
            .map { $0.filter { $0 != "," } }.map { $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
        let shown = Set(tokens)
        var missing: [String] = []
        func walk(_ value: JSONText, _ path: String) {
            switch value {
            case .number(let number): if !shown.contains(String(number)) { missing.append("\(path) \(number)") }
            case .raw(let number): if !shown.contains(number) { missing.append("\(path) \(number)") }
            case .array(let items): for item in items { walk(item, path) }
            case .object(let members):
                for (key, value) in members where key != "processing_time_seconds" && key != "rank" {
                    walk(value, path + "." + key)
                }
            default: break
            }
        }
        walk(report.document, "")
        // Averages of nothing are not shown.
        missing.removeAll { $0.contains(".summary.average") && report.summary.orders == 0 }
        missing.removeAll { $0.hasPrefix(".customers.orders_per_customer") && report.customerCount == 0 }
        #expect(missing.isEmpty)
    }

    @Test("says how many there are of what it does not show")
    func shown() {
        let text = PageCheck(ReportPage.html(of: Specimens.typical())).text
        #expect(text.contains("20 of 1,234 shown"))
        #expect(text.contains("20 of 759 shown"))
        #expect(text.contains("100 of 4,118 shown"))
        #expect(text.contains("50 of 61 shown"))
        #expect(text.contains("20 of 37 shown"))
    }

    @Test("tells of invalid records, and of none")
    func invalid() {
        let text = PageCheck(ReportPage.html(of: Specimens.typical())).text
        #expect(text.contains("61 records of 15,259 (0.4%) are invalid"))
        #expect(text.contains("customer.email: … is not an e-mail address"))
        #expect(PageCheck(ReportPage.html(of: Specimens.single())).text.contains("All 1 record is valid."))
        #expect(PageCheck(ReportPage.html(of: SalesReport())).text.contains("There are no records."))
        #expect(
            PageCheck(ReportPage.html(of: Specimens.noOrders())).text.contains("2 records of 12 (16.7%) are invalid"))
    }

    @Test("draws a column for each day that has orders, and months alone when the days are too many")
    func columns() {
        func columns(_ report: SalesReport) -> Int {
            PageCheck(ReportPage.html(of: report)).tags.count { $0.attributes["class"] == "column" }
        }
        let quarter = Specimens.typical()
        #expect(quarter.daily.count < 92)
        #expect(columns(quarter) == quarter.daily.count + 3)
        #expect(columns(Specimens.named("years")) == Specimens.named("years").monthly.count)
        #expect(columns(Specimens.century()) == 0)
        #expect(columns(SalesReport()) == 0)
    }

    @Test("draws nothing outside of its drawings", arguments: names)
    func places(_ name: String) {
        for tag in PageCheck(ReportPage.html(of: Specimens.named(name))).tags
        where tag.name == "rect" || tag.name == "circle" {
            for key in ["x", "y", "width", "height", "cx"] {
                guard let value = tag.attributes[key] else { continue }
                let number = Double(value.hasSuffix("%") ? String(value.dropLast()) : value)
                #expect(number.map { $0 >= -0.5 && $0 <= 100.5 } == true, "\(tag)")
            }
        }
    }
}
