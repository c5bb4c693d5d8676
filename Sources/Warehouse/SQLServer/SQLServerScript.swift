import Columns
package import ODBC
import Support

/// A statement with what is bound to its question marks.
package struct SQLServerStatement: Sendable {
    /// The T-SQL.
    package var sql: String
    /// The values.
    package var parameters: [ODBCParameter]

    init(_ sql: String, _ parameters: [ODBCParameter] = []) {
        self.sql = sql
        self.parameters = parameters
    }
}

/// All that is said to the server about one load's table, as T-SQL that SQL Server 2019 takes. Nothing is asked here.
///
/// Rows wait in a table of their own, so that nobody waits for the load while it reads.
package struct SQLServerScript: Sendable {
    let load: Load
    let table: SQLServerTable
    let dialect: SQLServerDialect
    /// The types that columns get besides what the plan says, by their place among the targets.
    var widened: [Int: String] = [:]
    /// How the server reads the stage's rows itself.
    var lake: SQLServerLake?

    /// The table that rows wait in, as SQL.
    var stage = SQLServerStage.temporary.sql
    /// The files that rows came in, by the numbers that the stage has.
    package static let files = "#sluice_files"

    /// What is said about `load` into `table`.
    package init(
        _ load: Load, into table: SQLServerTable, dialect: SQLServerDialect, from stage: SQLServerStage = .temporary,
        widened: [Int: String] = [:]
    ) {
        self.stage = stage.sql
        self.load = load
        self.table = table
        self.dialect = dialect
        self.widened = widened
    }

    var plan: TablePlan { load.plan }

    // MARK: The stage

    // The stage's columns have numbers for names: what the driver makes of theirs while it copies, no name can disturb.

    /// The stage's column that says which file a row came in.
    static let fileColumn = "f"
    /// The stage's column that says in which order rows came.
    static let arrivalColumn = "a"

    /// The stage's column that holds the values of a target.
    func staged(_ target: TablePlan.Target) -> String {
        "c\((plan.targets.firstIndex { $0.name == target.name } ?? -1) + 1)"
    }

    /// Whether it has to be known in which order rows came.
    package var numbersRows: Bool {
        if case .merge = load.mode { return !load.keysAreUnique }
        return false
    }

    /// Makes `stage` anew, and the table of files with it.
    package func makeStage(_ stage: SQLServerStage) -> [SQLServerStatement] {
        var columns: [String] = []
        for target in plan.targets {
            columns.append("\(staged(target)) \(stagedType(target)) NULL")
        }
        columns.append("\(Self.fileColumn) INT \(lake?.needsTable == true ? "NULL" : "NOT NULL")")
        if numbersRows {
            // What the server reads itself, it numbers itself.
            columns.append("\(Self.arrivalColumn) BIGINT \(lake == nil ? "NOT NULL" : "IDENTITY(1,1) NOT NULL")")
        }
        return [
            SQLServerStatement("DROP TABLE IF EXISTS \(stage.sql)"),
            SQLServerStatement("DROP TABLE IF EXISTS \(Self.files)"),
            SQLServerStatement("CREATE TABLE \(stage.sql) (\n    \(columns.joined(separator: ",\n    ")))"),
            SQLServerStatement(
                "CREATE TABLE \(Self.files) (id INT NOT NULL PRIMARY KEY, name NVARCHAR(4000) NOT NULL)"),
        ]
    }

    /// What rows are sent to the stage as.
    package var stageColumns: [ODBCBulkColumn] {
        var columns = plan.targets.map {
            ODBCBulkColumn(staged($0), SQLServerDialect.bulkType($0.type) ?? .text(limit: nil))
        }
        columns.append(ODBCBulkColumn(Self.fileColumn, .int))
        if numbersRows { columns.append(ODBCBulkColumn(Self.arrivalColumn, .bigint)) }
        return columns
    }

    /// The stage has values as they are sent; texts compare as in the table. Only the text of a key is of limited length,
    /// which the server finds faster, and which such a column cannot get out of.
    private func stagedType(_ target: TablePlan.Target) -> String {
        guard target.type == .utf8 || target.type == .json else { return SQLServerDialect().sqlType(for: target.type) }
        let known = table.column(target.name)
        // A collation's name is a word that goes into SQL as it is.
        let name = known?.collation.flatMap { name in
            name.utf8.allSatisfy {
                $0 == UInt8(ascii: "_") || ($0 < 0x80 && Unicode.Scalar($0).properties.isAlphabetic)
                    || (48...57).contains($0)
            } ? name : nil
        }
        let type = SQLServerType(target.sqlType)
        let isBounded = isKey(target) && type.isText && type.first != nil
        let length = isBounded ? min(type.first ?? 4000, 4000) : nil
        return "NVARCHAR(\(length.map(String.init) ?? "MAX")) COLLATE \(name ?? "DATABASE_DEFAULT")"
    }

    func isKey(_ target: TablePlan.Target) -> Bool {
        guard case .merge(let key, _, _) = load.mode else { return false }
        return key.contains(target.name)
    }

    /// Gives a file its number.
    package func noteFile(_ number: Int, _ name: String) -> SQLServerStatement {
        SQLServerStatement(
            "INSERT INTO \(Self.files) (id, name) VALUES (?, ?)", [.integer(Int64(number)), .text(name)])
    }

    // MARK: The table

    /// Makes it, or brings it into the planned shape: one thing a statement.
    package var shape: [SQLServerStatement] {
        get throws(SluiceError) { table.id == nil ? [try create] : try changes }
    }

    /// What a lineage column is in a new table.
    private func lineageType(_ name: String) -> String {
        switch name {
        case Lineage.sourceFile: "NVARCHAR(512)"
        case Lineage.loadedAt: "DATETIMEOFFSET(6)"
        default: "NVARCHAR(64)"
        }
    }

    /// Behind the type of a lineage column: rows of somebody else are loaded when they come.
    private func lineageDefault(_ name: String) -> String {
        name == Lineage.loadedAt ? " DEFAULT SYSUTCDATETIME()" : ""
    }

    private var create: SQLServerStatement {
        get throws(SluiceError) {
            var columns: [String] = []
            for (place, target) in plan.targets.enumerated() {
                columns.append(
                    "\(try dialect.quote(target.name)) \(widened[place] ?? target.sqlType) "
                        + (target.isNullable ? "NULL" : "NOT NULL"))
            }
            for name in Lineage.columns {
                columns.append("\(try dialect.quote(name)) \(lineageType(name)) NULL\(lineageDefault(name))")
            }
            return SQLServerStatement("CREATE TABLE \(table.sql) (\n    \(columns.joined(separator: ",\n    ")))")
        }
    }

    private var changes: [SQLServerStatement] {
        get throws(SluiceError) {
            var statements: [SQLServerStatement] = []
            for change in plan.changes {
                switch change {
                case .create: break
                case .add(let column, let type):
                    let isOurs = Lineage.columns.contains(column)
                    let type = isOurs ? lineageType(column) : self.type(of: column) ?? type
                    let standard = isOurs ? lineageDefault(column) : ""
                    statements.append(
                        SQLServerStatement(
                            "ALTER TABLE \(table.sql) ADD \(try dialect.quote(column)) \(type) NULL\(standard)"))
                case .widen(let column, _, let type):
                    statements.append(try alter(column, type, isNullable: table.column(column)?.column.isNullable))
                case .allowNull(let column):
                    statements.append(
                        try alter(column, type(of: column) ?? table.column(column)?.column.sqlType, isNullable: true))
                }
            }
            for (place, type) in widened.sorted(by: { $0.key < $1.key }) {
                let target = plan.targets[place]
                guard let known = table.column(target.name) else { continue }
                let isNullable = known.column.isNullable || plan.changes.contains(.allowNull(column: target.name))
                statements.append(try alter(target.name, type, isNullable: isNullable))
            }
            return try withoutIndex(statements)
        }
    }

    /// A column of an index keeps its type; our own index is made again behind the changes.
    private func withoutIndex(_ statements: [SQLServerStatement]) throws(SluiceError) -> [SQLServerStatement] {
        let changesKey = plan.changes.contains {
            if case .widen(let column, _, _) = $0 { table.column(column)?.keyPlace != nil } else { false }
        }
        guard changesKey else { return statements }
        var names: [String] = []
        for column in table.columns.filter({ $0.keyPlace != nil }).sorted(by: { $0.keyPlace ?? 0 < $1.keyPlace ?? 0 }) {
            names.append(try dialect.quote(column.column.name))
        }
        return [SQLServerStatement("DROP INDEX sluice_key ON \(table.sql)")] + statements + [
            SQLServerStatement("CREATE UNIQUE INDEX sluice_key ON \(table.sql) (\(names.joined(separator: ", ")))")
        ]
    }

    /// The type that a column of ours has when all is done.
    private func type(of column: String) -> String? {
        guard let place = plan.targets.firstIndex(where: { $0.name == column }) else { return nil }
        return widened[place] ?? plan.targets[place].sqlType
    }

    /// Gives a column a type. What is not said again would be lost: whether it may be null, and how its texts compare.
    private func alter(
        _ column: String, _ type: String?, isNullable: Bool?
    ) throws(SluiceError) -> SQLServerStatement {
        let type = type ?? "NVARCHAR(MAX)"
        let isText = SQLServerType(type).isText
        let collation = isText ? table.column(column)?.collation.map { " COLLATE \($0)" } ?? "" : ""
        let rest = dialect.engine == .babelfish ? "" : collation + (isNullable == false ? " NOT NULL" : " NULL")
        return SQLServerStatement(
            "ALTER TABLE \(table.sql) ALTER COLUMN \(try dialect.quote(column)) \(type)\(rest)")
    }

    /// Deletes what this load takes the place of.
    package var clear: [SQLServerStatement] {
        get throws(SluiceError) {
            guard table.id != nil else { return [] }
            // By pages, which a heap would otherwise keep.
            if load.clearsFirst || load.mode == .replace {
                return [SQLServerStatement("DELETE FROM \(table.sql) WITH (TABLOCK)")]
            }
            // A table without the column has no rows of ours.
            guard table.column(Lineage.sourceFile) != nil else { return [] }
            let column = "\(try dialect.quote(Lineage.sourceFile)) COLLATE \(Self.exact)"
            let all = load.superseded
            // A statement takes 2,100 values.
            return stride(from: 0, to: all.count, by: 1000).map {
                let some = all[$0..<min($0 + 1000, all.count)]
                let marks = Array(repeating: "?", count: some.count).joined(separator: ", ")
                return SQLServerStatement(
                    "DELETE FROM \(table.sql) WHERE \(column) IN (\(marks))", some.map(ODBCParameter.text))
            }
        }
    }

    /// How texts are compared when case, accents and width count.
    static let exact = "Latin1_General_100_BIN2"

    /// Keeps others from writing to the table until the transaction ends; readers go on.
    package var hold: SQLServerStatement {
        SQLServerStatement("SELECT TOP (1) 1 AS n FROM \(table.sql) WITH (TABLOCK, HOLDLOCK)")
    }

    /// Lets the key of a new table tell its rows apart for everybody; nil where it has a column that no index takes.
    package var indexKey: SQLServerStatement? {
        get throws(SluiceError) {
            guard table.id == nil, case .merge(let key, _, _) = load.mode else { return nil }
            var names: [String] = []
            for name in key {
                let target = try target(name)
                switch target.type {
                case .utf8, .json, .binary: return nil
                default: names.append(try dialect.quote(target.name))
                }
            }
            return SQLServerStatement(
                "CREATE UNIQUE INDEX sluice_key ON \(table.sql) (\(names.joined(separator: ", ")))")
        }
    }

    // MARK: Parts

    /// A column that the load names.
    func target(_ name: String) throws(SluiceError) -> TablePlan.Target {
        let folded = name.lowercased()
        if let found = plan.targets.first(where: { $0.name == name })
            ?? plan.targets.first(where: { $0.name.lowercased() == folded })
        {
            return found
        }
        throw SluiceError(
            .invalidConfiguration, "the load has no column \"\(name)\"", place: .init(column: name),
            hint: nearestWord(to: name, among: plan.targets.map(\.name)).map { "The nearest is \"\($0)\"" })
    }
}

extension Load {
    /// Whether it leaves nothing of what was in the table.
    var replaces: Bool {
        switch mode {
        case .replace: true
        case .append, .appendNew: clearsFirst
        case .merge: false
        }
    }
}
