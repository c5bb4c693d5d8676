import Columns
import Postgres
import Support
import Warehouse

/// A reading of one table or query, as SQL.
struct PostgresQuery: Sendable {
    /// What it is called.
    let name: String
    /// The columns that are read, in order.
    let columns: [PostgresColumn]
    /// The columns that tell rows apart, when all of them are read.
    let key: [String]
    /// The table, when it is one whose pages can be read side by side.
    let pagedRelation: PostgresCatalog.Relation?
    private let source: String
    private let conditions: [String]
    private let tail: String

    /// The schema of the rows.
    var schema: Schema { Schema(columns.map(\.field)) }
    /// What the decoder is made with.
    var decoderColumns: [(name: String, type: PostgresType, isNullable: Bool)] {
        columns.map { ($0.name, $0.type, $0.isNullable) }
    }

    /// Finds out what `request` means on the server, inside of the reading's transaction.
    ///
    /// - throws: `SluiceError` that names the table, column, parameter or condition which is wrong.
    init(_ request: ReadRequest, on session: PostgresConnection) async throws(SluiceError) {
        let catalog = PostgresCatalog(session: session)
        let dialect = PostgresDialect()
        var relation: PostgresCatalog.Relation?
        var attributes: [PostgresCatalog.Attribute]
        switch request.selection {
        case .table(let written):
            let found = try await catalog.relation(written)
            relation = found
            name = found.shownName
            source = try dialect.quote(TableName(schema: found.schema, found.name))
            attributes = try await catalog.attributes([found])[found.oid] ?? []
        case .query(let written, let parameters):
            name = "query"
            let text = try SQLParameters.bind(parameters, into: written)
            // On lines of its own, so that a comment at its end does not swallow what follows.
            source = "(\n\(text)\n)"
            attributes = try await session.describe(text).map { column in
                PostgresCatalog.Attribute(
                    name: column.name, oid: column.oid, modifier: column.modifier, isNullable: true, dimensions: 0)
            }
            try PostgresQuery.refuseTwins(attributes, session)
        case .files:
            throw SluiceError(
                .invalidConfiguration, "a database has tables and no files", place: .init(file: session.name),
                hint: "name a table, or write a query")
        }
        guard !attributes.isEmpty else {
            throw SluiceError(
                .unsupported, "\(name) has no columns", place: .init(file: session.name),
                hint: "add a column, or leave it out")
        }
        let types = try await catalog.types(Set(attributes.map(\.oid)))
        let hasMoney = types[PostgresColumn.money] != nil
        let scale = hasMoney ? try await session.query("SELECT scale(0::money::numeric)").single : nil
        var all: [PostgresColumn] = []
        for attribute in attributes {
            let reference = "t.\(try dialect.quote(attribute.name))"
            all.append(
                PostgresColumn(
                    attribute, types: types, reference: reference, moneyScale: scale.flatMap { Int($0) } ?? 2))
        }
        let choice = ChosenColumns(all: all, name: \.name, source: session.name)
        columns = try choice.chosen(request.columns)
        let names = Set(columns.map(\.name))
        var sourceKey: [String] = []
        if let relation { sourceKey = try await catalog.keys([relation])[relation.oid] ?? [] }
        key = sourceKey.allSatisfy(names.contains) ? sourceKey : []

        var conditions: [String] = []
        if let filter = request.filter { conditions.append("(\n\(filter)\n)") }
        var order: [String] = []
        if let cursor = request.cursor {
            let column = try choice.column(cursor.column)
            let reference = "t.\(try dialect.quote(column.name))"
            if let condition = try PostgresQuery.condition(cursor, column, reference, session) {
                conditions.append(condition)
            }
            order.append(reference + (try column.cursorType().collation) + " NULLS LAST")
        }
        for name in sourceKey { order.append("t.\(try dialect.quote(name))") }
        self.conditions = conditions
        if let limit = request.limit {
            tail = (order.isEmpty ? "" : " ORDER BY " + order.joined(separator: ", ")) + " LIMIT \(max(0, limit))"
        } else {
            tail = ""
        }
        let isPlain = request.filter == nil && request.limit == nil && request.cursor?.from == nil
        let isPaged = relation.map { $0.kind == "r" && $0.isHeap && !$0.hasChildren } ?? false
        pagedRelation = isPlain && isPaged ? relation : nil
        // The conditions are the author's SQL; whether they are any is found out before rows are read.
        if request.filter != nil { _ = try await session.describe(select()) }
    }

    /// The statement that reads the rows, or those of them that lie in `pages`.
    func select(pages: Range<Int>? = nil, isLast: Bool = true) -> String {
        var conditions = conditions
        if let pages {
            conditions.append("t.ctid >= '(\(pages.lowerBound),0)'::tid")
            // Rows behind the pages that were counted are none of this moment's, so the last stretch needs no end.
            if !isLast { conditions.append("t.ctid < '(\(pages.upperBound),0)'::tid") }
        }
        let list = columns.map(\.expression).joined(separator: ", ")
        let filter = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        return "SELECT \(list) FROM \(source) AS t\(filter)\(tail)"
    }

    // MARK: Parts

    private static func refuseTwins(
        _ attributes: [PostgresCatalog.Attribute], _ session: PostgresConnection
    ) throws(SluiceError) {
        var seen: Set<String> = []
        for attribute in attributes where !seen.insert(attribute.name).inserted {
            throw SluiceError(
                .invalidConfiguration, "the query has two columns called \"\(attribute.name)\"",
                place: .init(file: session.name), hint: "give one of them another name with AS")
        }
    }

    private static func condition(
        _ cursor: CursorRange, _ column: PostgresColumn, _ reference: String, _ session: PostgresConnection
    ) throws(SluiceError) -> String? {
        let type: (literal: String, collation: String)
        do throws(SluiceError) { type = try column.cursorType() } catch {
            throw error.at(.init(file: session.name))
        }
        var parts: [String] = []
        for (bound, sign) in [(cursor.from, ">="), (cursor.to, "<")] {
            guard let bound else { continue }
            var literal = type.literal
            // A day is compared with a moment as the moment of its beginning.
            if literal == "date", bound.utf8.count > 10 { literal = "timestamp" }
            if literal == "bigint", bound.contains(where: { ".eE".contains($0) }) { literal = "numeric" }
            parts.append(
                "\(reference)\(type.collation) \(sign) (\(try SQLParameters.literal(bound)))::\(literal)")
        }
        if parts.isEmpty { return cursor.includesNulls ? nil : "\(reference) IS NOT NULL" }
        let range = parts.joined(separator: " AND ")
        return cursor.includesNulls ? "((\(range)) OR \(reference) IS NULL)" : "(\(range))"
    }
}
