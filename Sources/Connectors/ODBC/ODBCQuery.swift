import Columns
import ODBC
import Support
import Warehouse

/// A reading of one table or query, as SQL with values to be bound.
struct ODBCQuery: Sendable {
    /// What it is called.
    let name: String
    let sql: String
    let parameters: [ODBCParameter]
    /// The columns that are read, in order.
    let columns: [String]
    /// Their schema.
    let schema: Schema
    /// The columns that tell rows apart, when all of them are read.
    let key: [String]
    let limit: Int?

    /// Finds out what `request` means on the server.
    ///
    /// - throws: `SluiceError` that names the table, column, parameter or condition which is wrong.
    init(_ request: ReadRequest, on session: ODBCConnection) async throws(SluiceError) {
        let catalog = ODBCCatalog(session: session)
        let database = session.facts.database
        var all: [ODBCColumn]
        let source: String
        var bound: [ODBCParameter] = []
        var sourceKey: [String] = []
        var whole: String?
        switch request.selection {
        case .table(let written):
            let relation = try await catalog.relation(written)
            name = relation.shownName
            source = try catalog.source(relation)
            all = try await catalog.columns(of: relation)
            sourceKey = try await catalog.key(of: relation)
        case .query(let written, let values):
            name = "query"
            let (text, places) = try ODBCParameterText.bind(values, into: written, database: database)
            bound = places
            whole = text
            // On lines of its own, so that a comment at its end does not swallow what follows.
            source = "(\n\(text)\n)"
            all = try await session.describe(text)
            guard !all.isEmpty else {
                throw SluiceError(
                    .invalidConfiguration, "the query returns no columns", place: .init(file: session.name),
                    hint: "write a SELECT")
            }
        case .files:
            throw SluiceError(
                .invalidConfiguration, "a database has tables and no files", place: .init(file: session.name),
                hint: "name a table, or write a query")
        }
        try Self.refuseTwins(all, session)
        let choice = ChosenColumns(all: all, name: \.name, source: session.name)
        let chosen = try choice.chosen(request.columns)
        columns = chosen.map(\.name)
        limit = request.limit
        key = sourceKey.allSatisfy(columns.contains) ? sourceKey : []
        let expressions = Self.expressions(database)
        schema = Schema(
            chosen.map { Field($0.name, expressions($0) == nil ? $0.type(in: database) : .utf8) })

        var conditions: [String] = []
        if let filter = request.filter { conditions.append("(\n\(filter)\n)") }
        var order: [String] = []
        if let cursor = request.cursor {
            let column = try choice.column(cursor.column)
            let compared = try ODBCCursor(column, in: database, server: session.name)
            let reference = compared.reference("t.\(try catalog.quote(column.name))")
            if let (condition, values) = try compared.condition(cursor, reference) {
                conditions.append(condition)
                bound += values
            }
            if request.limit != nil { order.append(reference) }
        }
        if request.limit != nil {
            for name in sourceKey { order.append("t.\(try catalog.quote(name))") }
        }
        if conditions.isEmpty, order.isEmpty, let whole {
            // As it is: not every query may stand inside of another one.
            sql = whole
        } else {
            var list: [String] = []
            // Long values behind the others, which then come in blocks.
            for column in chosen.filter({ !$0.isLong(in: database) }) + chosen.filter({ $0.isLong(in: database) }) {
                let reference = "t.\(try catalog.quote(column.name))"
                let quoted = try catalog.quote(column.name)
                list.append(expressions(column).map { "\($0(reference)) AS \(quoted)" } ?? reference)
            }
            sql =
                "SELECT \(list.joined(separator: ", ")) FROM \(source) t"
                + (conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND "))
                + (order.isEmpty ? "" : " ORDER BY " + order.joined(separator: ", "))
        }
        parameters = bound
    }

    /// How a column is asked for whose values no C type holds; nil when it is asked for as it is.
    private static func expressions(_ database: ODBCDatabase) -> (ODBCColumn) -> ((String) -> String)? {
        { column in
            guard database == .sqlServer else { return nil }
            switch column.sqlType {
            // geography, geometry, hierarchyid: as their text.
            case -151: return { "\($0).ToString()" }
            case -150: return { "CONVERT(nvarchar(4000), \($0))" }
            default: return nil
            }
        }
    }

    private static func refuseTwins(_ columns: [ODBCColumn], _ session: ODBCConnection) throws(SluiceError) {
        var seen: Set<String> = []
        for column in columns {
            if column.name.isEmpty {
                throw SluiceError(
                    .invalidConfiguration, "the query has a column without a name", place: .init(file: session.name),
                    hint: "give it a name with AS")
            }
            if !seen.insert(column.name).inserted {
                throw SluiceError(
                    .invalidConfiguration, "the query has two columns called \"\(column.name)\"",
                    place: .init(file: session.name), hint: "give one of them another name with AS")
            }
        }
    }
}

/// A column as a cursor: how its values are compared, in an order that is ours as well.
struct ODBCCursor {
    private let column: ODBCColumn
    private let type: DataType
    private let collation: String
    private let server: String

