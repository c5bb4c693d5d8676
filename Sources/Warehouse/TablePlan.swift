public import Columns

/// What may happen to a table whose columns differ from those of the rows.
public enum ContractMode: String, Sendable, CaseIterable {
    /// New columns are added, types are widened; anything else is a failure.
    case evolve
    /// Any difference is a failure.
    case freeze
    /// Columns that the table lacks are left out, and told; values must fit the types that are there.
    case discardColumns = "discard-columns"
    /// Rows with a value in a column that the table lacks, or with one that does not fit, are rejected.
    case discardRows = "discard-rows"
}

/// Rows that want to go into a table.
public struct TableRequest: Sendable {
    /// Which table.
    public var table: TableName
    /// What the rows have, lineage left out.
    public var schema: Schema
    /// What may happen to the table.
    public var contract: ContractMode
    /// The columns that tell one row from another, for `merge`; an index is made for them with a new table.
    public var key: [String]

    /// A request of `schema` to go into `table`.
    public init(table: TableName, schema: Schema, contract: ContractMode = .evolve, key: [String] = []) {
        self.table = table
        self.schema = schema
        self.contract = contract
        self.key = key
    }
}

/// One thing that has to be done to a table.
public enum TableChange: Sendable, Hashable {
    /// The table is made.
    case create
    /// A column of the rows, or a lineage column, is added.
    case add(column: String, type: String)
    /// A column gets a wider type.
    case widen(column: String, from: String, to: String)
    /// A column may be null from now on.
    case allowNull(column: String)
}

/// What has to be done to a table, and what it looks like then.
public struct TablePlan: Sendable {
    /// A column that rows are written to.
    public struct Target: Sendable, Hashable {
        /// Its name in the database.
        public var name: String
        /// What values have to be cast to before they are written.
        public var type: DataType
        /// The database's own word for the type.
        public var sqlType: String
        /// Whether a value may be missing.
        public var isNullable: Bool

        /// A column.
        public init(name: String, type: DataType, sqlType: String, isNullable: Bool = true) {
            self.name = name
            self.type = type
            self.sqlType = sqlType
            self.isNullable = isNullable
        }
    }

    /// What was asked for.
    public var request: TableRequest
    /// What has to be done, in order; nothing for a table that fits.
    public var changes: [TableChange]
    /// The columns that rows are written to, in the order in which they are written, lineage left out.
    public var targets: [Target]
    /// Columns of the rows that are left out, by the contract.
    public var discarded: [String]
    /// Columns of the rows that the table lacks, whose values reject their rows, by the contract.
    public var rejecting: [String]

    /// A plan.
    public init(
        request: TableRequest, changes: [TableChange], targets: [Target], discarded: [String] = [],
        rejecting: [String] = []
    ) {
        self.request = request
        self.changes = changes
        self.targets = targets
        self.discarded = discarded
        self.rejecting = rejecting
    }

    /// The schema that batches are written with.
    public var schema: Schema { Schema(targets.map { Field($0.name, $0.type, nullable: $0.isNullable) }) }
    /// Whether the table is new.
    public var createsTable: Bool { changes.contains(.create) }
}

/// The columns that Sluice adds to every table that it loads.
public enum Lineage {
    /// The base name of the staged file that the row came in.
    public static let sourceFile = "_source_file"
    /// When the row was loaded.
    public static let loadedAt = "_loaded_at"
    /// The run that loaded it.
    public static let runID = "_run_id"
    /// When the row came into the lake. It comes with the rows, and is no column of their source.
    public static let ingestedAt = "_ingested_at"
    /// All that are added to rows while they are loaded.
    public static let columns = [sourceFile, loadedAt, runID]
}
