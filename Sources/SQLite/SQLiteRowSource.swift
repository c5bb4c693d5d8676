import Columns
import Support

/// The rows of a query on their way into batches. Used on its database's thread only.
final class SQLiteRowSource {
    /// Where a column's type comes from.
    private enum Origin {
        /// The declaration and the values.
        case found
        /// An earlier reading.
        case given
        /// The caller, who does not want another.
        case fixed
    }

    /// One column while it is read.
    private final class Reading {
        let name: String
        let declared: DeclaredType
        var origin: Origin
        var evidence = ColumnEvidence()
        /// Tries whether values are what the declared type says, where that takes more than a look.
        let probe: ColumnDecoder?
        var decoder: ColumnDecoder
        var fits = true

        init(name: String, declared: DeclaredType, origin: Origin, type: DataType?) {
            self.name = name
            self.declared = declared
            self.origin = origin
            switch declared {
            case .real, .decimal, .uuid, .json: probe = declared.columnType.map { ColumnDecoder(Field(name, $0)) }
            default: probe = nil
            }
            decoder = ColumnDecoder(Field(name, type ?? .utf8))
        }

        func observe(_ cell: SQLiteCell) {
            evidence.observe(cell, declared)
            if let probe, !evidence.hasStranger, !probe.take(cell) { evidence.hasStranger = true }
        }

        /// Has the probe look at what it took.
        func settle() {
            guard let probe else { return }
            if case .misfit = probe.finish() { evidence.hasStranger = true }
        }
    }

    /// What comes next.
    enum Next {
        case batch(RecordBatch)
        case widened(SchemaWidened)
        case end
    }

    let statement: SQLiteStatement
    private(set) var schema = Schema([])
    /// The columns that have shown nothing but nulls so far, and are not declared as anything.
    private(set) var columnsWithoutValues: Set<String> = []
    private var columns: [Reading]
    private let batchRows: Int
    private let batchBytes = 16 << 20
    private var pending: RecordBatch?
    private var isAtEnd = false
    private var failure: SluiceError?
    private var rowsBefore = 0

    init(
        _ statement: SQLiteStatement, schema: Schema?, types: Schema?, batchRows: Int
    ) throws(SluiceError) {
        self.statement = statement
        self.batchRows = batchRows
        let place = SluiceError.Place(file: statement.handle.name)
        guard statement.columnCount > 0, statement.onlyReads else {
            throw SluiceError(
                .invalidConfiguration, "the statement is not a query that only reads", place: place,
                hint: "write a SELECT")
        }
        let names = (0..<statement.columnCount).map { statement.columnName($0) }
        if let schema, schema.fields.map(\.name) != names {
            throw SluiceError(
                .invalidData, "the query's columns are not those of its earlier reading", place: place,
                hint: "try again", isTransient: true)
        }
        columns = names.indices.map { index in
            let declared = DeclaredType(statement.declaredType(index))
            if let types, let place = types.index(of: names[index]) {
                return Reading(
                    name: names[index], declared: declared, origin: .fixed, type: types.fields[place].type)
            }
            return Reading(
                name: names[index], declared: declared, origin: schema == nil ? .found : .given,
                type: schema?.fields[index].type)
        }
        if columns.contains(where: { $0.origin == .found }) { try readFirst() }
        self.schema = Schema(columns.map(\.decoder.field))
    }

    // MARK: The first batch

    /// Sets the first rows aside, finds out the types that they fit, and makes a batch of them.
    private func readFirst() throws(SluiceError) {
        let buffers = columns.map { _ in CellBuffer() }
        var rows = 0
        while rows < batchRows, buffers.reduce(0, { $0 + $1.byteCount }) < batchBytes {
            guard try statement.step() else {
                isAtEnd = true
                break
            }
            for index in columns.indices { buffers[index].append(SQLiteCell(statement.pointer, Int32(index))) }
            rows += 1
        }
        var taken: [Column] = []
        for (column, buffer) in zip(columns, buffers) {
            if column.origin == .found {
                buffer.forEach { column.observe($0) }
                column.settle()
                let isOpen = column.declared == .open && column.evidence.storages == 0
                if isOpen { columnsWithoutValues.insert(column.name) }
                column.decoder = ColumnDecoder(
                    Field(column.name, column.evidence.type(column.declared)), isOpen: isOpen,
                    takesTextAsBytes: column.evidence.hasBytesAsText)
            }
            taken.append(try fill(column, buffer))
        }
        if rows > 0 {
            let schema = Schema(columns.map(\.decoder.field))
            pending = RecordBatch(schema: schema, columns: taken, rowCount: rows)
        }
    }

    private func fill(_ column: Reading, _ buffer: CellBuffer) throws(SluiceError) -> Column {
        var misfit: Int?
        var row = 0
        buffer.forEach { cell in
            if misfit == nil, !column.decoder.take(cell) { misfit = row }
            row += 1
        }
        switch column.decoder.finish() {
        case .column(let result) where misfit == nil: return result
        case .failure(let error): throw error
        case .misfit(let found): misfit = misfit ?? found
        case .column: break
        }
        if column.origin == .fixed { throw doesNotFit(column, row: misfit ?? 0) }
        // Text holds any value but what is not UTF-8, and bytes hold that.
        let wider: DataType = column.decoder.field.type == .utf8 ? .binary : .utf8
        column.decoder = ColumnDecoder(Field(column.name, wider))
        return try fill(column, buffer)
    }

