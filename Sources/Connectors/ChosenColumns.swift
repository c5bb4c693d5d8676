import Support

/// The columns of a table or query, of which a request names some.
struct ChosenColumns<Column> {
    let all: [Column]
    /// What a column is called.
    let name: (Column) -> String
    /// What errors call the source.
    let source: String

    /// The column `wanted`.
    func column(_ wanted: String) throws(SluiceError) -> Column {
        if let column = all.first(where: { name($0) == wanted }) { return column }
        let names = all.map(name)
        throw SluiceError(
            .invalidConfiguration, "there is no column \"\(wanted)\"", place: .init(file: source),
            hint: nearestWord(to: wanted, among: names).map { "Did you mean \"\($0)\"?" }
                ?? "Columns are: \(names.prefix(20).joined(separator: ", "))")
    }

    /// The columns `names` in their order; all when nothing is chosen.
    func chosen(_ names: [String]?) throws(SluiceError) -> [Column] {
        guard let names else { return all }
        var columns: [Column] = []
        for name in names { columns.append(try column(name)) }
        if columns.isEmpty {
            throw SluiceError(
                .invalidConfiguration, "no column is chosen", place: .init(file: source),
                hint: "name at least one, or leave \"columns\" out")
        }
        return columns
    }
}
