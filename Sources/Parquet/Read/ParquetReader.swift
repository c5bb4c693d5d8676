public import Columns
public import Support

/// Hands out the rows of a Parquet file, batch by batch; a batch never spans two row groups.
public final class ParquetReader: BatchReader, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `BatchReader` demands.

    /// The columns that are read.
    public let schema: Schema
    private let file: ParquetFile
    private let nodes: [SchemaNode]
    private let leaves: [LeafReader]
    private let batchRows: Int
    private let parallelism: Int
    private var groups: ArraySlice<Int>
    private var group: Int?
    private var rowsLeft = 0
    /// What a leaf has read beyond the last batch, because another one cut it short.
    private var pending: [Int: LeafRows] = [:]
    private var failure: SluiceError?

    init(_ file: ParquetFile, nodes: [SchemaNode], groups: [Int], batchRows: Int, parallelism: Int) {
        self.file = file
        self.nodes = nodes
        self.groups = groups[...]
        self.batchRows = max(1, batchRows)
        self.parallelism = max(1, parallelism)
        schema = Schema(nodes.map(\.field), metadata: file.schema.metadata)
        leaves = nodes.flatMap { node in
            node.leaves.map { leaf in
                LeafReader(
                    leaf, isNested: node.field.type.isNested, source: file.source, dataEnd: file.dataEnd,
                    limits: file.limits)
            }
        }
    }

    /// The next rows; nil at the end.
    public func next() async throws -> RecordBatch? {
        if let failure { throw failure }
        do throws(SluiceError) {
            return try await nextBatch()
        } catch {
            failure = error
            throw error
        }
    }

    private func nextBatch() async throws(SluiceError) -> RecordBatch? {
        while rowsLeft == 0 {
            guard let number = groups.popFirst() else { return nil }
            let next = file.metadata.rowGroups[number]
            group = number
            rowsLeft = Int(next.rowCount)
            if rowsLeft > 0 { for leaf in leaves { try leaf.start(next) } }
        }
        if Task.isCancelled {
            throw SluiceError(.cancelled, "reading was cancelled", place: .init(file: file.source.name))
        }
        let wanted = min(batchRows, rowsLeft)
        var rows = try await read(wanted)
        let count = rows.values.reduce(wanted) { min($0, $1.rowCount) }
        for leaf in leaves {
            guard let read = rows[leaf.leaf.index], read.rowCount > count else { continue }
            let (now, later) = read.split(at: count, leaf.leaf)
            rows[leaf.leaf.index] = now
            pending[leaf.leaf.index] = later
        }
        var columns: [Column] = []
        columns.reserveCapacity(nodes.count)
        for node in nodes {
            let column: Column
            do throws(SluiceError) {
                column = try Assembly.column(node, rows)
            } catch {
                throw error.at(.init(file: file.source.name, column: node.field.name))
            }
            guard column.count == count else {
                throw SluiceError(
                    .invalidData, "a column has \(column.count) rows where others have \(count)",
                    place: .init(file: file.source.name, column: node.field.name))
            }
            columns.append(column)
        }
        rowsLeft -= count
        return RecordBatch(schema: schema, columns: columns, rowCount: count)
    }

    /// Up to `wanted` rows of every leaf.
    private func read(_ wanted: Int) async throws(SluiceError) -> [Int: LeafRows] {
        var rows = pending
        pending = [:]
        let idle = leaves.filter { rows[$0.leaf.index] == nil }
        if parallelism == 1 || idle.count < 2 {
            for leaf in idle { rows[leaf.leaf.index] = try await leaf.read(wanted) }
            return rows
        }
        let width = min(parallelism, idle.count)
        await withTaskGroup(of: Void.self) { tasks in
            for (number, leaf) in idle.enumerated() {
                if number >= width { await tasks.next() }
                tasks.addTask { await leaf.readAhead(wanted) }
            }
        }
        // In the columns' order, so that of several failures it is always the same one that is told.
        for leaf in idle { rows[leaf.leaf.index] = try leaf.takeAhead() }
        return rows
    }
}

extension ParquetFile {
    /// Reads rows.
    ///
    /// - parameter columns: names, or dotted paths into structures; nil for all. A path into a list or map goes on at
    ///   its items: `tags.item.name` and `tags.name` mean the same.
    /// - parameter rowGroups: which row groups are read; nil for all.
    /// - parameter predicate: bounds that wanted rows lie in: row groups whose statistics say that they have no such row
    ///   are passed over. Rows that do not lie within the bounds may still be handed out.
    /// - parameter batchRows: how many rows a batch has at most.
    /// - parameter parallelism: how many columns are decoded at the same time.
    /// - throws: `SluiceError` when a column or row group is not there.
    public func reader(
        columns: [String]? = nil, rowGroups: Range<Int>? = nil, keeping predicate: [ColumnBounds] = [],
        batchRows: Int = 65_536, parallelism: Int = ParquetFile.availableProcessors
    ) throws(SluiceError) -> ParquetReader {
        let all = metadata.rowGroups.indices
        let range = rowGroups ?? all
        guard range.isEmpty || (range.lowerBound >= 0 && range.upperBound <= all.upperBound) else {
            throw SluiceError(
                .invalidConfiguration,
                "row groups \(range.lowerBound) to \(range.upperBound) were asked for, the file has \(all.count)",
                place: .init(file: source.name))
        }
        let nodes = try columns.map { (names) throws(SluiceError) -> [SchemaNode] in try project(names) } ?? nodes
        let pruning = try Pruning(predicate, self)
        return ParquetReader(
            self, nodes: nodes, groups: range.filter { pruning.mayHold(metadata.rowGroups[$0]) }, batchRows: batchRows,
            parallelism: parallelism)
    }
}
