public import Columns
public import Storage

/// A table of a lake: files that belong together, and what their rows have.
public struct LakeTable: Sendable {
    /// What tells it from others, and stays the same as files come and go: the shape of its paths.
    public var id: String
    /// What makes it, by name: `device`, `message`, or the folders that it lies in.
    public var parts: [(name: String, value: String)]
    /// What the paths of its files look like.
    public var shape: PathShape
    /// Whether partitions are folders called `key=value`.
    public var isHive: Bool
    /// The columns in its files.
    public var columns: [LakeColumn]
    /// The columns that come from paths, in their order there.
    public var partitions: [Field]
    /// Its files, by path; those that cannot be read are left out.
    public var files: [LakeFile]
    /// What does not fit together in its files, in sentences.
    public var conflicts: [String]
    /// How many of the files that belong to it cannot be read.
    public var unreadable: Int

    /// How many rows its files have.
    public var rows: Int { files.reduce(0) { $0 &+ $1.rows } }
    /// How many bytes its files have.
    public var bytes: Int { files.reduce(0) { $0 &+ $1.entry.size } }
    /// The schema of its rows, partition columns last.
    public var schema: Schema { Schema(columns.map(\.field) + partitions) }
}

extension LakeTable {
    /// The table that is the file `entry` alone, with what its footer says.
    public init(_ entry: ObjectEntry, _ footer: KnownFooter, parts: [(name: String, value: String)]) {
        let shape = PathShape(entry.path.split(separator: "/").map { .text(String($0)) })
        self.init(
            id: entry.path, parts: parts, shape: shape, isHive: false,
            columns: footer.schema.fields.map {
                LakeColumn(field: $0, types: [$0.type], names: [$0.name], isConflict: false)
            }, partitions: [], files: [LakeFile(entry: entry, partitions: [], footer: footer)], conflicts: [],
            unreadable: 0)
    }
}

/// A column of a table, as one file or another has it.
public struct LakeColumn: Sendable, Hashable {
    /// Its name, as the newest file writes it, with a type that all values fit.
    public var field: Field
    /// The types that it has in files, in no particular order.
    public var types: Set<DataType>
    /// The names that it has in files; engines that tell `A` from `a` need all of them.
    public var names: Set<String>
    /// Whether its values have no type in common but text.
    public var isConflict: Bool
    /// Whether one file has two columns of its name, if the case does not count.
    public var isAmbiguous = false
}

/// A file of a table.
public struct LakeFile: Sendable {
    /// What the store says of it.
    public var entry: ObjectEntry
    /// The values of the partition columns; nil where the path says that there is none.
    public var partitions: [String?]
    /// What its footer says.
    public var footer: KnownFooter

    /// How many rows it has.
    public var rows: Int { footer.rows }
}

/// What is known of a file by its footer.
public struct KnownFooter: Sendable, Hashable {
    /// How many rows the file has.
    public var rows: Int
    /// Its columns, without metadata.
    public var schema: Schema

    /// What is known of a file.
    public init(rows: Int, schema: Schema) {
        self.rows = rows
        self.schema = schema
    }
}

/// A file that cannot be read, and why.
public struct UnreadableFile: Sendable {
    /// What the store says of it.
    public var entry: ObjectEntry
    /// How it is called in messages.
    public var name: String
    /// Why it cannot be read.
    public var reason: String
}

/// What there is in a lake, and what finding it out has cost.
public struct LakeCatalogue: Sendable {
    /// The tables, in the order of their ids.
    public var tables: [LakeTable] = []
    /// The files that cannot be read, by path.
    public var unreadable: [UnreadableFile] = []
    /// The ids of tables of which no file can be read.
    public var damaged: Set<String> = []
    /// What was left alone, and why, in sentences.
    public var notes: [String] = []
    /// How many files there are that could be of tables.
    public var files = 0
    /// How many bytes they have.
    public var bytes = 0
    /// How many further files there are.
    public var others = 0
    /// How many footers were read.
    public var footersRead = 0
    /// How many bytes were read for that.
    public var bytesRead = 0
    /// What makes each table, by name; those of which no file can be read among them.
    public var parts: [[(name: String, value: String)]] = []
    /// Every file that engines may come across when they look for Parquet files, hidden ones too, sorted.
    public var paths: [String] = []

    /// What a shape stands for.
    public enum Fit: Sendable {
        /// The files of the table, and no other.
        case exact
        /// These, and some that cannot be read.
        case unreadable
        /// Files of others too, or not all of the table's.
        case strangers
    }

    /// Whether `shape` stands for the files of `table` and for no other.
    public func isExact(_ shape: PathShape, for table: LakeTable, seesHidden: Bool) -> Bool {
        fit(shape, for: table, seesHidden: seesHidden) == .exact
    }

    /// What `shape` stands for, held against `table`.
    ///
    /// - parameter seesHidden: Whether whoever reads by the shape sees files and folders that begin with `_` or a dot.
    public func fit(_ shape: PathShape, for table: LakeTable, seesHidden: Bool) -> Fit {
        let folder = shape.folder
        let prefix = folder.isEmpty ? "" : folder + "/"
        var place = paths.firstIndex(notBefore: prefix)
        var next = 0
        var seesUnreadable = false
        while place < paths.count, paths[place].hasPrefix(prefix) {
            let path = paths[place]
            place += 1
            if !seesHidden, LakeScan.isHidden(path) { continue }
            guard shape.match(path) != nil else { continue }
            if next < table.files.count, table.files[next].entry.path == path {
                next += 1
            } else if isUnreadable(path) {
                seesUnreadable = true
            } else {
                return .strangers
            }
        }
        return next < table.files.count ? .strangers : seesUnreadable ? .unreadable : .exact
    }

    private func isUnreadable(_ path: String) -> Bool {
        var (low, high) = (0, unreadable.count)
        while low < high {
            let middle = (low + high) / 2
            if unreadable[middle].entry.path.utf8.lexicographicallyPrecedes(path.utf8) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < unreadable.count && unreadable[low].entry.path == path
    }
}

extension [String] {
    /// Where the first text stands that does not come before `text`, in the order of bytes.
    func firstIndex(notBefore text: String) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].utf8.lexicographicallyPrecedes(text.utf8) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
