public import LakeTables
public import Support

/// What a run of a mapping found and did.
public struct MapResult: Sendable {
    /// A table of the lake under its name.
    public struct Table: Sendable {
        /// The name of its object.
        public var name: String
        /// What the paths of its files look like.
        public var source: String
        /// How many files it has.
        public var files: Int
        /// How many rows they have, by their footers.
        public var rows: Int
        /// How many bytes they have.
        public var bytes: Int
    }

    /// A table of a lookup.
    public struct Lookup: Sendable {
        /// What it is called by its lookup.
        public var name: String
        /// Where its file lies in the lake.
        public var path: String
        /// How many rows it has.
        public var rows: Int
        /// What was done about its file, or is to be: `written`, `unchanged`, `failed`.
        public var state: String
    }

    /// The run.
    public var run: String
    /// The lake's name.
    public var lake: String
    /// The engine.
    public var dialect: MapDialect
    /// The tables that have names.
    public var tables: [Table] = []
    /// The tables of lookups, whose files the run writes itself.
    public var lookups: [Lookup] = []
    /// What is to be done, or was.
    public var plan = MapPlan(changes: [])
    /// The files that cannot be read.
    public var unreadable: [UnreadableFile] = []
    /// What does not fit together: names, types, tables that cannot be mapped.
    public var problems: [String] = []
    /// What there is to be known besides.
    public var notes: [String] = []
    /// How many tables could get no name.
    public var unmapped = 0
    /// How many files of tables there are, and how many bytes they have.
    public var files = 0
    /// Their bytes.
    public var bytes = 0
    /// How many footers were read.
    public var footersRead = 0
    /// How many bytes were read for that.
    public var bytesRead = 0
    /// How many rows were loaded, where tables are copied.
    public var rowsLoaded = 0
    /// The database in which names are made by statements.
    public var database: String?
    /// Where the script was written.
    public var script: String?
    /// The file of unreadable files.
    public var errors: String?
    /// Whether anything was changed, as opposed to planned.
    public var isApplied = false

    init(run: String, lake: String, dialect: MapDialect) {
        self.run = run
        self.lake = lake
        self.dialect = dialect
    }

    /// Something of the lake has no name, or not all of it is behind its name.
    public var isPartial: Bool {
        !unreadable.isEmpty || unmapped > 0 || failedLookups > 0 || !plan.blocked.isEmpty || !plan.failed.isEmpty
    }

    private var failedLookups: Int { lookups.count { $0.state == LookupFiles.State.failed.rawValue } }

    /// What is missing, in a sentence; nil when nothing is.
    public var missing: String? {
        guard isPartial else { return nil }
        return [
            unreadable.isEmpty
                ? nil : unreadable.count == 1 ? "1 file cannot be read" : "\(unreadable.count) files cannot be read",
            unmapped == 0 ? nil : unmapped == 1 ? "1 table has no name" : "\(unmapped) tables have no name",
            failedLookups == 0
                ? nil
                : failedLookups == 1 ? "1 lookup is not up to date" : "\(failedLookups) lookups are not up to date",
            plan.failed.isEmpty
                ? nil : plan.failed.count == 1 ? "1 change was refused" : "\(plan.failed.count) changes were refused",
            plan.blocked.isEmpty ? nil : "\(plan.blocked.count) of the names belong to others",
        ].compactMap { $0 }.joined(separator: "; ")
    }

    /// The result for machines.
    public var json: JSONText {
        [
            "run_id": .string(run), "status": .string(isPartial ? "partial" : "success"), "lake": .string(lake),
            "dialect": .string(dialect.rawValue), "applied": .bool(isApplied),
            "files": .number(files), "bytes": .number(bytes), "footers_read": .number(footersRead),
            "bytes_read": .number(bytesRead), "rows_loaded": .number(rowsLoaded),
            "tables": .array(
                tables.map {
                    [
                        "name": .string($0.name), "source": .string($0.source), "files": .number($0.files),
                        "rows": .number($0.rows), "bytes": .number($0.bytes),
                    ]
                }),
            "lookups": .array(
                lookups.map {
                    [
                        "name": .string($0.name), "file": .string($0.path), "rows": .number($0.rows),
                        "state": .string($0.state),
                    ]
                }),
            "pending": .number(plan.pending.count), "changes": .array(plan.changes.map(\.json)),
            "unreadable": .array(
                unreadable.map { ["file": .string($0.name), "reason": .string($0.reason)] }),
            "problems": .array(problems.map { .string($0) }), "notes": .array(notes.map { .string($0) }),
            "database": database.map { .string($0) } ?? .null, "script": script.map { .string($0) } ?? .null,
            "errors": errors.map { .string($0) } ?? .null,
        ]
    }
}
