import Columns
import Postgres
import Support

/// Rows on their way into one table by COPY, with their lineage.
///
/// Lineage is the same in all rows of a file. A table that nobody else sees gets its lineage columns when the first file
/// is through, with the values as their defaults: the server then stores them once, and not in every row. Rows of further
/// files, and those for a table that has the columns already, carry them.
final class PostgresCopy: @unchecked Sendable {
    // `@unchecked Sendable` because it belongs to one load, which has one caller at a time.

    /// Where rows go.
    struct Target: Sendable {
        /// The table as SQL.
        var table: String
        /// The columns as SQL, in the order of the batches'.
        var columns: [String]
        /// What is sent for each.
        var types: [PostgresType]
        /// The column that gets the number of the row, if one does.
        var arrival: String?
        /// What the lineage columns are written as; nil while the table lacks them.
        var lineage: [PostgresType]?
        /// Whether the table is new, so that its rows may be written as seen by all at once.
        var isNew = false
    }

    private let connection: PostgresConnection
    private let load: Load
    private(set) var target: Target
    private(set) var lengths: PostgresLengths
    /// Whether the columns of `target` are the table's own, and widened there when a text is too long; otherwise that is
    /// left to whoever brings the rows into the table.
    private let ownsLengths: Bool
    private var encoder: CopyEncoder?
    private var file: String?
    private var number: Int64 = 1
    /// How many rows the server has taken.
    private(set) var rows = 0

    init(
        _ target: Target, of load: Load, lengths: PostgresLengths, ownsLengths: Bool, on connection: PostgresConnection
    ) {
        self.target = target
        self.lengths = lengths
        self.ownsLengths = ownsLengths
        self.load = load
        self.connection = connection
    }

    /// How many rows are encoded before they are sent, while the next are encoded.
    private static let pieceRows = 8192

    /// Sends a batch. A `conversion` error comes before anything of it is sent.
    func write(_ batch: RecordBatch, from name: String) async throws(SluiceError) {
        if batch.rowCount == 0 { return }
        while let (limit, row, length) = lengths.excess(in: batch) { try await widen(limit, row, length) }
        if encoder == nil || file != name { try await start(name) }
        guard let encoder else { return }
        let checked = try encoder.check(batch)
        var waiting: Buffer?
        for start in stride(from: 0, to: batch.rowCount, by: Self.pieceRows) {
            let end = min(start + Self.pieceRows, batch.rowCount)
            if let piece = waiting {
                async let sent: Void = connection.copyIn(piece)
                waiting = Self.encode(checked, start..<end, encoder)
                do { try await sent } catch { throw Self.failure(error) }
            } else {
                waiting = Self.encode(checked, start..<end, encoder)
            }
        }
        if let waiting {
            do { try await connection.copyIn(waiting) } catch { throw Self.failure(error) }
        }
    }

    /// Makes room for a text that is too long for its column, or says that there is none.
    private func widen(_ limit: PostgresLengths.Limit, _ row: Int, _ length: Int) async throws(SluiceError) {
        var reason = "a text has \(length) characters, the column is \(limit.sqlType)"
        let name = try PostgresDialect().quote(limit.name)
        if limit.isWidened {
            guard ownsLengths else { return lengths.widen(limit, sql: name) }
            try await end()
            try await connection.execute("SAVEPOINT sluice_widen")
            do throws(SluiceError) {
                try await connection.execute("ALTER TABLE \(target.table) ALTER COLUMN \(name) TYPE text")
                try await connection.execute("RELEASE sluice_widen")
                return lengths.widen(limit, sql: name)
            } catch {
                // A view that shows the column, for one.
                try await connection.execute("ROLLBACK TO sluice_widen; RELEASE sluice_widen")
                reason += ", and it cannot be widened: \(error.message)"
            }
        }
        throw SluiceError(
            .conversion, reason, place: .init(column: limit.name, row: row + 1),
            hint: "Widen the column in the database, or shorten the text in the query that reads it")
    }

    private static func encode(_ checked: CopyEncoder.Checked, _ rows: Range<Int>, _ encoder: CopyEncoder) -> Buffer {
        let out = MutableBuffer(capacity: rows.count * 64)
        encoder.encode(checked, rows: rows, to: out)
        return out.freeze()
    }

