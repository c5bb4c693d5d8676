import Columns
import SQLite
import Support
import Warehouse

/// A reading of one table or query, as SQL with values to be bound.
struct SQLiteQuery: Sendable {
    /// What it is called.
    let name: String
    let sql: String
    let values: [String: SQLiteValue]
    /// The columns that are wanted, of those that are selected; the cursor may be one more.
    let columns: [String]
    /// The columns that tell rows apart, when all of them are read.
    let key: [String]
    let cursor: CursorRange?
    let types: Schema?
    let limit: Int?

    /// Finds out what `request` means in the database, inside of the reading's transaction.
    ///
    /// - throws: `SluiceError` that names the table, column or parameter which is wrong.
    init(_ request: ReadRequest, on database: SQLiteDatabase) async throws(SluiceError) {
        let dialect = SQLiteDialect()
        let catalog = SQLiteCatalog(database: database)
        let source: String
        var all: [(name: String, declared: String?)]
        var sourceKey: [String] = []
        var values: [String: SQLiteValue] = [:]
        switch request.selection {
        case .table(let written):
            let table = try await catalog.table(written)
            let found = try await catalog.columns(of: table)
            name = table.shownName
            source = "main.\(try dialect.quote(table.name))"
            all = found.map { ($0.name, $0.declaredType) }
            sourceKey = catalog.key(of: table, found)
        case .query(let written, let parameters):
            name = "query"
            for (name, text) in parameters { values[name] = SQLiteQuery.value(text) }
            // SQLite leaves out nothing behind a statement inside of another one.
            var text = written[...]
            while let last = text.last, last.isWhitespace || last == ";" { text.removeLast() }
            source = "(\n\(text)\n)"
            all = try await database.describe(String(text)).map { ($0.name, $0.declaredType) }
            try SQLiteQuery.refuseTwins(all.map(\.name), database)
        case .files:
            throw SluiceError(
                .invalidConfiguration, "a database has tables and no files", place: .init(file: database.name),
                hint: "name a table, or write a query")
        }
        func column(_ name: String) throws(SluiceError) -> (name: String, declared: String?) {
            if let found = all.first(where: { $0.name == name }) { return found }
            let names = all.map(\.name)
            throw SluiceError(
                .invalidConfiguration, "there is no column \"\(name)\"", place: .init(file: database.name),
                hint: nearestWord(to: name, among: names).map { "Did you mean \"\($0)\"?" }
                    ?? "Columns are: \(names.prefix(20).joined(separator: ", "))")
        }
        var chosen: [String] = []
        for name in request.columns ?? all.map(\.name) { chosen.append(try column(name).name) }
        if chosen.isEmpty {
            throw SluiceError(
                .invalidConfiguration, "no column is chosen", place: .init(file: database.name),
                hint: "name at least one, or leave \"columns\" out")
        }
        columns = chosen
        key = sourceKey.allSatisfy(chosen.contains) ? sourceKey : []
        cursor = request.cursor
        types = request.types
        limit = request.limit

        var selected = chosen
        var conditions: [String] = []
        var order: [String] = []
        if let filter = request.filter { conditions.append("(\n\(filter)\n)") }
        if let cursor = request.cursor {
            let found = try column(cursor.column)
            if !selected.contains(found.name) { selected.append(found.name) }
            let reference = "t.\(try dialect.quote(found.name))"
            let kind = SQLiteQuery.CursorKind(found.declared)
            conditions += SQLiteQuery.conditions(cursor, reference, kind, &values)
            order +=
                kind == .moment
                ? ["\(reference) IS NULL", "julianday(\(reference))", reference]
                : [
                    "\(reference) IS NULL", reference + (kind == .text ? " COLLATE BINARY" : ""),
                ]
        }
        for name in sourceKey { order.append("t.\(try dialect.quote(name))") }
        var list: [String] = []
        for name in selected { list.append("t.\(try dialect.quote(name))") }
        sql =
            "SELECT \(list.joined(separator: ", ")) FROM \(source) AS t"
            + (conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND "))
            + (request.limit == nil || order.isEmpty ? "" : " ORDER BY " + order.joined(separator: ", "))
        self.values = values
    }

    /// A parameter's value: a number when it is written as SQLite writes numbers, so that it compares with results of
    /// expressions; a column of text turns it into text again.
    static func value(_ text: String) -> SQLiteValue {
        if let number = Int64(text), String(number) == text { return .integer(number) }
        if let number = Double(text), "\(number)" == text, number.isFinite { return .real(number) }
        return .text(text)
    }

    /// How a cursor's values lie in the file, by their column's declaration.
    private enum CursorKind {
        case number, text, moment, unknown

        init(_ declared: String?) {
            switch SQLiteType.columnType(declared: declared) {
            case .int64, .float64: self = .number
            case .utf8: self = .text
            case .date, .time, .timestamp: self = .moment
            default: self = .unknown
            }
        }
    }

    /// Conditions that hold for every row in the stretch, and perhaps for others: SQLite lets values of any kind into any
    /// column, and text of moments can be written in several ways. The rows are looked at one by one afterwards.
    private static func conditions(
        _ cursor: CursorRange, _ reference: String, _ kind: CursorKind, _ values: inout [String: SQLiteValue]
    ) -> [String] {
        if cursor.from == nil, cursor.to == nil {
            return cursor.includesNulls ? [] : ["\(reference) IS NOT NULL"]
        }
        var parts: [String] = []
        func bind(_ text: String, _ name: String) -> String? {
            switch kind {
            case .number:
                let value = SQLiteQuery.value(text)
                if case .text = value { return nil }
                values[name] = value
            case .text: values[name] = .text(text)
            case .moment, .unknown: return nil
            }
            return ":" + name
        }
        let collation = kind == .text ? " COLLATE BINARY" : ""
        if let from = cursor.from.flatMap({ bind($0, "sluice_from") }) {
            parts.append("\(reference)\(collation) >= \(from)")
        }
        if let to = cursor.to.flatMap({ bind($0, "sluice_to") }) {
            let others = kind == .text ? "'blob'" : "'text', 'blob'"
            parts.append("(\(reference)\(collation) < \(to) OR typeof(\(reference)) IN (\(others)))")
        }
        if parts.isEmpty { return cursor.includesNulls ? [] : ["\(reference) IS NOT NULL"] }
        let range = parts.joined(separator: " AND ")
        return [cursor.includesNulls ? "((\(range)) OR \(reference) IS NULL)" : "(\(range))"]
    }

    private static func refuseTwins(_ names: [String], _ database: SQLiteDatabase) throws(SluiceError) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name.lowercased()).inserted {
            throw SluiceError(
                .invalidConfiguration, "the query has two columns called \"\(name)\"",
                place: .init(file: database.name), hint: "give one of them another name with AS")
        }
    }
}
