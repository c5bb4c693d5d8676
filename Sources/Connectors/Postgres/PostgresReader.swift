import Columns
import Postgres
import Support
import Synchronization

/// One COPY under way. The next batch is decoded on the session's thread while the last one is being used.
final class CopyLane: @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, and the decoder is used by the one task that
    // `pending` is.

    /// What a stretch of the stream brought.
    struct Fetched: Sendable {
        let batch: RecordBatch?
        let rejections: [CopyDecoder.Rejection]
        let bytes: Int
    }

    /// Given up with the last row, so that the server does not keep a session for nothing.
    private var session: PostgresConnection?
    nonisolated(unsafe) private let decoder: CopyDecoder
    private var pending: Task<Fetched, any Error>?
    private var isFinished = false

    /// Begins to copy what `sql` selects.
    init(_ session: PostgresConnection, _ sql: String, _ query: PostgresQuery) async throws(SluiceError) {
        self.session = session
        decoder = CopyDecoder(columns: query.decoderColumns)
        try await session.startCopy("COPY (\(sql)) TO STDOUT (FORMAT binary)", expecting: .out)
        pending = fetch(session)
    }

    deinit { pending?.cancel() }

    private func fetch(_ session: PostgresConnection) -> Task<Fetched, any Error> {
        Task { [decoder] in
            nonisolated(unsafe) let decoder = decoder
            let batch = try await session.copyOut(into: decoder)
            return Fetched(batch: batch, rejections: decoder.takeRejections(), bytes: decoder.bytesRead)
        }
    }

    /// The next stretch; its batch is nil at the end.
    func next() async throws -> Fetched? {
        guard let task = pending, !isFinished else { return nil }
        let fetched = try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
        pending = nil
        if fetched.batch != nil, let session {
            pending = fetch(session)
        } else {
            isFinished = true
            session = nil
        }
        return fetched
    }

    /// Stops the server's work, and returns when nothing of it goes on.
    func stop() async {
        isFinished = true
        pending?.cancel()
        _ = await pending?.result
        pending = nil
        session = nil
    }
}

/// Hands out the rows of a table or query, from one stretch of it or from several side by side, in turn.
final class PostgresReader: SourceReader, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls it, as `BatchReader` demands.

    let schema: Schema
    private let query: PostgresQuery
    private let name: String
    private var lanes: [CopyLane]
    private var bytes: [ObjectIdentifier: Int] = [:]
    private var turn = 0
    private var rejects: [RejectedRow] = []
    private let hasRowNumbers: Bool

    init(_ query: PostgresQuery, lanes: [CopyLane], name: String) {
        self.query = query
        self.lanes = lanes
        self.name = name
        schema = query.schema
        // Side by side, nobody knows how many rows the stretches before have.
        hasRowNumbers = lanes.count == 1
    }

    var bytesRead: Int { bytes.values.reduce(0, +) }

    func takeRejects() -> [RejectedRow] {
        defer { rejects = [] }
        return rejects
    }

    func next() async throws -> RecordBatch? {
        // Always in the same order, so that two readings of the same rows are the same.
        while !lanes.isEmpty {
            let lane = lanes[turn]
            let fetched = try await lane.next()
            if let fetched {
                bytes[ObjectIdentifier(lane)] = fetched.bytes
                rejects += fetched.rejections.map(rejected)
            }
            guard let batch = fetched?.batch else {
                finished.append(lane)
                lanes.remove(at: turn)
                if turn >= lanes.count { turn = 0 }
                continue
            }
            turn = (turn + 1) % lanes.count
            return batch
        }
        return nil
    }

    /// Lanes that are done, kept so that their numbers stay theirs.
    private var finished: [CopyLane] = []

    private func rejected(_ rejection: CopyDecoder.Rejection) -> RejectedRow {
        let fields = rejection.fields(query.columns.map(\.type))
        var raw = "{"
        for (column, field) in zip(query.columns, fields) {
            if raw.utf8.count > 1 { raw += "," }
            JSONText.quote(column.name, to: &raw)
            raw += ":" + (field ?? "null")
        }
        let place = query.columns.firstIndex { $0.name == rejection.column }
        let value = place.flatMap { $0 < fields.count ? fields[$0] : nil }
        let type = place.map { "\(query.columns[$0].type.columnType)" } ?? "its column"
        return RejectedRow(
            unit: name, row: hasRowNumbers ? rejection.row : nil, column: rejection.column,
            reason: value.map { "\($0) does not fit \(type)" } ?? rejection.reason, raw: raw + "}")
    }
}
