// Connectors: where rows come from, one folder a protocol.
//
//     ConnectionSettings ──registry──▶ Connector ──read──▶ SourceRead: units ──open──▶ SourceReader ──▶ batches
//
// A unit is what is staged under a name of its own: a file, or the whole of a table or query.

public import Columns
public import Support
public import Warehouse

/// A source of rows.
public protocol Connector: Sendable {
    /// What to call it in a message: a URL without secrets.
    var name: String { get }
    /// The word by which it is found: `file`, `sqlite`, `postgres`.
    var protocolName: String { get }
    /// Reaches the source and does the least that shows it can be read.
    ///
    /// - returns: What it says of itself: `PostgreSQL 15.8`.
    func check() async throws(SluiceError) -> String
    /// The tables or files that there are.
    func discover() async throws(SluiceError) -> [SourceTable]
    /// Begins to read. Everything that is read through the result is of one moment, where the source can do that.
    func read(_ request: ReadRequest) async throws(SluiceError) -> any SourceRead
}

/// A table, view or file that a source has.
public struct SourceTable: Sendable {
    /// Its name, as it is written in a job.
    public var name: String
    /// Its columns.
    public var schema: Schema
    /// The columns that tell its rows apart, where the source knows them.
    public var key: [String]
    /// How many rows it has, about, where the source knows.
    public var rows: Int?

    /// A table of a source.
    public init(name: String, schema: Schema, key: [String] = [], rows: Int? = nil) {
        self.name = name
        self.schema = schema
        self.key = key
        self.rows = rows
    }
}

/// What is wanted of a source.
public struct ReadRequest: Sendable {
    /// Which rows in the first place.
    public enum Selection: Sendable, Hashable {
        /// A table or view: `orders`, `public.orders`.
        case table(String)
        /// A query in the source's language, with values for its `:name` parameters.
        case query(String, parameters: [String: String])
        /// Files that fit one of these patterns.
        case files([String])
    }

    /// Which rows in the first place.
    public var selection: Selection
    /// Which columns, in which order; nil for all.
    public var columns: [String]?
    /// A condition in the source's language, written by the author of the job.
    public var filter: String?
    /// Which stretch of the cursor.
    public var cursor: CursorRange?
    /// The most rows; nil for all.
    public var limit: Int?
    /// How many readers may work side by side.
    public var parallelism: Int
    /// Files that are loaded already: one that has not changed since is not read again.
    public var known: [String: SourceFile]
    /// Types of columns whose format does not say them; the types of the other columns are found out.
    public var types: Schema?
    /// The format of files whose names do not tell: `csv`.
    public var format: String?
    /// What stands between the values of delimited text, when it is not to be found out.
    public var delimiter: String?

    /// A request for everything in `selection`.
    public init(_ selection: Selection) {
        self.selection = selection
        parallelism = 1
        known = [:]
    }
}

/// A stretch of a cursor: `from` belongs to it, `to` does not.
public struct CursorRange: Sendable, Hashable {
    /// The column.
    public var column: String
    /// The first value, as `ColumnFormatter` writes it plainly; nil for no beginning.
    public var from: String?
    /// The value behind the last; nil for no end.
    public var to: String?
    /// Whether rows without a value are read as well.
    public var includesNulls: Bool

    /// A stretch of `column`.
    public init(column: String, from: String? = nil, to: String? = nil, includesNulls: Bool = true) {
        self.column = column
        self.from = from
        self.to = to
        self.includesNulls = includesNulls
    }
}

/// A reading that has begun.
public protocol SourceRead: AnyObject, Sendable {
    /// What there is to read.
    var units: [any SourceUnit] { get }
    /// How many files are left out because they are loaded already.
    var knownUnits: Int { get }
    /// The columns that tell rows apart, where the source guarantees that.
    var key: [String] { get }
    /// Gives back what the reading holds: sessions, snapshots.
    func close() async
}

/// What is staged under a name of its own.
public protocol SourceUnit: Sendable {
    /// Its name: a path, a table.
    var name: String { get }
    /// The columns, when they are known before reading; nil when reading finds them out.
    var schema: Schema? { get }
    /// How many bytes there are to read, when that is known.
    var bytes: Int? { get }
    /// What tells this version of it from others without reading it; nil when nothing does.
    var stamp: String? { get }
    /// Begins to read it; may be called again to read it again.
    ///
    /// - parameter schema: What an earlier reading found out (`SchemaWidened`).
    func open(under schema: Schema?) async throws -> any SourceReader
    /// The file, for the ledger of the source; nil for a source that has none, and for a file of which rows were left out
    /// that a later run has to read. Its rows are not counted.
    func file() async throws(SluiceError) -> SourceFile?
}

extension SourceUnit {
    /// Nothing does: most units are no files.
    public var stamp: String? { nil }
}

/// Hands out the rows of a unit. May throw `SchemaWidened`.
public protocol SourceReader: BatchReader {
    /// How many bytes of the source have been read.
    var bytesRead: Int { get }
    /// The rows that could not be typed, since this was last asked.
    func takeRejects() -> [RejectedRow]
    /// The columns whose type is a guess, because no value has been seen in them so far.
    var columnsWithoutValues: Set<String> { get }
}

extension SourceReader {
    /// None: most sources know their types.
    public var columnsWithoutValues: Set<String> { [] }
}

/// A row that did not become one.
public struct RejectedRow: Sendable, Hashable {
    /// The unit that it was read from.
    public var unit: String
    /// Its number in the unit, from 1.
    public var row: Int?
    /// Its line in a text file, from 1.
    public var line: Int?
    /// The column that it failed in.
    public var column: String?
    /// Why.
    public var reason: String
    /// The row as it came, as text.
    public var raw: String

    /// A rejected row.
    public init(
        unit: String, row: Int? = nil, line: Int? = nil, column: String? = nil, reason: String, raw: String
    ) {
        self.unit = unit
        self.row = row
        self.line = line
        self.column = column
        self.reason = reason
        self.raw = raw
    }
}
