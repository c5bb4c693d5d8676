import Columns
import SQLite
import Support
import Warehouse

/// A reading of one table or query: one unit, of one moment.
final class SQLiteRead: SourceRead {
    let units: [any SourceUnit]
    var knownUnits: Int { 0 }
    let key: [String]
    private let unit: SQLiteUnit

    init(_ unit: SQLiteUnit) {
        self.unit = unit
        units = [unit]
        key = unit.query.key
    }

    func close() async { await unit.database.close() }
}

/// The rows of a table or query.
struct SQLiteUnit: SourceUnit {
    let query: SQLiteQuery
    let database: SQLiteDatabase
    var name: String { query.name }
    /// The declarations are not held to, so that reading finds the columns out.
    var schema: Schema? { nil }
    var bytes: Int? { nil }

    init(_ query: SQLiteQuery, database: SQLiteDatabase) {
        self.query = query
        self.database = database
    }

    func open(under schema: Schema?) async throws -> any SourceReader {
        let base = try await database.reader(query.sql, named: query.values, schema: schema)
        return try SQLiteUnitReader(base, query, file: database.name)
    }

    func file() async throws(SluiceError) -> SourceFile? { nil }
}

/// Hands out the rows: typed as declared or as found, in the cursor's stretch, of the wanted columns.
final class SQLiteUnitReader: SourceReader, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls it, as `BatchReader` demands.

    let schema: Schema
    let columnsWithoutValues: Set<String>
    private(set) var bytesRead = 0
    private let base: SQLiteReader
    private let query: SQLiteQuery
    private let filter: (place: Int, CursorFilter)?
    private let declared: DeclaredTypes?
    private var rowsLeft: Int
    private var rowsRead = 0
    private var rejects: [RejectedRow] = []

    init(_ base: SQLiteReader, _ query: SQLiteQuery, file: String) throws(SluiceError) {
        self.base = base
        self.query = query
        rowsLeft = query.limit ?? .max
        var typed = base.schema
        if let types = query.types {
            let chosen = Schema(types.fields.filter { query.columns.contains($0.name) || query.columns.count == 0 })
            let found = try DeclaredTypes(
                chosen, found: base.schema, rawType: .utf8, addsMissing: false, file: file)
            for (field, place) in zip(found.fields, found.places) { typed.fields[place].type = field.type }
            declared = found
        } else {
            declared = nil
        }
        if let cursor = query.cursor, let place = typed.index(of: cursor.column) {
            do throws(SluiceError) {
                filter = (place, try CursorFilter(cursor, type: typed.fields[place].type))
            } catch {
                throw error.at(.init(file: file, column: cursor.column))
            }
        } else {
            filter = nil
        }
        // The cursor is selected behind the others when nobody wants it.
        schema = Schema(Array(typed.fields.prefix(query.columns.count)), metadata: typed.metadata)
        columnsWithoutValues = base.columnsWithoutValues.intersection(schema.fields.map(\.name))
    }

    func takeRejects() -> [RejectedRow] {
        defer { rejects = [] }
        return rejects
    }

    func next() async throws -> RecordBatch? {
        while rowsLeft > 0, var batch = try await base.next() {
            bytesRead += batch.byteSize
            let before = rowsRead
            rowsRead += batch.rowCount
            if let declared {
                batch = try declared.apply(to: batch) { row, column, reason, raw in
                    rejects.append(
                        RejectedRow(unit: query.name, row: before + row + 1, column: column, reason: reason, raw: raw))
                }
            }
            if let (place, filter) = filter, let kept = try filter.rows(of: batch.columns[place]).kept {
                batch = try batch.take(kept)
            }
            if batch.rowCount > rowsLeft { batch = batch.slice(0..<rowsLeft) }
            if batch.rowCount == 0 { continue }
            rowsLeft -= batch.rowCount
            return RecordBatch(
                schema: schema, columns: Array(batch.columns.prefix(schema.fields.count)), rowCount: batch.rowCount)
        }
        return nil
    }
}
