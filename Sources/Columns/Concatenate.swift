public import Support

extension Column {
    /// The rows of `columns`, which are all of `type`, one after the other in memory of their own.
    ///
    /// - throws: `SluiceError` when a column is of another type, or when the bytes of all are more than the 2 GiB that a
    ///   column holds.
    public static func concatenate(_ columns: [Column], type: DataType) throws(SluiceError) -> Column {
        if let stranger = columns.first(where: { $0.type != type }) {
            throw SluiceError(.conversion, "a column of type \(stranger.type) cannot be appended to one of \(type)")
        }
        if columns.count == 1 { return columns[0] }
        let rows = columns.reduce(0) { $0 + $1.count }
        let validity = ValidityBuilder()
        for column in columns { validity.append(column, from: 0, count: column.count) }
        let (bits, nulls) = validity.finish()
        var values: Buffer?
        var offsets: Buffer?
        var children: [Column] = []
        switch type.layout {
        case .null: break
        case .bits:
            let builder = BitmapBuilder(capacity: rows)
            for column in columns {
                if let bits = column.values { builder.append(bits, from: column.offset, count: column.count) }
            }
            values = builder.freeze()
        case .fixed(let width):
            let bytes = MutableBuffer(capacity: rows * width)
            for column in columns {
                if let values = column.values {
                    bytes.append(values[column.offset * width..<(column.offset + column.count) * width])
                }
            }
            values = bytes.freeze()
        case .bytes:
            let ranges = columns.map(\.contentRange)
            offsets = try joinedOffsets(columns, ranges, rows: rows)
            let bytes = MutableBuffer(capacity: ranges.reduce(0) { $0 + $1.count })
            for (column, range) in zip(columns, ranges) { bytes.append(column.values?[range] ?? .empty) }
            values = bytes.freeze()
        case .list:
            let ranges = columns.map(\.contentRange)
            offsets = try joinedOffsets(columns, ranges, rows: rows)
            let items = zip(columns, ranges).map { $0.children[0].slice($1) }
            children = [try concatenate(items, type: type.childFields[0].type)]
        case .structure:
            for (index, field) in type.childFields.enumerated() {
                children.append(try concatenate(columns.map { $0.children[index] }, type: field.type))
            }
        }
        return Column(
            type: type, count: rows, nullCount: nulls, validity: bits, values: values, offsets: offsets,
            children: children)
    }

    /// Which of its bytes or items a column behind offsets uses.
    var contentRange: Range<Int> {
        guard offsets != nil, count > 0 else { return 0..<0 }
        return withOffsets { Int($0[0])..<Int($0[count]) }
    }

    private static func joinedOffsets(
        _ columns: [Column], _ ranges: [Range<Int>], rows: Int
    ) throws(SluiceError) -> Buffer {
        let total = ranges.reduce(0) { $0 + $1.count }
        if total > Int(Int32.max) {
            throw SluiceError(
                .limitExceeded, "\(total) bytes or items were to be put into one column, which holds at most 2^31 - 1",
                hint: "Use smaller batches")
        }
        let joined = MutableBuffer(capacity: (rows + 1) * 4)
        joined.append(0 as Int32)
        var base: Int32 = 0
        for (column, range) in zip(columns, ranges) where column.count > 0 {
            let shift = base &- Int32(range.lowerBound)
            column.withOffsets { offsets in
                joined.reserve(column.count * 4)
                let place = (joined.base + joined.count).assumingMemoryBound(to: Int32.self)
                for row in 0..<column.count { place[row] = offsets[row &+ 1] &+ shift }
                joined.count += column.count * 4
            }
            base &+= Int32(range.count)
        }
        return joined.freeze()
    }
}

extension RecordBatch {
    /// The rows of `batches`, which all have `schema`'s types, one after the other.
    ///
    /// - throws: as `Column.concatenate`, naming the column.
    public static func concatenate(_ batches: [RecordBatch], schema: Schema) throws(SluiceError) -> RecordBatch {
        if batches.count == 1, batches[0].schema == schema { return batches[0] }
        var columns: [Column] = []
        for (index, field) in schema.fields.enumerated() {
            do throws(SluiceError) {
                for batch in batches where batch.columns.count != schema.fields.count {
                    throw SluiceError(
                        .conversion,
                        "a batch of \(batch.columns.count) columns cannot be appended to one of \(schema.fields.count)")
                }
                columns.append(try Column.concatenate(batches.map { $0.columns[index] }, type: field.type))
            } catch { throw error.at(.init(column: field.name)) }
        }
        return RecordBatch(schema: schema, columns: columns, rowCount: batches.reduce(0) { $0 + $1.rowCount })
    }
}

extension Column {
    /// How many bytes the rows of this column take, wherever they lie: what a copy of them would take.
    public var byteSize: Int {
        var size = validity == nil ? 0 : (count + 7) / 8
        switch type.layout {
        case .null: break
        case .bits: size += (count + 7) / 8
        case .fixed(let width): size += count * width
        case .bytes: size += (count + 1) * 4 + contentRange.count
        case .list: size += (count + 1) * 4 + children[0].slice(contentRange).byteSize
        case .structure: size += children.reduce(0) { $0 + $1.byteSize }
        }
        return size
    }
}

extension RecordBatch {
    /// How many bytes the rows of this batch take.
    public var byteSize: Int { columns.reduce(0) { $0 + $1.byteSize } }
}
