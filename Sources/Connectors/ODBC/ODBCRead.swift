import Columns
import ODBC
import Support
import Synchronization
import Warehouse

/// A reading of one table or query: one unit, one statement.
final class ODBCRead: SourceRead {
    let units: [any SourceUnit]
    var knownUnits: Int { 0 }
    let key: [String]
    private let unit: ODBCUnit

    init(_ unit: ODBCUnit) {
        self.unit = unit
        units = [unit]
        key = unit.query.key
    }

    func close() async { await unit.close() }
}

/// The rows of a table or query.
final class ODBCUnit: SourceUnit {
    let query: ODBCQuery
    var name: String { query.name }
    var schema: Schema? { query.schema }
    var bytes: Int? { nil }
    private let site: ODBCSite
    private let state: Mutex<State>

    private struct State: Sendable {
        /// The session that the query was looked at in; nil once it has been read from.
        var prepared: ODBCConnection?
        var reader: ODBCUnitReader?
        var isClosed = false
    }

    init(_ query: ODBCQuery, site: ODBCSite, prepared: ODBCConnection) {
        self.query = query
        self.site = site
        state = Mutex(State(prepared: prepared))
    }

    func open(under schema: Schema?) async throws -> any SourceReader {
        let (prepared, old) = state.withLock { state in
            defer {
                state.prepared = nil
                state.reader = nil
            }
            return (state.prepared, state.reader)
        }
        await old?.stop()
        let session: ODBCConnection
        if let prepared { session = prepared } else { session = try await site.open() }
        let rows = try await session.rows(
            query.sql, query.parameters, columns: query.columns, options: ODBCReadOptions(limit: query.limit))
        guard rows.schema.fields.map(\.name) == query.columns else {
            throw SluiceError(
                .conflict, "the columns of \(name) have changed since they were looked at",
                place: .init(file: session.name), hint: "run it again", isTransient: true)
        }
        let reader = ODBCUnitReader(query, rows: rows, session: session)
        let isClosed = state.withLock { state in
            state.reader = reader
            return state.isClosed
        }
        if isClosed {
            await reader.stop()
            throw SluiceError(.cancelled, "the reading was closed", place: .init(file: session.name))
        }
        return reader
    }

    func file() async throws(SluiceError) -> SourceFile? { nil }

    func close() async {
        let (prepared, reader) = state.withLock { state in
            defer {
                state.prepared = nil
                state.reader = nil
                state.isClosed = true
            }
            return (state.prepared, state.reader)
        }
        await reader?.stop()
        await prepared?.close()
    }
}

/// Hands out the rows. The next batch is fetched while the last one is being used.
final class ODBCUnitReader: SourceReader, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls it, as `BatchReader` demands.

    let schema: Schema
    private(set) var bytesRead = 0
    private let query: ODBCQuery
    private var session: ODBCConnection?
    private var rejects: [RejectedRow] = []
    private var pending: Task<ODBCBatch?, any Error>?

    init(_ query: ODBCQuery, rows: ODBCRows, session: ODBCConnection) {
        self.query = query
        self.session = session
        self.rows = rows
        schema = rows.schema
        pending = fetch(rows)
    }

    private var rows: ODBCRows?

    deinit { pending?.cancel() }

    private func fetch(_ rows: ODBCRows) -> Task<ODBCBatch?, any Error> { Task { try await rows.next() } }

    func takeRejects() -> [RejectedRow] {
        defer { rejects = [] }
        return rejects
    }

    func next() async throws -> RecordBatch? {
        while let task = pending {
            let fetched = try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
            pending = nil
            guard let fetched, let rows else {
                await finish()
                return nil
            }
            bytesRead += fetched.bytes
            rejects += fetched.misfits.map(rejected)
            pending = fetch(rows)
            if fetched.batch.rowCount > 0 { return fetched.batch }
        }
        return nil
    }

    /// Gives the session up with the last row, so that the server does not keep it for nothing.
    private func finish() async {
        rows = nil
        await session?.close()
        session = nil
    }

    /// Stops the driver's work, and returns when nothing of it goes on.
    func stop() async {
        pending?.cancel()
        _ = await pending?.result
        pending = nil
        await finish()
    }

    private func rejected(_ misfit: ODBCBatch.Misfit) -> RejectedRow {
        let formatters = misfit.batch.columns.map { ColumnFormatter($0, style: .json) }
        var raw = "{"
        for (field, formatter) in zip(schema.fields, formatters) {
            if raw.utf8.count > 1 { raw += "," }
            JSONText.quote(field.name, to: &raw)
            raw += ":"
            if field.name == misfit.column {
                JSONText.quote(misfit.raw, to: &raw)
            } else if formatter.isNull(at: 0) {
                raw += "null"
            } else {
                let value = MutableBuffer()
                formatter.append(row: 0, to: value)
                raw += value.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
            }
        }
        let type = schema.fields.first { $0.name == misfit.column }.map { "\($0.type)" } ?? "its column"
        return RejectedRow(
            unit: query.name, row: misfit.row, column: misfit.column, reason: "\(misfit.raw) does not fit \(type)",
            raw: raw + "}")
    }
}
