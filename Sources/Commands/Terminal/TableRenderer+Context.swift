import Support

extension TableRenderer {
    /// A renderer for the answer's reader: fits the terminal where there is one.
    init(_ columns: [Column], in context: Context, narrowest: Int = 12) {
        self.init(
            columns, width: context.terminal.outputIsTerminal ? context.terminal.width ?? 0 : nil,
            color: context.terminal.colorsOutput, narrowest: narrowest)
    }

    /// What is said about columns that did not fit; nothing where all did.
    static func note(_ hidden: [String], in context: Context) -> [String] {
        if hidden.isEmpty { return [] }
        let count = hidden.count == 1 ? "1 more column does not fit: " : "\(hidden.count) more columns do not fit: "
        let width = context.terminal.width.map { $0 > 0 ? $0 : 80 } ?? 80
        return [Display.cut("… " + count + hidden.joined(separator: ", "), to: max(width, 20))]
    }
}
