import Columns
import Parquet
import Storage
import Support
import Tables
import TextFormats

/// Hands out the rows of one file: typed as declared or as found, in the cursor's stretch, of the wanted columns.
final class FileReader: SourceReader, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls it, as `BatchReader` demands.

    let schema: Schema
    private let unit: FileUnit
    private let file: HashedFile
    private let facts: FileFacts
    private let table: FileTable
    private let monitor: ConversionMonitor
    private let declared: DeclaredTypes?
    private var base: any BatchReader
    /// Whether declared columns are read as they are written, because a value in one of them did not fit.
    private var readsRaw = false
    /// How many rows the base reader has handed out since it was opened for the last time.
    private var rowsRead = 0
    /// How many rows at its start have been handed out before.
    private var rowsToSkip = 0
    private let filter: (place: Int, CursorFilter)?
    /// Where the wanted columns stand; nil when all are wanted.
    private let places: [Int]?
    private var rejects: [RejectedRow] = []
    /// Where the last malformed row begins that was set aside; a base reader that is opened again brings it again.
    private var lastBadRow = -1
    private var isFinished = false
    private var withoutValues: Set<String>

    init(unit: FileUnit, file: HashedFile, facts: FileFacts, under known: Schema?) async throws {
        self.unit = unit
        self.file = file
        self.facts = facts
        let plan = unit.plan
        monitor = ConversionMonitor()
        var options = plan.options
        // A key that the first records lack must not be passed over when a schema is given for the others.
        options.json.unknownKeys = .error
        options.jsonPayload = "payload"
        table = try await FileTable(file, options: options, monitor: monitor)
        var columns = plan.columns
        if let cursor = plan.cursor, columns != nil, columns?.contains(cursor.column) == false {
            columns?.append(cursor.column)
        }
        if let parquet = try await table.parquetFile() {
            base = try FileReader.parquetReader(parquet, plan, columns)
        } else {
            base = try await table.open(under: known, columns: nil)
        }
        let isJSON = table.format == .json || table.format == .ndjson
        if let types = plan.types, isJSON || !base.schema.fields.isEmpty {
            let found = try FileReader.declared(types, base.schema, plan, table, unit.path, isJSON)
            declared = found
            if table.infersTypes {
                base = try await table.open(under: found.typed, columns: nil)
            }
        } else {
            declared = nil
        }
        let typed = FileReader.typed(base.schema, declared)
        // A file without anything in it has no columns either.
        let isEmpty = typed.fields.isEmpty
        if let cursor = plan.cursor, !isEmpty {
            let place = try FileReader.place(cursor.column, typed, unit.path)
            do throws(SluiceError) {
                filter = (place, try CursorFilter(cursor, type: typed.fields[place].type))
            } catch {
                throw error.at(.init(file: unit.path, column: cursor.column))
            }
        } else {
            filter = nil
        }
        if let columns = plan.columns, !isEmpty {
            var found: [Int] = []
            for name in columns { found.append(try FileReader.place(name, typed, unit.path)) }
            places = found
            schema = Schema(found.map { typed.fields[$0] }, metadata: typed.metadata)
        } else {
            places = nil
            schema = typed
        }
        let guessed = table.infersTypes ? schema.fields.filter { $0.type == .utf8 }.map(\.name) : []
        withoutValues = Set(guessed).subtracting(plan.types?.fields.map(\.name) ?? [])
    }

    var bytesRead: Int { monitor.bytesRead }
    var columnsWithoutValues: Set<String> { withoutValues }

    func takeRejects() -> [RejectedRow] {
        defer { rejects = [] }
        return rejects
    }

    func next() async throws -> RecordBatch? {
        while !isFinished {
            if unit.plan.budget?.isSpent ?? false {
                unit.leaveOutRows()
                isFinished = true
                return nil
            }
            guard var batch = try await typedBatch() else {
                isFinished = true
                try await unit.finish(facts, hash: file.hash)
                return nil
            }
            if let (place, filter) = filter {
                let (kept, cutsEnd) = try filter.rows(of: batch.columns[place])
                if cutsEnd { unit.leaveOutRows() }
                if let kept { batch = try batch.take(kept) }
            }
            let allowed = unit.take(batch.rowCount)
            if allowed < batch.rowCount {
                unit.leaveOutRows()
                batch = batch.slice(0..<allowed)
            }
            // One without rows still hands over the rejects, however many follow on one another.
            if batch.rowCount == 0, rejects.isEmpty { continue }
            let wanted = places.map { places in places.map { batch.columns[$0] } } ?? batch.columns
            if !withoutValues.isEmpty {
                for (field, column) in zip(schema.fields, wanted) where column.nullCount < column.count {
                    withoutValues.remove(field.name)
                }
            }
            return RecordBatch(schema: schema, columns: wanted, rowCount: batch.rowCount)
        }
        return nil
    }

    // MARK: Types

    /// The next rows of the file with the declared types; rows that do not fit are set aside.
    private func typedBatch() async throws -> RecordBatch? {
        while true {
            let found: RecordBatch?
            do {
                found = try await base.next()
            } catch let error as SluiceError where error.code == .conversion && declared != nil && table.infersTypes {
                try await recover(from: error)
                continue
            }
            takeBadRows()
            guard var batch = found else { return nil }
            if rowsToSkip > 0, rowsToSkip >= batch.rowCount {
                rowsToSkip -= batch.rowCount
                rowsRead += batch.rowCount
                continue
            }
            let before = rowsRead + rowsToSkip
            rowsRead += batch.rowCount
            if rowsToSkip > 0 { batch = batch.slice(rowsToSkip..<batch.rowCount) }
            rowsToSkip = 0
            guard let declared else { return batch }
            return try declared.apply(to: batch) { row, column, reason, raw in
                rejects.append(
                    RejectedRow(unit: unit.name, row: before + row + 1, column: column, reason: reason, raw: raw))
            }
        }
    }

    /// Sets the malformed rows aside that the base reader has left out.
    private func takeBadRows() {
        guard let reader = base as? any BadRowReader else { return }
        for row in reader.takeBadRows() where row.offset > lastBadRow {
            lastBadRow = row.offset
            rejects.append(RejectedRow(unit: unit.name, line: row.line, reason: row.reason, raw: row.raw))
        }
    }

    /// Goes on after a value that did not fit: its column is read as it is written when its type was declared, and the
    /// whole file is looked at for its types when they were found.
    private func recover(from error: SluiceError) async throws {
        guard let declared else { throw error }
        let column = error.place.column ?? ""
        let isDeclared = declared.fields.contains { field in
            !field.type.isNested && (column == field.name || column.hasPrefix(field.name + "."))
        }
        if !readsRaw, isDeclared {
            readsRaw = true
            rowsToSkip = rowsRead
            rowsRead = 0
            base = try await table.open(under: declared.raw, columns: nil)
            return
        }
        let settled = try await settle()
        guard settled != declared.typed, let types = unit.plan.types else { throw error }
        let isJSON = table.format == .json || table.format == .ndjson
        let wider = try FileReader.declared(types, settled, unit.plan, table, unit.path, isJSON)
        if wider.typed == declared.typed { throw error }
        throw SchemaWidened(wider.typed, at: error.place)
    }

    /// The types that hold for all of the file, as they are found.
    private func settle() async throws -> Schema {
        let reader = try await table.open(under: nil, columns: nil)
        do {
            while try await reader.next() != nil { try Task.checkCancellation() }
            return reader.schema
        } catch let widened as SchemaWidened {
            return widened.schema
        }
    }

    private static func declared(
        _ types: Schema, _ found: Schema, _ plan: FileReadPlan, _ table: FileTable, _ path: String, _ isJSON: Bool
    ) throws(SluiceError) -> DeclaredTypes {
        // A projection may have left declared columns out already.
        let wanted =
            table.format == .parquet && plan.columns != nil
            ? Schema(types.fields.filter { found.index(of: $0.name) != nil }) : types
        return try DeclaredTypes(
            wanted, found: found, rawType: isJSON ? .json : .utf8, addsMissing: isJSON, file: path)
    }

    /// `schema` with the declared types.
    private static func typed(_ schema: Schema, _ declared: DeclaredTypes?) -> Schema {
        guard let declared else { return schema }
        var typed = schema
        for (field, place) in zip(declared.fields, declared.places) where place < typed.fields.count {
            typed.fields[place].type = field.type
        }
        return typed
    }

    // MARK: Columns

    private static func place(_ name: String, _ schema: Schema, _ path: String) throws(SluiceError) -> Int {
        if let place = schema.index(of: name) { return place }
        let names = schema.fields.map(\.name)
        throw SluiceError(
            .invalidConfiguration, "there is no column \"\(name)\"", place: .init(file: path),
            hint: nearestWord(to: name, among: names).map { "Did you mean \"\($0)\"?" }
                ?? "Columns are: \(names.prefix(20).joined(separator: ", "))")
    }

    /// A reader that leaves out row groups which hold nothing of the cursor's stretch.
    private static func parquetReader(
        _ file: ParquetFile, _ plan: FileReadPlan, _ columns: [String]?
    ) throws(SluiceError) -> ParquetReader {
        var bounds: [ColumnBounds] = []
        if let cursor = plan.cursor, let place = file.schema.index(of: cursor.column),
            !file.schema.fields[place].type.isNested, !cursor.column.contains("."),
            let filter = try? CursorFilter(cursor, type: file.schema.fields[place].type), filter.comparedType == nil,
            // A type that is declared otherwise has another order.
            plan.types?.index(of: cursor.column) == nil
        {
            bounds = [
                ColumnBounds(
                    cursor.column, lower: filter.from?.value(at: 0), upper: filter.to?.value(at: 0),
                    includesUpper: false, includesNull: cursor.includesNulls)
            ]
        }
        guard let columns else { return try file.reader(keeping: bounds) }
        let known = columns.filter { file.schema.index(of: $0) != nil && !$0.contains(".") }
        // Names that are missing, and those that read like paths, are sorted out when all columns are there.
        guard known.count == columns.count, Set(known).count == known.count else {
            return try file.reader(keeping: bounds)
        }
        return try file.reader(columns: known, keeping: bounds)
    }
}
