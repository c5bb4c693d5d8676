import Columns
import Parquet
import Support

/// What is known about a file.
struct FileDescription {
    /// What is known about a column, or about a part of a nested one.
    struct Column {
        var path: String
        var type: DataType
        var isNullable: Bool
        var nulls: Int?
        var distinct: Int?
        var minimum: Value?
        var maximum: Value?
        var hasExactBounds = true
        /// How many values there are, nulls among them.
        var valueCount: Int?
        var stored: Stored?
    }

    /// How the values of a column lie in a Parquet file.
    struct Stored {
        var physicalType: String
        var encodings: [String]
        var codecs: [String]
        var bytes: Int
        var compressedBytes: Int
    }

    /// A run of rows in a Parquet file.
    struct RowGroup {
        var rows: Int
        var bytes: Int
        var compressedBytes: Int
        var columns: [Column]
    }

    let path: String
    let format: String
    var bytes: Int?
    var rows = 0
    var schema = Schema([])
    var columns: [Column] = []
    var rowGroups: [RowGroup]?
    var createdBy: String?

    init(path: String, format: String, bytes: Int?) {
        self.path = path
        self.format = format
        self.bytes = bytes
    }

    /// What all of the data says.
    mutating func take(_ schema: Schema, _ ranges: [ColumnRange], rows: Int) {
        self.schema = schema
        self.rows = rows
        columns = zip(schema.fields, ranges).map { field, range in
            Column(
                path: field.name, type: field.type, isNullable: field.isNullable, nulls: range.nullCount,
                minimum: range.minimum, maximum: range.maximum)
        }
    }

    /// What the footer says.
    mutating func take(_ file: ParquetFile) {
        schema = file.schema
        rows = Int(file.metadata.rowCount)
        createdBy = file.metadata.createdBy
        let nullable = file.schema.fields.flatMap { leafNullability($0, below: false) }
        let groups = file.metadata.rowGroups.indices.map { index in
            RowGroup(file.metadata.rowGroups[index], file.chunks(ofRowGroup: index), nullable)
        }
        rowGroups = groups
        columns = FileDescription.merge(groups)
        if groups.isEmpty {
            columns = file.schema.fields.map { Column(path: $0.name, type: $0.type, isNullable: $0.isNullable) }
        }
    }

    /// Keeps the columns called `names`, or that lie within them.
    mutating func keep(_ names: [String]) throws(SluiceError) {
        for name in names where schema.index(of: name) == nil && !columns.contains(where: { $0.path == name }) {
            throw SluiceError(
                .invalidConfiguration, "there is no column '\(name)'", place: .init(file: path),
                hint: nearestWord(to: name, among: schema.fields.map(\.name)).map { "Did you mean '\($0)'?" })
        }
        func isWanted(_ path: String) -> Bool { names.contains { path == $0 || path.hasPrefix("\($0).") } }
        schema.fields.removeAll { field in !names.contains { $0 == field.name || $0.hasPrefix("\(field.name).") } }
        columns.removeAll { !isWanted($0.path) }
        for index in rowGroups?.indices ?? 0..<0 { rowGroups?[index].columns.removeAll { !isWanted($0.path) } }
    }

    /// Whether the leaves below a field may be without a value, in the file's order.
    private func leafNullability(_ field: Field, below isNullable: Bool) -> [Bool] {
        let isNullable = isNullable || field.isNullable
        if !field.type.isNested { return [isNullable] }
        return field.type.childFields.flatMap { leafNullability($0, below: isNullable) }
    }

    /// The columns of all row groups as one.
    private static func merge(_ groups: [RowGroup]) -> [Column] {
        guard var merged = groups.first?.columns else { return [] }
        for group in groups.dropFirst() {
            for (index, column) in group.columns.enumerated() where index < merged.count { merged[index].add(column) }
        }
        return merged
    }
}

extension FileDescription.Column {
    /// Takes in what is known about the same column in another row group; what one of the two does not know is unknown.
    fileprivate mutating func add(_ other: FileDescription.Column) {
        // A group whose values are all null has no bounds, and does not take them from the others.
        let isEmpty = { (column: Self) in column.minimum == nil && column.nulls == column.valueCount }
        if isEmpty(self) {
            (minimum, maximum) = (other.minimum, other.maximum)
        } else if !isEmpty(other) {
            minimum = minimum.flatMap { mine in other.minimum.map { mine.isAfter($0) ? $0 : mine } }
            maximum = maximum.flatMap { mine in other.maximum.map { $0.isAfter(mine) ? $0 : mine } }
        }
        nulls = nulls.flatMap { mine in other.nulls.map { mine &+ $0 } }
        valueCount = valueCount.flatMap { mine in other.valueCount.map { mine &+ $0 } }
        // Different groups may share values.
        distinct = nil
        hasExactBounds = hasExactBounds && other.hasExactBounds
        guard let more = other.stored else { return }
        stored?.add(more)
    }
}

extension FileDescription.Stored {
    fileprivate mutating func add(_ other: FileDescription.Stored) {
        encodings += other.encodings.filter { !encodings.contains($0) }
        codecs += other.codecs.filter { !codecs.contains($0) }
        bytes = bytes &+ other.bytes
        compressedBytes = compressedBytes &+ other.compressedBytes
    }
}

extension FileDescription.RowGroup {
    fileprivate init(_ group: Parquet.RowGroup, _ chunks: [ChunkSummary], _ nullable: [Bool]) {
        rows = Int(group.rowCount)
        columns = zip(chunks, nullable).map { FileDescription.Column($0, isNullable: $1) }
        bytes = columns.reduce(0) { $0 &+ ($1.stored?.bytes ?? 0) }
        compressedBytes = columns.reduce(0) { $0 &+ ($1.stored?.compressedBytes ?? 0) }
    }
}

extension FileDescription.Column {
    fileprivate init(_ chunk: ChunkSummary, isNullable: Bool) {
        self.init(
            path: chunk.path, type: chunk.type, isNullable: isNullable, nulls: chunk.nullCount.map { Int($0) },
            distinct: chunk.distinctCount.map { Int($0) }, minimum: chunk.minimum, maximum: chunk.maximum,
            hasExactBounds: chunk.hasExactBounds)
        valueCount = Int(chunk.valueCount)
        stored = FileDescription.Stored(
            physicalType: "\(chunk.physicalType)", encodings: chunk.encodings.map(\.description),
            codecs: [chunk.codec.description], bytes: Int(chunk.uncompressedSize),
            compressedBytes: Int(chunk.compressedSize))
    }
}

extension Value {
    /// Whether this comes behind `other` of the same column.
    fileprivate func isAfter(_ other: Value) -> Bool {
        switch (self, other) {
        case (.int(let left), .int(let right)), (.ticks(let left), .ticks(let right)): left > right
        case (.float(let left), .float(let right)): left > right
        case (.text(let left), .text(let right)): right.utf8.lexicographicallyPrecedes(left.utf8)
        case (.bytes(let left), .bytes(let right)): right.lexicographicallyPrecedes(left)
        case (.bool(let left), .bool(let right)): left && !right
        default: false
        }
    }
}
