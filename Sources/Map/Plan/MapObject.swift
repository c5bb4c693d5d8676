public import Support

/// A view or table that a database is to have for a table of the lake.
public struct MapObject: Sendable, Hashable {
    /// A column, with its type in the database's words.
    public struct Column: Sendable, Hashable {
        /// The name.
        public var name: String
        /// The type.
        public var type: String

        /// A column.
        public init(_ name: String, _ type: String) {
            self.name = name
            self.type = type
        }
    }

    /// Its name, without the schema.
    public var name: String
    /// What it is: `view`, `table`.
    public var kind: String
    /// The table of the lake that it stands for.
    public var source: String
    /// Its columns.
    public var columns: [Column]
    /// What makes it, or puts it in place of an earlier one.
    public var statements: [String]
    /// What there is to be told of it: columns that are left out, and why.
    public var notes: [String]
    /// A short word for how it is made, which differs when that does.
    public var fingerprint: String

    init(
        name: String, kind: String, source: String, columns: [Column], statements: [String], notes: [String] = [],
        fingerprint: String = ""
    ) {
        self.name = name
        self.kind = kind
        self.source = source
        self.columns = columns
        self.statements = statements
        self.notes = notes
        self.fingerprint =
            fingerprint.isEmpty ? MapFingerprint.of(statements.joined(separator: MapObject.between)) : fingerprint
    }

    /// By which one sees whether it is still the same.
    public var definition: String { statements.joined(separator: MapObject.between) }

    /// The statements that make up a definition.
    static func statements(of definition: String) -> [String] {
        var statements: [String] = []
        var rest = definition[...]
        while let mark = rest.firstRange(of: between) {
            statements.append(String(rest[..<mark.lowerBound]))
            rest = rest[mark.upperBound...]
        }
        return statements + [String(rest)]
    }

    private static let between = "\n;\n"
}

/// What is to be done about one object.
public struct MapChange: Sendable {
    /// What it is.
    public enum Action: String, Sendable, CaseIterable {
        /// The object is made.
        case create
        /// It is put in place of an earlier one.
        case alter
        /// It is removed: its table is not in the lake any more.
        case drop
        /// It is as it should be.
        case unchanged
        /// There is something else of that name, which Sluice did not make, and leaves alone.
        case blocked
        /// It was to be changed, and the database refused.
        case failed
    }

    /// What is to be done.
    public var action: Action
    /// The object's name.
    public var name: String
    /// The table of the lake that it stands for.
    public var source: String
    /// The statements that do it; none where nothing is done.
    public var sql: [String]
    /// The object as it is to be; nil of one that is dropped.
    public var object: MapObject?
    /// Why it could not be done.
    public var failure: String?

    /// The change for machines.
    public var json: JSONText {
        [
            "action": .string(action.rawValue), "name": .string(name), "source": .string(source),
            "kind": object.map { .string($0.kind) } ?? .null,
            "columns": .array(
                (object?.columns ?? []).map { ["name": .string($0.name), "type": .string($0.type)] }),
            "failure": failure.map { .string($0) } ?? .null,
            "notes": .array((object?.notes ?? []).map { .string($0) }), "sql": .array(sql.map { .string($0) }),
        ]
    }
}

/// What has to be done so that a database has a name for every table of the lake.
public struct MapPlan: Sendable {
    /// What is to be done about each object, by name.
    public var changes: [MapChange]
    /// Objects that were removed earlier, which a script goes on removing.
    public var retired: [String] = []

    /// What is really changed.
    public var pending: [MapChange] {
        changes.filter { [.create, .alter, .drop].contains($0.action) }
    }
    /// What the database refused.
    public var failed: [MapChange] { changes.filter { $0.action == .failed } }
    /// What cannot be done.
    public var blocked: [MapChange] { changes.filter { $0.action == .blocked } }
    /// How many of the changes are of this kind.
    public func count(_ action: MapChange.Action) -> Int { changes.count { $0.action == action } }
}

/// What a database has, as far as a plan has to know.
public struct MapInventory: Sendable {
    /// An object that Sluice made.
    public struct Owned: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// What it is: `view`, `table`.
        public var kind: String
        /// The table of the lake that it stands for.
        public var source: String
        /// What it was made by, or a hash of that.
        public var definition: String
        /// Whether it was removed already.
        public var isRetired: Bool

        /// An object that Sluice made.
        public init(name: String, kind: String, source: String, definition: String, isRetired: Bool = false) {
            self.name = name
            self.kind = kind
            self.source = source
            self.definition = definition
            self.isRetired = isRetired
        }
    }

    /// What Sluice made.
    public var owned: [Owned]
    /// What Sluice did not make for the job, and may put the job's own in place of, where one of that name is wanted.
    public var adoptable: [Owned]
    /// The names of everything else.
    public var foreign: Set<String>

    /// An inventory.
    public init(owned: [Owned] = [], adoptable: [Owned] = [], foreign: Set<String> = []) {
        self.owned = owned
        self.adoptable = adoptable
        self.foreign = foreign
    }
}
