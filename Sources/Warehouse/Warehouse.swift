// Warehouse: databases that rows end in, one folder each.
//
//     Warehouse ──connect──▶ WarehouseSession ──begin──▶ TableLoad ──commit──▶ rows, ledger, watermark and audit row,
//                            lock, audit, ledger, plan    write batches         in one transaction
//
// What Sluice keeps in a database: `etl_audit_log` (one row a run), `sluice_ledger` (one row a staged file that is
// loaded), `sluice_source_files` (one row a source file that is loaded) and `sluice_watermarks` (one row a job).

public import Columns
public import Support

/// A database that rows end in.
public protocol Warehouse: Sendable {
    /// What to call it in a message: a URL without secrets.
    var name: String { get }
    /// The word by which it is found: `sqlite`, `postgres`.
    var protocolName: String { get }
    /// Whether a load may be open while its rows are still being read from their source, without others waiting for it.
    var loadsWhileReading: Bool { get }
    /// How rows get into the database, for a plan, where it is not by being sent; nil where they are.
    var loadMethod: String? { get }
    /// Opens a session. `label` tells whoever looks at the database who this is: `sluice shop.orders run 0f3…`.
    func connect(as label: String) async throws(SluiceError) -> any WarehouseSession
}

extension Warehouse {
    /// Rows are sent.
    public var loadMethod: String? { nil }
}

/// A session with a warehouse. One caller at a time.
///
/// Every call but those of a load is a transaction of its own.
public protocol WarehouseSession: AnyObject, Sendable {
    /// Makes Sluice's own tables where they are missing. Two sessions may do so at once.
    func prepare() async throws(SluiceError)

    /// Takes the lock of `job`, which lasts until `close`, and goes when the session or its process does.
    ///
    /// - parameter wait: How long to wait for whoever holds it.
    /// - throws: A transient `SluiceError` that names the holder and since when, as far as the database knows.
    func lock(_ job: String, wait: Duration) async throws(SluiceError)

    /// Writes the audit row of a run that begins; a run that is resumed has one already, which is set to running again.
    func begin(_ run: AuditRun) async throws(SluiceError)
    /// Writes how a run that loaded nothing ended: `failure`, `cancelled`.
    func end(_ run: String, _ outcome: AuditOutcome) async throws(SluiceError)
    /// What the audit log says of a run; nil when it has no row.
    func status(of run: String) async throws(SluiceError) -> AuditStatus?
    /// Marks every run of `pipeline` that is still `running`, other than `run`, as died: whoever holds the lock knows that
    /// nobody works on them any more.
    ///
    /// - returns: Their ids.
    func buryDead(of pipeline: String, sparing run: String) async throws(SluiceError) -> [String]

    /// The latest runs of `pipeline` that the audit log knows, the newest first.
    func recentRuns(of pipeline: String, limit: Int) async throws(SluiceError) -> [AuditEntry]

    /// When the last staged file of `job` was loaded, in microseconds since 1970; nil before the first.
    func lastLoad(of job: String) async throws(SluiceError) -> Int64?
    /// How far `job` has read its source; nil before its first load.
    func watermark(of job: String) async throws(SluiceError) -> Watermark?
    /// The source files that `job` has loaded, by path.
    func sourceFiles(of job: String) async throws(SluiceError) -> [String: SourceFile]

    /// The paths of the staged files in `job`'s ledger that were read from one of `sources`.
    func stagedFiles(of job: String, from sources: [String]) async throws(SluiceError) -> [String]

    /// What has to be done to `request.table` so that it takes rows of `request.schema`.
    ///
    /// - throws: `SluiceError` naming every column and both types, when the contract does not allow it or the database
    ///   cannot do it.
    func plan(_ request: TableRequest) async throws(SluiceError) -> TablePlan
    /// Begins a transaction, brings the table into the planned shape, and takes rows.
    func begin(_ load: Load) async throws(SluiceError) -> any TableLoad

    /// Runs a query of the user's that only reads, and returns at most `limit` rows.
    func query(_ sql: String, limit: Int) async throws(SluiceError) -> RecordBatch
    /// Ends the session and gives up its lock.
    func close() async
}

/// A load that is open: one transaction.
public protocol TableLoad: AnyObject, Sendable {
    /// The columns that rows have to be written with: the names and types of the plan, in its order, lineage left out.
    var schema: Schema { get }
    /// Takes rows of `schema`.
    ///
    /// - parameter file: The base name of the staged file that they lie in, for `_source_file`.
    /// - throws: A `conversion` error, when the database cannot hold a value, has taken no row of the batch and leaves the
    ///   load as it was, so that the caller can find the row and reject it. After any other error only `rollback` is left.
    func write(_ batch: RecordBatch, from file: String) async throws(SluiceError)
    /// Merges or swaps, writes ledger, watermark and audit row, and commits.
    func commit(_ record: LoadRecord) async throws(SluiceError) -> LoadResult
    /// Ends the transaction without a trace.
    func rollback() async
}

/// The name of a table, in a schema or in the database's usual one.
public struct TableName: Sendable, Hashable, CustomStringConvertible {
    /// The schema; nil for the usual one.
    public let schema: String?
    /// The table.
    public let name: String

    /// The table `name` in `schema`.
    public init(schema: String? = nil, _ name: String) {
        self.schema = schema
        self.name = name
    }

    /// `schema.name`, as a user writes it; the name alone in the usual schema.
    public var description: String { schema.map { "\($0).\(name)" } ?? name }

    /// Reads `name`, `schema.name`, `"quoted name"` or `"schema"."name"`; nil when it is none of these.
    public init?(parsing text: String) {
        var parts: [String] = []
        var rest = text[...]
        while true {
            var part = ""
            if rest.first == "\"" {
                rest.removeFirst()
                var isClosed = false
                while let character = rest.popFirst() {
                    if character != "\"" {
                        part.append(character)
                    } else if rest.first == "\"" {
                        part.append(rest.removeFirst())
                    } else {
                        isClosed = true
                        break
                    }
                }
                if !isClosed { return nil }
            } else {
                part = String(rest.prefix { $0 != "." && $0 != "\"" })
                rest.removeFirst(part.count)
            }
            if part.isEmpty { return nil }
            parts.append(part)
            if rest.isEmpty { break }
            guard rest.removeFirst() == ".", parts.count < 2 else { return nil }
        }
        self.init(schema: parts.count == 2 ? parts[0] : nil, parts[parts.count - 1])
    }
}