    /// - throws: `SluiceError` when the database orders the values in another way than we do, or nobody knows how.
    init(_ column: ODBCColumn, in database: ODBCDatabase, server: String) throws(SluiceError) {
        self.column = column
        self.server = server
        type = column.type(in: database)
        var collation = ""
        let isOrdered: Bool
        switch type {
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .decimal, .date, .timestamp, .float64:
            isOrdered = true
        case .utf8:
            // We order text by its bytes, the database may order it by a language's rules.
            switch database {
            case .postgreSQL: collation = " COLLATE \"C\""
            case .mySQL: collation = " COLLATE utf8mb4_bin"
            case .sqlServer: collation = " COLLATE Latin1_General_100_BIN2"
            case .oracle, .other: break
            }
            isOrdered = !collation.isEmpty && [1, 12, -8, -9].contains(column.sqlType)
        default: isOrdered = false
        }
        self.collation = collation
        guard isOrdered else {
            throw SluiceError(
                .invalidConfiguration,
                "a column of type \(column.typeName.isEmpty ? "\(type)" : column.typeName) cannot be the cursor here",
                place: .init(file: server, column: column.name),
                hint: "choose a column of numbers, days or timestamps without offset")
        }
    }

    /// The column in comparisons.
    func reference(_ name: String) -> String { name + collation }

    /// The condition for a stretch; nil when there is none.
    func condition(_ cursor: CursorRange, _ reference: String) throws(SluiceError) -> (String, [ODBCParameter])? {
        var parts: [String] = []
        var values: [ODBCParameter] = []
        for (bound, sign) in [(cursor.from, ">="), (cursor.to, "<")] {
            guard let bound else { continue }
            guard let value = value(bound) else {
                throw SluiceError(
                    .conversion, "the cursor's bound '\(bound)' is not a value of type \(type), which the column has",
                    place: .init(file: server, column: column.name), hint: "start over with --full-refresh")
            }
            parts.append("\(reference) \(sign) \(hasOffset ? "CAST(? AS datetimeoffset(7))" : "?")")
            values.append(value)
        }
        if parts.isEmpty { return cursor.includesNulls ? nil : ("\(reference) IS NOT NULL", []) }
        let range = parts.joined(separator: " AND ")
        return (cursor.includesNulls ? "((\(range)) OR \(reference) IS NULL)" : "(\(range))", values)
    }

    private func value(_ text: String) -> ODBCParameter? {
        var text = text
        return text.withUTF8 { utf8 -> ODBCParameter? in
            let raw = UnsafeRawBufferPointer(utf8)
            switch type {
            case .decimal(let precision, let scale):
                guard TextParser.decimal(raw, precision: precision, scale: scale) != nil else { return nil }
                return .decimal(String(decoding: raw, as: UTF8.self), precision: precision, scale: scale)
            case .float64: return TextParser.float64(raw).map { .real($0) }
            case .utf8: return .text(String(decoding: raw, as: UTF8.self))
            case .date where raw.count == 10:
                return TextParser.date(raw).map { days in
                    let (year, month, day) = civil(Int(days))
                    return .date(year: year, month: month, day: day)
                }
            case .timestamp where hasOffset:
                guard let literal = TextParser.timestamp(raw) else { return nil }
                return .text(offsetText(literal))
            case .date, .timestamp:
                if raw.count == 10 {
                    return TextParser.date(raw).map { days in
                        let (year, month, day) = civil(Int(days))
                        return .timestamp(
                            year: year, month: month, day: day, hour: 0, minute: 0, second: 0, nanosecond: 0, digits: 0)
                    }
                }
                return TextParser.timestamp(raw).map(moment)
            default:
                if let number = TextParser.int64(raw) { return .integer(number) }
                guard TextParser.decimal(raw, precision: 38, scale: 10) != nil else { return nil }
                return .decimal(String(decoding: raw, as: UTF8.self), precision: 38, scale: 10)
            }
        }
    }

    /// SQL Server's own type for moments, which no type of ODBC's stands for in all drivers.
    private var hasOffset: Bool { column.sqlType == -155 }

    private func offsetText(_ literal: TimestampLiteral) -> String {
        guard
            case .timestamp(let year, let month, let day, let hour, let minute, let second, let nanosecond, _) =
                moment(literal)
        else { return "" }
        func digits(_ number: Int, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2)) \(digits(hour, 2)):\(digits(minute, 2)):"
            + "\(digits(second, 2)).\(digits(nanosecond / 100, 7)) +00:00"
    }

    private func moment(_ literal: TimestampLiteral) -> ODBCParameter {
        let days = literal.seconds >= 0 ? literal.seconds / 86_400 : (literal.seconds - 86_399) / 86_400
        let clock = Int(literal.seconds - days * 86_400)
        let (year, month, day) = civil(Int(days))
        var digits = 9
        var rest = Int(literal.nanoseconds)
        while digits > 0, rest % 10 == 0 {
            digits -= 1
            rest /= 10
        }
        return .timestamp(
            year: year, month: month, day: day, hour: clock / 3600, minute: clock / 60 % 60, second: clock % 60,
            nanosecond: Int(literal.nanoseconds), digits: digits)
    }

    /// The day of the calendar that lies so many days behind 1970-01-01.
    private func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * part + 2) / 5 + 1)
    }
}
