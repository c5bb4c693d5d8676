import Support

/// Rows in columns that line up, made to fit a terminal.
///
/// Numbers stand to the right and are never cut; texts that are too long end in `…`; columns that do not fit even so are
/// left out and counted. A null is written `null`; a text that reads like one, or that begins or ends with a blank, is
/// written in quotes.
struct TableRenderer {
    /// A column's heading.
    struct Column {
        let title: String
        /// What stands below the title: the type.
        var subtitle = ""
        var isNumber = false
    }

    /// What stands in one place of a table.
    enum Cell {
        case null
        case text(String)
        /// Text of ours, which is not in need of quotes.
        case plain(String)
    }

    private let columns: [Column]
    private let hasSubtitles: Bool
    /// How wide the terminal is; nil where nothing has to fit.
    private let width: Int?
    private let color: Bool
    /// No text column is made narrower than this in order to show another.
    private let narrowest: Int

    /// Between two columns.
    private static let gap = 2

    /// A renderer for a terminal of `width` columns; nil for output that is not a terminal.
    init(_ columns: [Column], width: Int?, color: Bool = false, narrowest: Int = 12) {
        self.columns = columns.map {
            Column(title: Display.safe($0.title), subtitle: Display.safe($0.subtitle), isNumber: $0.isNumber)
        }
        hasSubtitles = columns.contains { !$0.subtitle.isEmpty }
        // A terminal that says it has no width is one that does not know.
        self.width = width.map { $0 <= 0 ? 80 : $0 }
        self.color = color
        self.narrowest = narrowest
    }

    /// The lines of the table with `rows`, and the titles of the columns that did not fit.
    func render(_ rows: [[Cell]]) -> (lines: [String], hidden: [String]) {
        let texts = rows.map { row in row.map { text(of: $0) } }
        let natural = columns.indices.map { index in
            texts.reduce(max(Display.width(columns[index].title), Display.width(columns[index].subtitle), 1)) {
                max($0, Display.width($1[index]))
            }
        }
        let widths = fit(natural)
        var lines: [String] = []
        lines.append(line(columns.map(\.title), widths, style: "1"))
        if hasSubtitles { lines.append(line(columns.map(\.subtitle), widths, style: "2")) }
        lines.append(
            style("2", widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")))
        for (row, cells) in texts.enumerated() {
            lines.append(line(cells, widths, nulls: rows[row].map { if case .null = $0 { true } else { false } }))
        }
        return (lines, columns[widths.count...].map(\.title))
    }

    private func text(of cell: Cell) -> String {
        switch cell {
        case .null: return "null"
        case .plain(let text): return Display.safe(text)
        case .text(let text):
            let safe = Display.safe(text)
            return text.isEmpty || text == "null" || text.first == " " || text.last == " " ? "\"\(safe)\"" : safe
        }
    }

    /// The widths of the columns that are shown.
    private func fit(_ natural: [Int]) -> [Int] {
        guard let width else { return natural }
        let least = natural.indices.map { columns[$0].isNumber ? natural[$0] : min(natural[$0], narrowest) }
        var count = 0
        var used = -Self.gap
        while count < least.count, used + Self.gap + least[count] <= width {
            used += Self.gap + least[count]
            count += 1
        }
        if count == 0, !natural.isEmpty { return [min(natural[0], width)] }
        // What is left over goes to the narrower columns first, so that as few as possible are cut.
        var widths = Array(least[..<count])
        var spare = width - used
        while spare > 0 {
            let cut = widths.indices.filter { widths[$0] < natural[$0] }
            guard let smallest = cut.map({ widths[$0] }).min() else { break }
            for index in cut where widths[index] == smallest && spare > 0 {
                widths[index] += 1
                spare -= 1
            }
        }
        return widths
    }

    private func line(_ cells: [String], _ widths: [Int], style code: String? = nil, nulls: [Bool]? = nil) -> String {
        var line = ""
        for (index, width) in widths.enumerated() {
            let cut = Display.cut(cells[index], to: width)
            var cell = Display.pad(cut, to: width, right: columns[index].isNumber)
            if index > 0 { line += String(repeating: " ", count: Self.gap) }
            if nulls?[index] == true { cell = style("2", cell) }
            line += cell
        }
        while line.last == " " { line.removeLast() }
        return code.map { style($0, line) } ?? line
    }

    private func style(_ code: String, _ text: String) -> String {
        color ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }
}