    private func doesNotFit(_ column: Reading, row: Int) -> SluiceError {
        SluiceError(
            .conversion, "the value does not fit \(column.decoder.field.type)",
            place: .init(file: statement.handle.name, column: column.name, row: rowsBefore + row + 1),
            hint: "give the column a type that all of its values fit, such as utf8, or none")
    }

    // MARK: The other batches

    /// The next rows. What failed once fails again, since the statement would begin anew.
    func next() throws(SluiceError) -> Next {
        if let failure { throw failure }
        do throws(SluiceError) { return try advance() } catch {
            failure = error
            statement.finalize()
            throw error
        }
    }

    private func advance() throws(SluiceError) -> Next {
        if let batch = pending {
            pending = nil
            rowsBefore += batch.rowCount
            return .batch(batch)
        }
        if isAtEnd { return .end }
        var rows = 0
        let pointer = statement.pointer
        let decoders = columns.map(\.decoder)
        // Counting references for every value would cost as much as reading it; `decoders` keeps them.
        let unmanaged = decoders.map { Unmanaged.passUnretained($0) }
        let texts = decoders.filter { $0.field.type.layout == .bytes }
        while rows < batchRows {
            guard try statement.step() else {
                isAtEnd = true
                break
            }
            for index in decoders.indices {
                let cell = SQLiteCell(pointer, Int32(truncatingIfNeeded: index))
                if !unmanaged[index]._withUnsafeGuaranteedRef({ $0.take(cell) }) {
                    return .widened(try widen(column: index, row: rows))
                }
            }
            rows &+= 1
            var bytes = 0
            for decoder in texts { bytes &+= decoder.byteCount }
            if bytes >= batchBytes { break }
        }
        if rows == 0 { return .end }
        var taken: [Column] = []
        var misfit: (column: Int, row: Int)?
        for (index, decoder) in decoders.enumerated() {
            switch decoder.finish() {
            case .column(let column): taken.append(column)
            case .misfit(let row): misfit = misfit ?? (index, row)
            case .failure(let error): throw error.at(.init(file: statement.handle.name))
            }
        }
        if let misfit {
            columns[misfit.column].fits = false
            return .widened(try classify(at: misfit.column, row: misfit.row))
        }
        rowsBefore += rows
        return .batch(RecordBatch(schema: schema, columns: taken, rowCount: rows))
    }

    /// The value of `column` in the current row does not fit: looks at all rows from here on.
    private func widen(column: Int, row: Int) throws(SluiceError) -> SchemaWidened {
        for index in columns.indices {
            if case .misfit = columns[index].decoder.finish() { columns[index].fits = false }
        }
        try observeRow(row)
        return try classify(at: column, row: row)
    }

    private func observeRow(_ row: Int) throws(SluiceError) {
        for (index, column) in columns.enumerated() {
            let cell = SQLiteCell(statement.pointer, Int32(index))
            if column.origin != .found, !column.decoder.take(cell) {
                if column.origin == .fixed { throw doesNotFit(column, row: row) }
                column.fits = false
            }
            if column.origin != .fixed { column.observe(cell) }
        }
    }

    private func settle(_ row: Int) throws(SluiceError) {
        for column in columns {
            column.settle()
            guard column.origin != .found else { continue }
            if case .misfit = column.decoder.finish() {
                if column.origin == .fixed { throw doesNotFit(column, row: row) }
                column.fits = false
            }
        }
    }

    /// Looks at the rest of the rows, and says which types all of them fit.
    private func classify(at misfit: Int, row first: Int) throws(SluiceError) -> SchemaWidened {
        let place = SluiceError.Place(
            file: statement.handle.name, column: columns[misfit].name, row: rowsBefore + first + 1)
        if columns[misfit].origin == .fixed { throw doesNotFit(columns[misfit], row: first) }
        var row = first
        while try statement.step() {
            row += 1
            try observeRow(row)
            if row % 16_384 == 0 { try settle(row) }
        }
        try settle(row)
        isAtEnd = true
        var wider = schema
        for (index, column) in columns.enumerated() {
            let before = schema.fields[index].type
            column.evidence.merge(column.decoder.evidence)
            let found = column.evidence.type(column.declared)
            switch column.origin {
            case .fixed: break
            case .found: wider.fields[index].type = found
            case .given where column.fits && index != misfit: break
            case .given:
                wider.fields[index].type = found == .binary && before == .utf8 ? found : DataType.union(before, found)
            }
        }
        // What has changed nothing must not be tried for ever.
        if wider == schema { wider.fields[misfit].type = wider.fields[misfit].type == .utf8 ? .binary : .utf8 }
        return SchemaWidened(wider, at: place)
    }
}
