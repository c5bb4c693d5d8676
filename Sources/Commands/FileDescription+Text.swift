import Columns
import Support

extension FileDescription {
    /// How many row groups are listed when nobody asks for details.
    private static let listedGroups = 10

    func lines(in context: Context) -> [String] {
        var lines = [Display.safe(path), "  " + facts.joined(separator: ", ")]
        if let createdBy { lines.append("  written by \(Display.safe(createdBy))") }
        if schema.fields.contains(where: { $0.type.isNested }) {
            lines += ["", "Schema"]
            lines += schema.fields.map { "  " + Display.safe("\($0)") }
        }
        lines += ["", rowGroups == nil ? "Columns" : "Columns, all row groups together"]
        lines += columnTable(in: context)
        if let rowGroups, !rowGroups.isEmpty {
            lines += ["", "Row groups"]
            lines += groupTable(rowGroups, in: context)
        }
        if !schema.metadata.isEmpty {
            lines += ["", "Metadata"]
            for (key, value) in schema.metadata.sorted(by: { $0.key < $1.key }) {
                let line = "  \(Display.safe(key)): \(Display.safe(value))"
                lines.append(context.options.isVerbose ? line : Display.cut(line, to: 200))
            }
        }
        return lines
    }

    private var facts: [String] {
        var facts = [format]
        if let bytes { facts.append(Quantities.describe(bytes: bytes)) }
        facts.append(ProgressView.counted(rows, "row"))
        facts.append(ProgressView.counted(schema.fields.count, "column"))
        if let rowGroups { facts.append(ProgressView.counted(rowGroups.count, "row group")) }
        return facts
    }

    private func columnTable(in context: Context) -> [String] {
        var headings: [TableRenderer.Column] = [
            .init(title: "name"), .init(title: "type"), .init(title: "nulls", isNumber: true), .init(title: "min"),
            .init(title: "max"),
        ]
        if rowGroups != nil {
            headings += [
                .init(title: "size", isNumber: true), .init(title: "ratio", isNumber: true), .init(title: "codec"),
                .init(title: "encodings"),
            ]
        }
        let rows = columns.map { column in
            var cells: [TableRenderer.Cell] = [
                .text(column.path), .plain("\(column.type)\(column.isNullable ? "" : " not null")"),
                .plain(column.nulls.map { ProgressView.count($0) } ?? "?"), bound(column.minimum, column),
                bound(column.maximum, column),
            ]
            if rowGroups != nil { cells += storedCells(column.stored) }
            return cells
        }
        let (lines, hidden) = TableRenderer(headings, in: context, narrowest: 8).render(rows)
        return lines + TableRenderer.note(hidden, in: context)
    }

    private func storedCells(_ stored: Stored?) -> [TableRenderer.Cell] {
        guard let stored else { return Array(repeating: .plain("-"), count: 4) }
        return [
            .plain(Quantities.describe(bytes: stored.compressedBytes)),
            .plain(ratio(stored.bytes, stored.compressedBytes)),
            .plain(stored.codecs.joined(separator: ", ").lowercased()),
            .plain(stored.encodings.joined(separator: ", ").lowercased()),
        ]
    }

    /// How many times smaller compression made something.
    private func ratio(_ bytes: Int, _ compressed: Int) -> String {
        if compressed <= 0 || bytes < 0 { return "-" }
        let tenths = Int((Double(bytes) / Double(compressed) * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)×"
    }

    private func bound(_ value: Value?, _ column: Column) -> TableRenderer.Cell {
        guard let value, let text = value.written(as: column.type, style: .plain) else { return .plain("-") }
        if case .text = value { return .text(column.hasExactBounds ? text : text + "…") }
        return .plain(text)
    }

    private func groupTable(_ groups: [RowGroup], in context: Context) -> [String] {
        let headings: [TableRenderer.Column] = [
            .init(title: "#", isNumber: true), .init(title: "rows", isNumber: true),
            .init(title: "size", isNumber: true),
            .init(title: "ratio", isNumber: true),
        ]
        let listed = context.options.isVerbose ? groups.count : FileDescription.listedGroups
        let rows: [[TableRenderer.Cell]] = groups.prefix(listed).enumerated().map { index, group in
            [
                .plain("\(index)"), .plain(ProgressView.count(group.rows)),
                .plain(Quantities.describe(bytes: group.compressedBytes)),
                .plain(ratio(group.bytes, group.compressedBytes)),
            ]
        }
        var lines = TableRenderer(headings, in: context).render(rows).lines
        if groups.count > listed { lines.append("… \(groups.count - listed) more; --verbose lists them all") }
        return lines
    }
}
