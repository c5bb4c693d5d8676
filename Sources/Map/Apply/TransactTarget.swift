import ODBC
import Support
import Synchronization

/// A database of a T-SQL server: serverless pools of Synapse, Fabric.
///
/// Nothing is believed but what the server says: views are known by the marks in their definitions, external tables by a
/// ledger, which is a view too. The ledger names a table before it is made, so that a run which dies leaves nothing that
/// nobody owns.
final class TransactTarget: MapTarget {
    private let server: TransactServer
    private let dialect: TransactDialect
    private let state: Mutex<State>

    private struct State {
        var session: ODBCConnection
        /// The ledger as the server has it; nil where there is none.
        var ledger: TransactLedger?
    }

    init(_ session: ODBCConnection, _ server: TransactServer, _ dialect: TransactDialect) {
        self.server = server
        self.dialect = dialect
        state = Mutex(State(session: session, ledger: nil))
    }

    private var session: ODBCConnection { state.withLock { $0.session } }

    func close() async { await session.close() }

    // MARK: - What there is

    func inventory() async throws(SluiceError) -> MapInventory {
        var inventory = MapInventory()
        var ledgers: [String] = []
        for row in try await run(dialect.listing(), "views and tables are listed").rows {
            guard row.count >= 3, let name = row[0] else { continue }
            let definition = row[2] ?? ""
            if TransactMark.isLedger(definition) {
                ledgers.append(name)
            } else if let mark = TransactMark(in: definition, of: dialect.mark) {
                inventory.owned.append(
                    .init(name: name, kind: "view", source: mark.source, definition: mark.hash))
            } else {
                inventory.foreign.insert(name)
            }
        }
        // Nobody's table is to have the name of a ledger, ours or another's.
        inventory.foreign.formUnion(ledgers)
        guard dialect.engine == .synapse else { return inventory }
        var others: Set<String> = []
        for name in ledgers {
            let text = try await run(dialect.entries(of: name), "the ledger \(Display.safe(name)) is read").single ?? ""
            let ledger = TransactLedger(text)
            if name.lowercased() == dialect.ledgerName.lowercased() {
                state.withLock { $0.ledger = ledger }
            } else {
                others.formUnion(ledger.entries.keys)
            }
        }
        let known = state.withLock { $0.ledger } ?? TransactLedger()
        for row in try await run(dialect.tableListing(), "external tables are listed").rows {
            guard row.count >= 2, let name = row[0], let place = row[1] else { continue }
            if let entry = known.entries[name], entry.place == place {
                inventory.foreign.remove(name)
                inventory.owned.append(
                    .init(name: name, kind: "table", source: entry.source, definition: entry.hash))
            } else if place == dialect.sourceName, !others.contains(name) {
                // Made on the job's own data source, by a script or by what was there before: where its name is wanted, it
                // is replaced; otherwise it stays.
                inventory.adoptable.append(.init(name: name, kind: "table", source: "", definition: ""))
            }
        }
        return inventory
    }

    // MARK: - What is done

    func prepare(_ changes: [MapChange]) async throws(SluiceError) {
        for foundation in dialect.foundations() {
            if let condition = foundation.condition { try await run(condition, "\(foundation.title) is looked at") }
            if try await run(foundation.search, "\(foundation.title) is looked for").single != nil { continue }
            try await run(try foundation.making(server.masterKey), "\(foundation.title) is made")
        }
        var ledger = state.withLock { $0.ledger } ?? TransactLedger()
        for change in changes where [.create, .alter].contains(change.action) {
            guard let object = change.object, object.kind == "table" else { continue }
            ledger.entries[object.name] = .init(place: dialect.sourceName, hash: "", source: change.source)
        }
        if !ledger.entries.isEmpty { try await write(ledger) }
    }

    func perform(_ change: MapChange) async throws(SluiceError) {
        if let statement = change.sql.first, change.sql.count == 1 {
            try await run(statement)
            return
        }
        try await persistently { () async throws(SluiceError) in
            do throws(SluiceError) {
                for statement in ["BEGIN TRANSACTION"] + change.sql + ["COMMIT TRANSACTION"] {
                    try await once(statement)
                }
            } catch {
                // The server has ended it already, or the session is gone and it with it.
                _ = try? await session.query("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")
                guard TransactTarget.forbidsTransactions(error) else { throw error }
                for statement in change.sql { try await once(statement) }
            }
        }
    }

    func settle(_ changes: [MapChange], failed: Set<String>) async throws(SluiceError) {
        let old = state.withLock { $0.ledger }
        var ledger = TransactLedger()
        for change in changes {
            let known = old?.entries[change.name]
            switch change.action {
            case .blocked, .failed: continue
            case .drop: if failed.contains(change.name) { ledger.entries[change.name] = known }
            case .unchanged: ledger.entries[change.name] = known
            case .create, .alter:
                guard let object = change.object, object.kind == "table" else { continue }
                ledger.entries[object.name] = .init(
                    place: dialect.sourceName, hash: failed.contains(change.name) ? "" : object.fingerprint,
                    source: change.source)
            }
        }
        if old == nil, ledger.entries.isEmpty { return }
        try await write(ledger)
    }

