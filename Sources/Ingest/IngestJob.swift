public import Columns
public import Connectors
public import Parquet
public import Warehouse

/// What an ingest does: which rows of which source go into which table, and how.
public struct IngestJob: Sendable {
    /// What happens to the rows that are in the table.
    public enum Mode: String, Sendable, CaseIterable {
        /// They stay, new ones come behind.
        case append
        /// They go, and all rows of the source come in their place.
        case replace
        /// Those with the key of a row of the source are updated.
        case merge
    }

    /// What happens to rows whose cursor is null.
    public enum NullCursor: String, Sendable, CaseIterable {
        /// They are read in every run, and loaded once.
        case load
        /// They are rejected.
        case reject
        /// They make the run fail.
        case fail
    }

    /// How a job goes on where it was.
    public struct Cursor: Sendable, Hashable {
        /// The column whose largest value is kept.
        public var column: String
        /// The columns that tell rows with one cursor value apart; empty for the key that the source knows.
        public var tieBreaker: [String] = []
        /// How far behind the largest value rows may still come: a duration for times, a number for numbers.
        public var late: String?
        /// What happens to rows without a value.
        public var nulls = NullCursor.load

        /// A cursor over `column`.
        public init(_ column: String) { self.column = column }
    }

    /// The job's name, by which ledger, watermark and lock are found: `project.job`.
    public var pipeline: String
    /// The name of the source's connection, which is part of the staged files' paths.
    public var source: String
    /// Which rows.
    public var selection: ReadRequest.Selection
    /// Which columns; nil for all.
    public var columns: [String]?
    /// A condition in the source's language.
    public var filter: String?
    /// Where the rows go.
    public var table: TableName
    /// What happens to the rows that are there.
    public var mode = Mode.append
    /// The columns that tell rows apart, for `merge`.
    public var key: [String] = []
    /// How the job goes on where it was; nil for everything, every time.
    public var cursor: Cursor?
    /// Which rows say that they are deleted, for `merge`.
    public var deletion: DeletionMarker?
    /// What may happen to the table's columns.
    public var contract = ContractMode.evolve
    /// Types of columns where the source does not say them.
    public var types: Schema?
    /// The format of files whose names do not tell.
    public var format: String?
    /// What stands between values of delimited text.
    public var delimiter: String?
    /// How many rejected rows are too many.
    public var rejectLimit = RejectLimit.none
    /// The size at which a staged part ends.
    public var partBytes = 256 << 20
    /// How staged parts are compressed.
    public var codec = Codec.zstd
    /// How hard.
    public var compressionLevel: Int?
    /// How many readers may work side by side.
    public var parallelism = 1
    /// How often what is transient is tried again.
    public var retries = 3
    /// How long to wait before the first retry; twice as long before each further one.
    public var retryWait = Duration.seconds(1)
    /// How long to wait for another run of the job to end.
    public var lockWait = Duration.zero
    /// How long a run may take; nil for as long as it takes.
    public var timeout: Duration?

    /// The job `pipeline`.
    public init(pipeline: String, source: String, selection: ReadRequest.Selection, table: TableName) {
        self.pipeline = pipeline
        self.source = source
        self.selection = selection
        self.table = table
    }
}

/// How one run of a job differs from the usual.
public struct IngestOptions: Sendable {
    /// Reads everything, and puts it in place of what is in the table.
    public var fullRefresh = false
    /// Reads this stretch of the cursor only, the end left out, and leaves the watermark where it is.
    public var backfill: (from: String?, to: String?)?
    /// Reads at most so many rows, as a trial: watermark and ledger of source files stay as they are.
    public var limit: Int?
    /// Loads what an earlier run has staged and not loaded, without reading the source.
    public var resumes = false
    /// Runs of the same job that died without telling anybody how they ended. When one of them had loaded its rows and
    /// doing it again would load them twice, it is acknowledged instead.
    public var unacknowledged: [String] = []

    /// The usual.
    public init() {}
}

extension ReadRequest.Selection {
    /// What is read, for a message and the audit log.
    public var summary: String {
        switch self {
        case .table(let name): name
        case .query(let text, _): text
        case .files(let patterns): patterns.joined(separator: ", ")
        }
    }

    /// The name under which a table or query is staged, and the audit log's name for it.
    public var shortName: String {
        switch self {
        case .table(let name): name
        case .query: "query"
        case .files(let patterns): patterns.joined(separator: ", ")
        }
    }
}
