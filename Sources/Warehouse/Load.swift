/// How rows go into a table.
public enum LoadMode: Sendable, Hashable {
    /// Behind the rows that are there.
    case append
    /// Behind the rows that are there, except those that are there already: rows whose values in `columns` are the same
    /// as those of a row in the table, null being the same as null.
    case appendNew(by: [String])
    /// In place of the rows that are there; readers see the old ones or the new ones.
    case replace
    /// Rows whose key is there are updated, others are added. Of several rows with one key the last one counts, by
    /// `order` when it is given (nulls first), or else by arrival. A row that `deletion` holds for is deleted, or not added.
    case merge(key: [String], order: String?, deletion: DeletionMarker?)
}

/// Tells rows that say "deleted" from others.
public struct DeletionMarker: Sendable, Hashable {
    /// The column that says so. It is loaded like any other.
    public var column: String
    /// The text that says so; nil when any true, any number but zero and any other value but null does.
    public var value: String?

    /// A marker in `column`.
    public init(column: String, value: String? = nil) {
        self.column = column
        self.value = value
    }
}

/// A load that is to begin.
public struct Load: Sendable {
    /// The run that loads.
    public var run: String
    /// The job that ledger and watermark belong to: `project.job`.
    public var job: String
    /// The shape of the table.
    public var plan: TablePlan
    /// How rows go in.
    public var mode: LoadMode
    /// The source's word that no two rows of this load have the same key.
    public var keysAreUnique: Bool
    /// When the rows are loaded, in microseconds since 1970: `_loaded_at`.
    public var loadedAt: Int64
    /// Whether all rows that are there are deleted first, in the same transaction: a full refresh.
    public var clearsFirst = false
    /// Whether watermark and source files that are known of the job are forgotten first, in the same transaction: what this
    /// load does not bring has not been read.
    public var forgetsFirst = false
    /// Base names of staged files that were loaded before and whose rows (by `_source_file`) are deleted first, in the same
    /// transaction: a source file that changed is loaded in place of its earlier version. Their ledger rows stay.
    public var superseded: [String] = []

    /// A load.
    public init(
        run: String, job: String, plan: TablePlan, mode: LoadMode, keysAreUnique: Bool = false, loadedAt: Int64
    ) {
        self.run = run
        self.job = job
        self.plan = plan
        self.mode = mode
        self.keysAreUnique = keysAreUnique
        self.loadedAt = loadedAt
    }
}

/// What is written together with the rows.
public struct LoadRecord: Sendable {
    /// The staged files, for the ledger. One that is in it already makes the commit fail.
    public var staged: [StagedFile]
    /// The source files, for the ledger of the source; replaces what is known of them.
    public var source: [SourceFile]
    /// How far the source has been read; nil to leave what is there.
    public var watermark: Watermark?
    /// How the run ended: `success` or `partial`.
    public var outcome: AuditOutcome

    /// What is written together with the rows.
    public init(
        staged: [StagedFile], source: [SourceFile] = [], watermark: Watermark? = nil, outcome: AuditOutcome
    ) {
        self.staged = staged
        self.source = source
        self.watermark = watermark
        self.outcome = outcome
    }
}

/// What a load did. `rows_loaded` of the audit row is the sum of the first three.
public struct LoadResult: Sendable, Hashable {
    /// Rows that were added.
    public var inserted: Int
    /// Rows that were there and were updated.
    public var updated: Int
    /// Rows that were deleted.
    public var deleted: Int
    /// Rows that were left out, because they were there already or another row of the load has their key.
    public var skipped: Int

    /// What a load did.
    public init(inserted: Int = 0, updated: Int = 0, deleted: Int = 0, skipped: Int = 0) {
        self.inserted = inserted
        self.updated = updated
        self.deleted = deleted
        self.skipped = skipped
    }
}
