/// A table: a caption, columns with headings, rows of cells.
struct Table {
    /// A column.
    struct Column {
        let title: Markup
        /// Whether numbers stand in it, to the right.
        var isNumber = false
        /// Whether its cells say what the row is about.
        var isHead = false
        /// Whether bars stand in it.
        var isBar = false

        init(_ title: Markup, isHead: Bool = false) {
            self.title = title
            self.isHead = isHead
        }

        static func number(_ title: Markup) -> Column {
            var column = Column(title)
            column.isNumber = true
            return column
        }

        static var bar: Column {
            var column = Column("<span class=\"unseen\">Bar</span>")
            column.isBar = true
            return column
        }
    }

    let caption: Markup
    let columns: [Column]
    private(set) var rows: [[Markup]] = []

    init(_ caption: Markup, _ columns: [Column]) {
        self.caption = caption
        self.columns = columns
    }

    mutating func add(_ row: [Markup]) { rows.append(row) }

    /// The table in a box of its own, which scrolls sideways where it does not fit; `from` leaves out rows.
    func draw(from first: Int = 0, to last: Int = .max, class name: Markup = "") -> Markup {
        var table: Markup = """
            <div class="scroll" role="region" tabindex="0" aria-label="\(caption)"><table\
            \(if: !name.isEmpty, " class=\"\(name)\"")><caption class="unseen">\(caption)</caption>
            <thead><tr>
            """
        for column in columns { table += "<th scope=\"col\"\(classes(column))>\(column.title)</th>" }
        table += "</tr></thead>\n<tbody>\n"
        let bar = columns.firstIndex { $0.isBar }
        for row in rows[min(first, rows.count)..<min(last, rows.count)] {
            table += "<tr>"
            for (column, cell) in zip(columns, row) {
                if column.isHead {
                    table += "<th scope=\"row\"\(classes(column))>\(cell)"
                    // Where there is no room for a column of bars, they stand below the names.
                    if let bar { table += "<div class=\"under\">\(row[bar])</div>" }
                    table += "</th>"
                } else {
                    table += "<td\(classes(column))>\(cell)</td>"
                }
            }
            table += "</tr>\n"
        }
        table += "</tbody></table></div>\n"
        return table
    }

    /// The first rows, and the others behind a line that opens them.
    func folded(after first: Int, _ more: Markup, class name: Markup = "") -> Markup {
        if rows.count <= first { return draw(class: name) }
        return """
            \(draw(to: first, class: name))<details><summary>\(more)</summary>
            \(draw(from: first, class: name))</details>

            """
    }

    private func classes(_ column: Column) -> Markup {
        column.isNumber
            ? " class=\"number\"" : column.isBar ? " class=\"bars\"" : column.isHead ? " class=\"head\"" : ""
    }
}
