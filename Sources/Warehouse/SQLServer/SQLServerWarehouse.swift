// The SQL Server warehouse.
//
//     SQLServerWarehouse ──connect──▶ SQLServerSession ──begin──▶ SQLServerLoad ──commit──▶ one transaction
//                                     SQLServerBooks: audit,       ODBCBulk into a           shape, exchange, merge
//                                     ledger, watermarks           temporary table
//                                     SQLServerCatalogue: what a table looks like
//
// All T-SQL is made by SQLServerScript, SQLServerBooksScript and SQLServerLock, without a server.
public import ODBC
public import Support

/// A SQL Server or Azure SQL database that rows end in.
public struct SQLServerWarehouse: Warehouse {
    /// How rows are kept there.
    public struct Options: Sendable {
        /// Where tables without a schema are, and Sluice's own.
        public var schema: String
        /// How many characters new text columns take; nil for any number.
        public var textLength: Int?
        /// Whether rows may go by bulk copy, where the driver has it.
        public var copiesInBulk: Bool
        /// How the server reads staged files itself; nil when rows are sent to it.
        public var lake: SQLServerLake?

        /// Options.
        public init(
            schema: String = "dbo", textLength: Int? = nil, copiesInBulk: Bool = true, lake: SQLServerLake? = nil
        ) {
            self.lake = lake
            self.schema = schema
            self.textLength = textLength
            self.copiesInBulk = copiesInBulk
        }
    }

    private let settings: @Sendable () async throws(SluiceError) -> ODBCSettings
    private let options: Options
    /// `mssql://server/database`
    public let name: String
    /// `mssql`
    public var protocolName: String { "mssql" }
    /// Rows are sent to where nobody waits for them.
    public var loadsWhileReading: Bool { true }
    /// How the server reads the lake, where it does.
    public var loadMethod: String? { options.lake?.sentence }

    /// A database.
    ///
    /// - parameter settings: What a session is opened with; asked for each, since a token lasts for an hour.
    public init(
        name: String, options: Options = Options(),
        settings: @escaping @Sendable () async throws(SluiceError) -> ODBCSettings
    ) {
        self.name = name
        self.options = options
        self.settings = settings
    }

    /// Opens a session that shows as `label` in `sys.dm_exec_sessions`.
    public func connect(as label: String) async throws(SluiceError) -> any WarehouseSession {
        var settings = try await self.settings()
        settings.bulkCopy = options.copiesInBulk
        // The server keeps 128 characters.
        settings.string["APP"] = String(decoding: Array(label.utf16.prefix(128)), as: UTF16.self)
        let connection = try await ODBCConnection.open(settings)
        // Whatever the login's language or the database say, texts and nulls mean one thing here, and what fails takes its
        // transaction with it.
        try await connection.query(Self.sessionSettings)
        let isBabelfish = try await connection.query(SQLServerEngine.question).single != nil
        return try SQLServerSession(connection, options, isBabelfish ? .babelfish : .microsoft)
    }

    package static let sessionSettings = """
        SET NOCOUNT OFF;
        SET XACT_ABORT ON;
        SET ANSI_NULLS ON;
        SET ANSI_PADDING ON;
        SET ANSI_WARNINGS ON;
        SET ARITHABORT ON;
        SET CONCAT_NULL_YIELDS_NULL ON;
        SET QUOTED_IDENTIFIER ON;
        SET NUMERIC_ROUNDABORT OFF;
        SET LANGUAGE us_english;
        SET DATEFORMAT ymd;
        SET LOCK_TIMEOUT -1;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED
        """
}
