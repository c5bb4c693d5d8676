import Columns
import ODBC
package import Support

/// What brings the rows of the stage into the table.
extension SQLServerScript {
    /// The columns that are written, lineage at the end, what each is written from, and what is bound in that.
    private var assignments: (columns: [String], values: [String], bound: [ODBCParameter]) {
        get throws(SluiceError) {
            var columns: [String] = []
            var values: [String] = []
            for (place, target) in plan.targets.enumerated() {
                let name = try dialect.quote(target.name)
                let type = SQLServerType(widened[place] ?? target.sqlType)
                columns.append(name)
                // A type without a counterpart is read from text by the server.
                let isRead = target.type == .utf8 && !type.isText
                values.append(isRead ? "CONVERT(\(type.name), s.\(staged(target)))" : "s.\(staged(target))")
            }
            for name in Lineage.columns { columns.append(try dialect.quote(name)) }
            values.append("(SELECT f.name FROM \(Self.files) AS f WHERE f.id = s.\(Self.fileColumn))")
            values.append("CONVERT(DATETIMEOFFSET(6), ?)")
            values.append("?")
            return (columns, values, [.text(Moment(microseconds: load.loadedAt).iso), .text(load.run)])
        }
    }

    /// Inserts rows of the stage that `condition` holds for.
    package func insert(where condition: String? = nil) throws(SluiceError) -> SQLServerStatement {
        let (columns, values, bound) = try assignments
        // A table that nobody else sees is filled page by page.
        let hint = table.id == nil || load.replaces ? " WITH (TABLOCK)" : ""
        return SQLServerStatement(
            """
            INSERT INTO \(table.sql)\(hint) (\(columns.joined(separator: ", ")))
            SELECT \(values.joined(separator: ", "))
            FROM \(stage) AS s\(condition.map { "\nWHERE \($0)" } ?? "")
            """, bound)
    }

    /// Inserts rows of the stage that the table does not have, null being the same as null.
    package func insertNew(by names: [String]) throws(SluiceError) -> SQLServerStatement {
        var (left, right): ([String], [String]) = ([], [])
        for name in names {
            let target = try target(name)
            left += try compared("t", target)
            right += try compared("s", target)
        }
        // INTERSECT takes null for the same as null, and the server makes a join of it.
        return try insert(
            where: """
                NOT EXISTS (SELECT 1 FROM \(table.sql) AS t
                    WHERE EXISTS (SELECT \(left.joined(separator: ", ")) INTERSECT SELECT \(right.joined(separator: ", "))))
                """)
    }

    // MARK: The same key

    /// Whether the table itself says which texts of a column are the same: in a primary key it does, and where values are
    /// filled up with blanks there is no other way.
    private func comparesAsTable(_ target: TablePlan.Target) -> Bool {
        guard let known = table.column(target.name) else { return false }
        return known.column.isInPrimaryKey || SQLServerType(known.column.sqlType).isPadded
    }

    /// What has to be the same for two values to be: the server takes `a` for `A` as a rule, `a` for `a ` always, and
    /// bytes for the same bytes with zeros behind them.
    private func compared(_ alias: String, _ target: TablePlan.Target) throws(SluiceError) -> [String] {
        let name = alias == "s" ? "s.\(staged(target))" : "\(alias).\(try dialect.quote(target.name))"
        switch target.type {
        case .utf8, .json:
            return comparesAsTable(target) ? [name] : ["\(name) + N'.' COLLATE \(Self.exact)"]
        case .binary: return [name, "DATALENGTH(\(name))"]
        default: return [name]
        }
    }

    /// The condition that a row `t` of the table and a row `s` of the stage have the same key.
    private func same(_ key: [String]) throws(SluiceError) -> String {
        var conditions: [String] = []
        for name in key {
            let target = try target(name)
            let column = "t.\(try dialect.quote(target.name))"
            // This finds an index; what follows it holds the values themselves against each other.
            conditions.append("\(column) = s.\(staged(target))")
            for (left, right) in zip(try compared("t", target), try compared("s", target)) where left != column {
                conditions.append("\(left) = \(right)")
            }
        }
        return conditions.joined(separator: " AND ")
    }

