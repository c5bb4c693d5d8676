import CODBC

/// What a driver says of itself and of the server.
public struct ODBCFacts: Sendable {
    /// The database's name for itself: `Microsoft SQL Server`.
    public let server: String
    /// The server's version.
    public let serverVersion: String
    /// The driver's file.
    public let driver: String
    /// The driver's version.
    public let driverVersion: String
    /// The database that the session is in.
    public let databaseName: String
    /// Who is logged in.
    public let user: String
    /// What stands around a name; empty when names cannot be quoted.
    public let quote: String
    /// What stands before a `%` or `_` of a name in a pattern of a catalogue call.
    public let patternEscape: String
    /// Whose dialect and habits these are.
    public let database: ODBCDatabase
    /// Whether a value that had no room can be asked for again, in any row of a block.
    let canGetAgain: Bool

    init(_ connection: SQLHANDLE) {
        func text(_ kind: some BinaryInteger) -> String {
            var text = [SQLWCHAR](repeating: 0, count: 512)
            var length: SQLSMALLINT = 0
            let code = odbcGetInfoW(connection, SQLUSMALLINT(kind), &text, SQLSMALLINT(text.count * 2), &length)
            return ODBCEnvironment.isGood(code) ? String(decoding: text.prefix { $0 != 0 }, as: UTF16.self) : ""
        }
        server = text(SQL_DBMS_NAME)
        serverVersion = text(SQL_DBMS_VER)
        driver = text(SQL_DRIVER_NAME)
        driverVersion = text(SQL_DRIVER_VER)
        databaseName = text(SQL_DATABASE_NAME)
        user = text(SQL_USER_NAME)
        let mark = text(SQL_IDENTIFIER_QUOTE_CHAR)
        quote = mark == " " ? "" : mark
        patternEscape = text(SQL_SEARCH_PATTERN_ESCAPE)
        database = ODBCDatabase(named: server)
        var extensions: SQLUINTEGER = 0
        let code = odbcGetInfoW(connection, SQLUSMALLINT(SQL_GETDATA_EXTENSIONS), &extensions, 4, nil)
        let needed = SQL_GD_ANY_COLUMN | SQL_GD_BLOCK | SQL_GD_BOUND
        // MariaDB's driver claims it, and hands out what is left behind the part that was cut off.
        canGetAgain =
            database == .postgreSQL && ODBCEnvironment.isGood(code)
            && Int64(extensions) & Int64(needed) == Int64(needed)
    }
}
