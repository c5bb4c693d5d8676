public import Columns
public import Support

/// What differs from one SQL database to the next, as far as tables and names go.
///
/// `quote` is the one way by which a name gets into SQL. Values never do: they are bound.
public protocol SQLDialect: Sendable {
    /// What to call the database in a message: `PostgreSQL`.
    var name: String { get }
    /// Whether two columns of a table may differ in case only.
    var distinguishesCase: Bool { get }
    /// Whether a column that may not be null can be made to.
    var canAllowNull: Bool { get }
    /// A table's, column's or schema's name as SQL, whatever characters it has.
    ///
    /// - throws: `SluiceError` for a name that the database cannot have, or would cut.
    func quote(_ name: String) throws(SluiceError) -> String
    /// The type of a new column for values of `type`, in the database's words.
    func sqlType(for type: DataType) -> String
    /// What values of `type` are cast to before they are written to such a column.
    func storedType(for type: DataType) -> DataType
    /// How values of `type` get into a column that is there.
    func widening(of column: TableColumn, to type: DataType) -> Widening
}

/// How values get into a column that is there.
public enum Widening: Sendable, Hashable {
    /// As values of this type. A value for which the cast to it would not be exact is refused by the cast.
    case fits(as: DataType)
    /// As values of this type, once the column has another SQL type, which holds everything that the old one did.
    case alter(to: String, as: DataType)
    /// Not without loss.
    case impossible
}

extension SQLDialect {
    /// A table's name as SQL, with its schema if it has one.
    public func quote(_ table: TableName) throws(SluiceError) -> String {
        let name = try quote(table.name)
        guard let schema = table.schema else { return name }
        return try quote(schema) + "." + name
    }

    /// A name between two marks, the closing one doubled inside; refuses what no database can have.
    func quote(
        _ name: String, between open: Character, and close: Character, limit: Int?
    ) throws(SluiceError) -> String {
        if name.isEmpty {
            throw SluiceError(.invalidConfiguration, "a name is empty", hint: "Name every table and column")
        }
        var quoted = String(open)
        for scalar in name.unicodeScalars {
            if scalar == "\0" {
                throw SluiceError(
                    .invalidConfiguration,
                    "the name \(shown(name)) has a zero byte in it, which \(self.name) cannot store",
                    hint: "Rename it in the query that reads it")
            }
            quoted.unicodeScalars.append(scalar)
            // By scalars, not characters: a quote with a combining mark behind it is a quote to the database.
            if scalar == close.unicodeScalars.first { quoted.unicodeScalars.append(scalar) }
        }
        quoted.append(close)
        if let limit, name.utf8.count > limit {
            throw SluiceError(
                .invalidConfiguration,
                "the name \(shown(name)) has \(name.utf8.count) bytes; \(self.name) would cut it at \(limit)",
                hint: "Give it a shorter name in the query that reads it, or in the job")
        }
        return quoted
    }

    private func shown(_ name: String) -> String {
        let plain = String(name.prefix(80).map { $0.isNewline || $0 == "\0" ? "␀" : $0 })
        return "\"\(plain)\(name.count > 80 ? "…" : "")\""
    }
}

/// A column of a table as it is in the database.
public struct TableColumn: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// Its type in the database's words.
    public var sqlType: String
    /// What values are cast to before they are written to it, when nothing says otherwise.
    public var type: DataType
    /// Whether a value may be missing.
    public var isNullable: Bool
    /// Whether rows that lack the column get a value from the database.
    public var hasDefault: Bool
    /// Whether it is part of the primary key, so that it can never be null.
    public var isInPrimaryKey: Bool
    /// Whether it may get another type; a domain's column may not.
    public var isAlterable: Bool
    /// Why nobody can write to it: `is generated from others`; nil for an ordinary column.
    public var obstacle: String?

    /// A column of a table.
    public init(
        name: String, sqlType: String, type: DataType, isNullable: Bool = true, hasDefault: Bool = false,
        isInPrimaryKey: Bool = false, isAlterable: Bool = true, obstacle: String? = nil
    ) {
        self.name = name
        self.sqlType = sqlType
        self.type = type
        self.isNullable = isNullable
        self.hasDefault = hasDefault
        self.isInPrimaryKey = isInPrimaryKey
        self.isAlterable = isAlterable
        self.obstacle = obstacle
    }
}
