import Columns
import Postgres
import Support
import Synchronization
import Warehouse

/// A reading of one table or query: one unit, of one moment.
final class PostgresRead: SourceRead {
    let units: [any SourceUnit]
    var knownUnits: Int { 0 }
    let key: [String]
    private let unit: PostgresUnit

    init(_ unit: PostgresUnit) {
        self.unit = unit
        units = [unit]
        key = unit.query.key
    }

    func close() async { await unit.close() }
}

/// The rows of a table or query.
final class PostgresUnit: SourceUnit {
    let name: String
    let query: PostgresQuery
    var schema: Schema? { query.schema }
    /// Not known before: the stream is another size than the table.
    var bytes: Int? { nil }
    private let settings: PostgresSettings
    private let parallelism: Int
    private let state: Mutex<State>

    private struct State: Sendable {
        /// The session whose transaction the query was looked at in; nil once it has been read from.
        var prepared: PostgresConnection?
        var lanes: [CopyLane] = []
        var isClosed = false
    }

    init(_ query: PostgresQuery, settings: PostgresSettings, prepared: PostgresConnection, parallelism: Int) {
        name = query.name
        self.query = query
        self.settings = settings
        self.parallelism = parallelism
        state = Mutex(State(prepared: prepared))
    }

    func open(under schema: Schema?) async throws -> any SourceReader {
        let (prepared, old) = state.withLock { state in
            defer {
                state.prepared = nil
                state.lanes = []
            }
            return (state.prepared, state.lanes)
        }
        for lane in old { await lane.stop() }
        let main: PostgresConnection
        if let prepared {
            main = prepared
        } else {
            // What was read before is thrown away, so that all of it may be of a later moment.
            main = try await settings.open()
            try await settings.begin(main)
        }
        let lanes = try await lanes(main)
        let isClosed = state.withLock { state in
            state.lanes = lanes
            return state.isClosed
        }
        if isClosed {
            for lane in lanes { await lane.stop() }
            throw SluiceError(.cancelled, "the reading was closed", place: .init(file: main.name))
        }
        return PostgresReader(query, lanes: lanes, name: name)
    }

    func file() async throws(SluiceError) -> SourceFile? { nil }

    func close() async {
        let lanes = state.withLock { state in
            defer {
                state.lanes = []
                state.prepared = nil
                state.isClosed = true
            }
            return state.lanes
        }
        for lane in lanes { await lane.stop() }
    }

    /// A table of fewer pages is read in one go: sessions cost more than they bring.
    private static let pagesWorthALane = 1024

    private func lanes(_ main: PostgresConnection) async throws(SluiceError) -> [CopyLane] {
        let pages = query.pagedRelation?.pages ?? 0
        let count = min(parallelism, pages / Self.pagesWorthALane)
        // Before 14 a range of pages is not looked up but filtered.
        guard count > 1, try await Self.version(of: main) >= 140_000 else {
            return [try await CopyLane(main, query.select(), query)]
        }
        guard let snapshot = try await main.query("SELECT pg_catalog.pg_export_snapshot()").single else {
            return [try await CopyLane(main, query.select(), query)]
        }
        var sessions = [main]
        for _ in 1..<count {
            let session = try await settings.open()
            try await settings.begin(session, at: snapshot)
            sessions.append(session)
        }
        var lanes: [CopyLane] = []
        for (index, session) in sessions.enumerated() {
            let range = pages * index / count..<pages * (index + 1) / count
            lanes.append(
                try await CopyLane(session, query.select(pages: range, isLast: index == count - 1), query))
        }
        return lanes
    }

    private static func version(of session: PostgresConnection) async throws(SluiceError) -> Int {
        Int(try await session.query("SHOW server_version_num").single ?? "") ?? 0
    }
}