    // MARK: Merging

    /// Deletes all rows of a key but the last from the stage.
    package func keepLast(_ key: [String], order: String?) throws(SluiceError) -> SQLServerStatement {
        var parts: [String] = []
        for name in key { parts += try compared("s", try target(name)) }
        var last: [String] = []
        // Nulls are the smallest of all to the server, so they come last here.
        if let order { last.append("s.\(staged(try target(order))) DESC") }
        let arrival = Self.arrivalColumn
        last.append("s.\(arrival) DESC")
        return SQLServerStatement(
            """
            DELETE FROM \(stage)
            WHERE \(arrival) IN (
                SELECT ranked.\(arrival)
                FROM (
                    SELECT s.\(arrival), ROW_NUMBER() OVER (PARTITION BY \(parts.joined(separator: ", "))
                        ORDER BY \(last.joined(separator: ", "))) AS n
                    FROM \(stage) AS s) AS ranked
                WHERE ranked.n > 1)
            """)
    }

    /// Deletes the table's rows whose counterpart in the stage says "deleted".
    package func deleteMarked(_ key: [String], _ marker: DeletionMarker) throws(SluiceError) -> SQLServerStatement {
        let marked = try condition(marker)
        return SQLServerStatement(
            """
            DELETE t
            FROM \(table.sql) AS t
            INNER JOIN \(stage) AS s ON \(try same(key))
            WHERE \(marked.sql)
            """, marked.parameters)
    }

    /// Deletes rows that say "deleted" from the stage.
    package func dropMarked(_ marker: DeletionMarker) throws(SluiceError) -> SQLServerStatement {
        let marked = try condition(marker)
        return SQLServerStatement("DELETE s\nFROM \(stage) AS s\nWHERE \(marked.sql)", marked.parameters)
    }

    /// Updates the table's rows that have a counterpart in the stage.
    package func update(_ key: [String]) throws(SluiceError) -> SQLServerStatement {
        var keys: Set<String> = []
        for name in key { keys.insert(try dialect.quote(target(name).name)) }
        let (columns, values, bound) = try assignments
        let settings = zip(columns, values).filter { !keys.contains($0.0) }.map { "\($0) = \($1)" }
        return SQLServerStatement(
            """
            UPDATE t
            SET \(settings.joined(separator: ", "))
            FROM \(table.sql) AS t
            INNER JOIN \(stage) AS s ON \(try same(key))
            """, bound)
    }

    /// Inserts rows of the stage that have no counterpart in the table.
    package func insertMissing(_ key: [String]) throws(SluiceError) -> SQLServerStatement {
        try insert(where: "NOT EXISTS (SELECT 1 FROM \(table.sql) AS t WHERE \(try same(key)))")
    }

    /// What tells a row of the stage that says "deleted".
    private func condition(_ marker: DeletionMarker) throws(SluiceError) -> SQLServerStatement {
        let target = try target(marker.column)
        let column = "s.\(staged(target))"
        guard let value = marker.value else {
            switch target.type {
            case .bool: return SQLServerStatement("\(column) = 1")
            case let type where type.isNumeric: return SQLServerStatement("\(column) <> 0")
            default: return SQLServerStatement("\(column) IS NOT NULL")
            }
        }
        if target.type == .utf8 || target.type == .json {
            return SQLServerStatement(
                "\(column) + N'.' = CONVERT(NVARCHAR(MAX), ?) + N'.' COLLATE \(Self.exact)", [.text(value)])
        }
        let text = BytesBuilder(.utf8)
        text.append(value)
        let plain: String
        do throws(SluiceError) {
            plain = try text.finish().cast(to: target.type).cast(to: .utf8).text(at: 0)
        } catch {
            throw SluiceError(
                .invalidConfiguration,
                "'\(value)', which marks deleted rows, is no value of column \"\(target.name)\" (\(target.type))",
                place: .init(column: target.name), hint: "Name a value of the column, or none")
        }
        return SQLServerStatement(
            "\(column) = CONVERT(\(SQLServerDialect().sqlType(for: target.type)), ?)", [.text(plain)])
    }
}