    /// What a COPY that has begun failed with. A value that the server itself refuses has ended the transaction, which is
    /// another matter than one that was never sent.
    private static func failure(_ error: any Error) -> SluiceError {
        guard let error = error as? SluiceError else { return SluiceError(.cancelled, "the load was stopped") }
        return error.code == .conversion ? error.changed(to: .invalidData) : error
    }

    /// Ends the COPY, and gives the table its lineage columns if it lacks them still.
    func finish() async throws(SluiceError) {
        try await end()
        if target.lineage == nil { try await addLineage(file ?? "") }
    }

    /// Throws away what has been sent; the transaction is to be rolled back.
    func abandon() async {
        if encoder == nil { return }
        encoder = nil
        _ = try? await connection.endCopyIn(failing: "the load was given up")
    }

    private func end() async throws(SluiceError) {
        guard let encoder else { return }
        number = encoder.number ?? number
        self.encoder = nil
        let out = MutableBuffer()
        encoder.finish(to: out)
        let last = out.freeze()
        do {
            try await connection.copyIn(last)
            rows += try await connection.endCopyIn()
        } catch {
            throw Self.failure(error)
        }
    }

    private func start(_ name: String) async throws(SluiceError) {
        try await end()
        if let first = file, target.lineage == nil { try await addLineage(first) }
        file = name
        var columns = target.columns
        if let arrival = target.arrival { columns.append(arrival) }
        var constants = CopyConstants()
        if let types = target.lineage {
            columns += try Lineage.columns.map { (name) throws(SluiceError) in try PostgresDialect().quote(name) }
            constants.append(name)
            constants.append(microseconds: load.loadedAt)
            if types[2].oid == PostgresType.OID.uuid {
                constants.append(UUIDText.bytes(load.run) ?? [])
            } else {
                constants.append(load.run)
            }
        }
        let freeze = target.isNew ? ", FREEZE" : ""
        try await connection.startCopy(
            "COPY \(target.table) (\(columns.joined(separator: ", "))) FROM STDIN (FORMAT binary\(freeze))",
            expecting: .in)
        encoder = CopyEncoder(
            types: target.types, numberingFrom: target.arrival == nil ? nil : number, constants: constants)
    }

    /// Gives a table of our own its lineage columns, with the values of `file` in the rows that are there.
    private func addLineage(_ file: String) async throws(SluiceError) {
        try await connection.query(
            """
            SELECT set_config('sluice.source_file', $1, true), set_config('sluice.loaded_at', $2, true),
            set_config('sluice.run_id', $3, true)
            """, [file, String(load.loadedAt), load.run])
        let names = try Lineage.columns.map { (name) throws(SluiceError) in try PostgresDialect().quote(name) }
        // A setting is looked up once here, and what it says becomes what the rows before it lack.
        try await connection.execute(
            """
            ALTER TABLE \(target.table)
            ADD COLUMN \(names[0]) text DEFAULT current_setting('sluice.source_file'),
            ADD COLUMN \(names[1]) timestamptz
            DEFAULT \(PostgresBooks.moment("current_setting('sluice.loaded_at')")),
            ADD COLUMN \(names[2]) text DEFAULT current_setting('sluice.run_id')
            """)
        try await connection.execute(
            """
            ALTER TABLE \(target.table) ALTER COLUMN \(names[0]) DROP DEFAULT,
            ALTER COLUMN \(names[1]) SET DEFAULT now(), ALTER COLUMN \(names[2]) DROP DEFAULT
            """)
        let text = PostgresType(oid: PostgresType.OID.text)
        target.lineage = [text, PostgresType(oid: PostgresType.OID.timestamptz), text]
    }
}

/// UUIDs as they are written.
enum UUIDText {
    /// The 16 bytes of `text`; nil when it is no UUID.
    static func bytes(_ text: String) -> [UInt8]? {
        let digits = text.utf8.filter { $0 != UInt8(ascii: "-") }
        guard digits.count == 32 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: 32, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        return bytes
    }
}
