/// What `etl_audit_log` says of a run when it begins.
public struct AuditRun: Sendable {
    /// The run.
    public var run: String
    /// Which pipeline it is a run of: `project.job`.
    public var pipeline: String
    /// What is read: the table, query or pattern, or the connection.
    public var source: String
    /// By which protocol.
    public var protocolName: String
    /// Where the rows go.
    public var table: String
    /// When it began, in microseconds since 1970.
    public var startedAt: Int64

    /// What is known of a run when it begins.
    public init(
        run: String, pipeline: String, source: String, protocolName: String, table: String, startedAt: Int64
    ) {
        self.run = run
        self.pipeline = pipeline
        self.source = source
        self.protocolName = protocolName
        self.table = table
        self.startedAt = startedAt
    }
}

/// How a run stands in `etl_audit_log`.
public enum AuditStatus: String, Sendable, Hashable {
    /// Somebody works on it, or died.
    case running
    /// Everything is loaded.
    case success
    /// Everything but rejected rows is loaded.
    case partial
    /// Nothing is loaded.
    case failure
    /// Somebody stopped it; nothing is loaded.
    case cancelled
    /// It was found to have ended without a word; nothing is loaded.
    case died
}

/// How a run ended.
public struct AuditOutcome: Sendable {
    /// The status.
    public var status: AuditStatus
    /// How many staged files there were.
    public var files: Int
    /// What went wrong.
    public var error: String?
    /// When it ended, in microseconds since 1970.
    public var finishedAt: Int64

    /// An end.
    public init(_ status: AuditStatus, files: Int = 0, error: String? = nil, finishedAt: Int64) {
        self.status = status
        self.files = files
        self.error = error
        self.finishedAt = finishedAt
    }
}

/// A row of `etl_audit_log`, as it is read back.
public struct AuditEntry: Sendable, Hashable {
    /// The run.
    public var run: String
    /// How it stands.
    public var status: AuditStatus
    /// How many rows were loaded; nil while nobody knows.
    public var rows: Int?
    /// How many staged files there were; nil while nobody knows.
    public var files: Int?
    /// What went wrong.
    public var error: String?
    /// When it began, in microseconds since 1970.
    public var startedAt: Int64
    /// When it ended.
    public var finishedAt: Int64?

    /// A row of the audit log.
    public init(
        run: String, status: AuditStatus, rows: Int? = nil, files: Int? = nil, error: String? = nil,
        startedAt: Int64, finishedAt: Int64? = nil
    ) {
        self.run = run
        self.status = status
        self.rows = rows
        self.files = files
        self.error = error
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }
}

/// How far a job has read its source: the largest value of its cursor that is loaded.
public struct Watermark: Sendable, Hashable {
    /// The cursor column.
    public var column: String
    /// The value's type, as `DataType.description` writes it.
    public var type: String
    /// The value as text, as `ColumnFormatter` writes it plainly.
    public var value: String

    /// The watermark `value` of `column`.
    public init(column: String, type: String, value: String) {
        self.column = column
        self.type = type
        self.value = value
    }
}

/// A file of the source, as it was when it was loaded.
public struct SourceFile: Sendable, Hashable {
    /// Its path or URL.
    public var path: String
    /// Its size in bytes.
    public var size: Int
    /// When it was last changed, in nanoseconds since 1970; 0 when nobody knows.
    public var modified: Int64
    /// The SHA-256 of its bytes, in hexadecimal digits.
    public var hash: String
    /// How many rows were taken from it.
    public var rows: Int

    /// A file of the source.
    public init(path: String, size: Int, modified: Int64, hash: String, rows: Int = 0) {
        self.path = path
        self.size = size
        self.modified = modified
        self.hash = hash
        self.rows = rows
    }
}

/// A staged file that is being loaded.
public struct StagedFile: Sendable, Hashable {
    /// Its path in the lake.
    public var path: String
    /// Its size in bytes.
    public var size: Int
    /// The SHA-256 of its bytes, in hexadecimal digits.
    public var hash: String
    /// How many rows it has.
    public var rows: Int
    /// What it was read from: a source file's path, a table. Kept in the ledger.
    public var source: String

    /// A staged file.
    public init(path: String, size: Int, hash: String, rows: Int, source: String) {
        self.path = path
        self.source = source
        self.size = size
        self.hash = hash
        self.rows = rows
    }

    /// The part of the path behind the last slash.
    public var name: String { path.split(separator: "/").last.map(String.init) ?? path }
}
