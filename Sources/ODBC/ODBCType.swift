import CODBC
public import Columns

/// A column of a result, as its driver describes it.
public struct ODBCColumn: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// The SQL type's number.
    public let sqlType: Int
    /// How many characters, bytes or digits; 0 when there is no limit, or none that the driver knows.
    public let size: Int
    /// How many digits behind the point, of a number or of a second.
    public let digits: Int
    /// Whether an integer has no sign.
    public let isUnsigned: Bool
    /// The database's name for the type, in lower case.
    public let typeName: String

    /// A column of a result, or of a catalogue.
    public init(name: String, sqlType: Int, size: Int, digits: Int, isUnsigned: Bool, typeName: String) {
        self.name = name
        self.sqlType = sqlType
        self.size = size
        self.digits = digits
        self.isUnsigned = isUnsigned
        self.typeName = typeName.lowercased()
    }

    /// Whether its values may be so long that they are asked for one by one.
    public func isLong(in database: ODBCDatabase) -> Bool { ODBCType(self, in: database).width == nil }

    /// What its values become.
    public func type(in database: ODBCDatabase) -> DataType { ODBCType(self, in: database).type }
}

/// Whose dialect and habits a session has to do with.
public enum ODBCDatabase: Sendable, Hashable {
    /// SQL Server, Azure SQL, and what speaks their protocol.
    case sqlServer
    /// MySQL and MariaDB.
    case mySQL
    /// PostgreSQL.
    case postgreSQL
    /// Oracle.
    case oracle
    /// Any other.
    case other

    /// The database that calls itself `name`.
    public init(named name: String) {
        let name = name.lowercased()
        if name.contains("sql server") || name.contains("azure") || name.contains("babelfish") {
            self = .sqlServer
        } else if name.contains("mysql") || name.contains("mariadb") {
            self = .mySQL
        } else if name.contains("postgres") {
            self = .postgreSQL
        } else if name.contains("oracle") {
            self = .oracle
        } else {
            self = .other
        }
    }
}

/// What a column of a result becomes, and in which form the driver is asked for its values.
struct ODBCType: Sendable, Hashable {
    /// In which form the values come.
    enum Form: Sendable, Hashable {
        /// As they lie in a column: so many bytes each.
        case fixed(Int)
        /// A double, for a column of floats.
        case double
        case bit, date, timestamp, time2, timestampOffset, guid
        /// ASCII, since no structure of C holds the value in all drivers.
        case decimalText, timeText
        /// UTF-16.
        case text
        case bytes
    }

    let type: DataType
    let form: Form
    /// The number of the C type that the driver is asked for.
    let cType: Int
    /// How many bytes a value needs at most; nil when that is not known, or a lot.
    let width: Int?

    /// Longer text is not given its full room in every row.
    static let longestBound = 8192

    init(_ column: ODBCColumn, in database: ODBCDatabase) {
        let zone = ODBCType.isMoment(column, in: database) ? "UTC" : nil
        let unit: TimeUnit = column.digits > 6 ? .nanosecond : .microsecond
        let unsigned = column.isUnsigned
        switch column.sqlType {
        case _ where column.typeName == "bool" && database == .postgreSQL:
            // The driver calls it text of five characters unless told otherwise.
            self.init(.bool, .bit, SQL_C_BIT, 1)
        case SQL_BIT where column.size <= 1: self.init(.bool, .bit, SQL_C_BIT, 1)
        case SQL_TINYINT:
            let isUnsigned = unsigned || database == .sqlServer
            self.init(
                isUnsigned ? .uint8 : .int8, .fixed(1), isUnsigned ? SQL_C_UTINYINT : SQL_C_STINYINT, 1)
        case SQL_SMALLINT:
            self.init(
                unsigned ? .uint16 : .int16, .fixed(2), unsigned ? SQL_C_USHORT : SQL_C_SSHORT, 2)
        case SQL_INTEGER:
            self.init(unsigned ? .uint32 : .int32, .fixed(4), unsigned ? SQL_C_ULONG : SQL_C_SLONG, 4)
        case SQL_BIGINT:
            self.init(
                unsigned ? .uint64 : .int64, .fixed(8), unsigned ? SQL_C_UBIGINT : SQL_C_SBIGINT, 8)
        // MariaDB's driver puts floats of an array where doubles would lie.
        case SQL_REAL where database == .mySQL: self.init(.float32, .double, SQL_C_DOUBLE, 8)
        case SQL_REAL: self.init(.float32, .fixed(4), SQL_C_FLOAT, 4)
        case SQL_FLOAT, SQL_DOUBLE: self.init(.float64, .fixed(8), SQL_C_DOUBLE, 8)
        case SQL_NUMERIC, SQL_DECIMAL:
            if (1...38).contains(column.size), (0...column.size).contains(column.digits) {
                self.init(
                    .decimal(precision: column.size, scale: column.digits), .decimalText, SQL_C_CHAR,
                    column.size + 4)
            } else {
                self = ODBCType.text(column, in: database)
            }
        case SQL_TYPE_DATE, SQL_OLD_DATE: self.init(.date, .date, SQL_C_TYPE_DATE, 6)
        case SQL_TYPE_TIME, SQL_OLD_TIME:
            self.init(.time(unit), .timeText, SQL_C_CHAR, 24)
        case SQL_SS_TIME2: self.init(.time(unit), .time2, SQL_C_SS_TIME2, 12)
        case SQL_TYPE_TIMESTAMP, SQL_OLD_TIMESTAMP:
            self.init(.timestamp(unit, zone: zone), .timestamp, SQL_C_TYPE_TIMESTAMP, 16)
        case SQL_SS_TIMESTAMPOFFSET:
            self.init(.timestamp(unit, zone: "UTC"), .timestampOffset, SQL_C_SS_TIMESTAMPOFFSET, 20)
        case SQL_GUID: self.init(.uuid, .guid, SQL_C_GUID, 16)
        case SQL_BINARY, SQL_VARBINARY, SQL_LONGVARBINARY, SQL_BIT:
            let isLong = column.size <= 0 || column.size > ODBCType.longestBound
            self.init(.binary, .bytes, SQL_C_BINARY, isLong ? nil : column.size)
        case SQL_SS_UDT: self.init(.binary, .bytes, SQL_C_BINARY, nil)
        default: self = ODBCType.text(column, in: database)
        }
    }

    private init(_ type: DataType, _ form: Form, _ cType: some BinaryInteger, _ width: Int?) {
        self.type = type
        self.form = form
        self.cType = Int(cType)
        self.width = width
    }

    private static func text(_ column: ODBCColumn, in database: ODBCDatabase) -> ODBCType {
        let isJSON = column.typeName == "json" || column.typeName == "jsonb"
        // MySQL counts characters, of which some need two units of UTF-16; others count units or bytes.
        let units = database == .mySQL ? 2 : 1
        let isLong = column.size <= 0 || column.size > longestBound / 2
        return ODBCType(isJSON ? .json : .utf8, .text, SQL_C_WCHAR, isLong ? nil : (column.size * units + 1) * 2)
    }

    /// Whether a timestamp is a moment, which the session's time zone of UTC makes it come in.
    private static func isMoment(_ column: ODBCColumn, in database: ODBCDatabase) -> Bool {
        switch database {
        case .postgreSQL: column.typeName == "timestamptz" || column.typeName == "timestamp with time zone"
        case .mySQL: column.typeName == "timestamp"
        default: false
        }
    }
}
