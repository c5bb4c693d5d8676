public import Warehouse

/// What a run did.
public struct IngestResult: Sendable {
    /// The run. Another than was asked for, when an earlier one was found to be done.
    public var run: String
    /// Whether there are rejected rows.
    public var isPartial: Bool { rowsRejected > 0 }
    /// Rows that came from the source.
    public var rowsRead = 0
    /// Rows that lie in the lake.
    public var rowsStaged = 0
    /// Rows that were rejected.
    public var rowsRejected = 0
    /// Bytes that came from the source.
    public var bytesRead = 0
    /// What happened in the table.
    public var load = LoadResult()
    /// The staged files.
    public var parts: [StagedFile] = []
    /// Source files that were not read, because they are loaded already.
    public var knownFiles = 0
    /// How far the source had been read before.
    public var cursorFrom: String?
    /// How far it is read now.
    public var cursorTo: String?
    /// What was done to the table.
    public var changes: [TableChange] = []
    /// Columns of the source that were left out, by the contract.
    public var discarded: [String] = []
    /// Where the rejected rows are.
    public var rejects: [String] = []
    /// What the audit log says of the runs that had died without telling anybody how they ended.
    public var unacknowledged: [AuditEntry] = []
    /// What else there is to say: that an earlier run was found to be done, that there was nothing to resume.
    public var note: String?

    init(run: String) { self.run = run }

    /// How many bytes lie in the lake.
    public var bytesStaged: Int { parts.reduce(0) { $0 + $1.size } }
}

extension LoadResult {
    /// Rows of the table that are other than they were.
    public var rows: Int { inserted + updated + deleted }
}