    private func write(_ ledger: TransactLedger) async throws(SluiceError) {
        let old = state.withLock { $0.ledger }
        if ledger == old { return }
        if ledger.entries.isEmpty {
            try await run(dialect.drop(dialect.ledgerName, "view"))
            state.withLock { $0.ledger = nil }
        } else {
            try await run(dialect.ledger(ledger, isThere: old != nil))
            state.withLock { $0.ledger = ledger }
        }
    }

    // MARK: - Statements

    /// Runs `sql`, and again where what stopped it passes.
    ///
    /// - parameter task: What was done, for the error; the statement's own first line where there is none. Never has a
    ///   secret in it, which the statement may have.
    @discardableResult
    private func run(_ sql: String, _ task: String? = nil) async throws(SluiceError) -> ODBCAnswer {
        try await persistently { () async throws(SluiceError) in try await once(sql, task) }
    }

    @discardableResult
    private func once(_ sql: String, _ task: String? = nil) async throws(SluiceError) -> ODBCAnswer {
        do throws(SluiceError) {
            return try await session.query(sql)
        } catch {
            throw TransactTarget.told(error, task ?? TransactTarget.headline(sql))
        }
    }

    /// Does `work`; what passes is tried again, on a new session, since nobody knows what the old one is worth.
    private func persistently<Answer>(
        _ work: () async throws(SluiceError) -> Answer
    ) async throws(SluiceError) -> Answer {
        var pause = 1
        while true {
            do throws(SluiceError) {
                return try await work()
            } catch {
                guard error.isTransient, pause <= 4, !Task.isCancelled else { throw error }
                try? await Task.sleep(for: .seconds(pause))
                pause *= 2
                let fresh = try await server.open(server.database)
                let old = state.withLock { state in
                    defer { state.session = fresh }
                    return state.session
                }
                await old.close()
            }
        }
    }

    private static func told(_ error: SluiceError, _ task: String) -> SluiceError {
        var told = SluiceError(
            error.code, error.message, place: error.place, details: ["while \(task)"] + error.details, hint: error.hint,
            isTransient: error.isTransient)
        if told.hint == nil, error.code == .permission {
            told.hint = "docs/map.md says what the login needs, below \"Least rights\""
        }
        return told
    }

    /// The first line of a statement, which names the object.
    static func headline(_ sql: String) -> String {
        let line = sql.split(whereSeparator: \.isNewline).first.map(String.init) ?? sql
        return "running \(Display.safe(line.count > 160 ? String(line.prefix(160)) + "…" : line))"
    }

    /// Whether a statement failed only because it may not stand in a transaction (226, 574).
    private static func forbidsTransactions(_ error: SluiceError) -> Bool {
        [", 226]", ", 574]"].contains { error.message.contains($0) }
    }
}

/// How sessions with a T-SQL server are opened for a mapping.
struct TransactServer: Sendable {
    /// Opens a session with the database of this name; nil for the one that the connection means.
    let open: @Sendable (String?) async throws(SluiceError) -> ODBCConnection
    /// The database of the job; nil for the one that the connection means.
    let database: String?
    /// With which a master key is made where there is none.
    let masterKey: String?

    /// The database, ready to be listed.
    ///
    /// - parameter creates: Whether a database that is missing is made.
    /// - returns: nil when there is none, and none is to be made.
    func target(_ dialect: TransactDialect, creates: Bool) async throws(SluiceError) -> TransactTarget? {
        if let database, dialect.engine == .synapse {
            let master = try await open("master")
            let outcome: Result<Bool, SluiceError>
            do throws(SluiceError) {
                outcome = .success(try await exists(database, dialect, master, creates: creates))
            } catch {
                outcome = .failure(error)
            }
            await master.close()
            if try !outcome.get() { return nil }
        }
        return TransactTarget(try await opened(), self, dialect)
    }

    private func exists(
        _ database: String, _ dialect: TransactDialect, _ master: ODBCConnection, creates: Bool
    ) async throws(SluiceError) -> Bool {
        let known = "SELECT 1 FROM sys.databases WHERE name = \(dialect.text(database))"
        if try await master.query(known).single != nil { return true }
        if !creates { return false }
        do throws(SluiceError) {
            try await master.query(dialect.creation(of: database))
        } catch {
            // Somebody else was faster.
            if try await master.query(known).single != nil { return true }
            throw SluiceError(
                error.code, "the database \(Display.safe(database)) cannot be made: \(error.message)",
                place: error.place,
                details: error.details, hint: error.hint ?? "let the login make databases, or make it beforehand",
                isTransient: error.isTransient)
        }
        return true
    }

    /// A session; a database that has just been made may not be there at once.
    private func opened() async throws(SluiceError) -> ODBCConnection {
        var pause = 1
        while true {
            do throws(SluiceError) {
                return try await open(database)
            } catch {
                guard database != nil, error.code == .notFound, pause <= 16 else { throw error }
                try? await Task.sleep(for: .seconds(pause))
                if Task.isCancelled { throw error }
                pause *= 2
            }
        }
    }
}
