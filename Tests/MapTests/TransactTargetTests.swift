import Columns
import Glibc
import ODBC
import Support
import Testing

@testable import Map

/// The T-SQL server of the tests: what `SLUICE_TEST_MSSQL` says, an ODBC connection string.
private let testServer = getenv("SLUICE_TEST_MSSQL").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }

/// What a mapping does on a real server. Views read no lake here but a plain SELECT, since `OPENROWSET(BULK …)` and external
/// tables are Synapse's and Fabric's.
@Suite(
    .serialized,
    .enabled(if: testServer != nil, "skipped: SLUICE_TEST_MSSQL is not set to an ODBC connection string"))
struct TransactTargetTests {
    private static func open(_ database: String?) async throws(SluiceError) -> ODBCConnection {
        var string = try ConnectionString(parsing: testServer ?? "")
        if let database { string["Database"] = database }
        return try await ODBCConnection.open(ODBCSettings(name: "mssql", string: string))
    }

    private let dialect: TransactDialect
    private let schema: String

    init() {
        schema = "map \(UInt32.random(in: 0 ... .max))"
        var dialect = TransactDialect(
            engine: .fabric, paths: TablePaths(root: "https://a/lake"), schema: schema, mark: "sluice map shop.names")
        dialect.isApplied = true
        self.dialect = dialect
    }

    /// Runs `body` on a server with an empty schema of its own, which is gone behind it.
    private func withTarget(_ body: (TransactTarget, ODBCConnection) async throws -> Void) async throws {
        let server = TransactServer(
            open: { database async throws(SluiceError) in try await TransactTargetTests.open(database) }, database: nil,
            masterKey: nil)
        let session = try await TransactTargetTests.open(nil)
        let target = try #require(try await server.target(dialect, creates: true))
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(target, session))
        } catch {
            outcome = .failure(error)
        }
        for row in try await session.query(dialect.listing()).rows {
            let name = dialect.full(row[0] ?? "")
            _ = try? await session.query("DROP \(row[1] == "V" ? "VIEW" : "TABLE") \(name)")
        }
        _ = try? await session.query("DROP SCHEMA \(dialect.quote(schema))")
        await target.close()
        await session.close()
        try outcome.get()
    }

    /// A view as the dialect makes them, its body swapped for one that any server has.
    private func object(_ name: String, _ body: String, source: String? = nil) -> MapObject {
        let hash = MapFingerprint.of(body)
        let mark = TransactMark(owner: dialect.mark, hash: hash, source: source ?? "\(name)/*.parquet")
        return MapObject(
            name: name, kind: "view", source: source ?? "\(name)/*.parquet", columns: [],
            statements: ["CREATE VIEW \(dialect.full(name)) AS\n\(mark.text)\n\(body)"], fingerprint: hash)
    }

    private func plan(_ wanted: [MapObject], _ target: TransactTarget) async throws -> MapPlan {
        Planner(dialect: dialect).plan(wanted, try await target.inventory())
    }

    private func apply(_ plan: MapPlan, to target: TransactTarget) async throws {
        try await target.prepare(plan.pending)
        for change in plan.pending { try await target.perform(change) }
        try await target.settle(plan.changes, failed: [])
    }

    private func actions(_ plan: MapPlan) -> [String] { plan.changes.map { "\($0.action) \($0.name)" } }

    @Test func viewsAreMadeKnownAgainAndRemoved() async throws {
        try await withTarget { target, session in
            let wanted = [
                object("a", "SELECT 1 AS x"), object("o'brien", "SELECT N'注文' AS x", source: "o'brien */ x/*.parquet"),
            ]
            let first = try await plan(wanted, target)
            #expect(actions(first) == ["create a", "create o'brien"])
            try await apply(first, to: target)
            #expect(try await session.query("SELECT x FROM \(dialect.full("o'brien"))").single == "注文")
            // Known by their marks, with the tables that they stand for.
            let owned = try await target.inventory().owned.sorted { $0.name < $1.name }
            #expect(owned.map(\.name) == ["a", "o'brien"])
            #expect(owned.map(\.source) == ["a/*.parquet", "o'brien */ x/*.parquet"])
            #expect(owned.map(\.definition) == wanted.map(\.fingerprint))
            #expect(actions(try await plan(wanted, target)) == ["unchanged a", "unchanged o'brien"])
            let last = try await plan([wanted[0]], target)
            #expect(actions(last) == ["unchanged a", "drop o'brien"])
            try await apply(last, to: target)
            #expect(try await target.inventory().owned.map(\.name) == ["a"])
        }
    }

    @Test func whatOthersHaveMadeIsLeftAlone() async throws {
        try await withTarget { target, session in
            try await target.prepare([])
            let place = dialect.quote(schema)
            try await session.query("CREATE TABLE \(place).[theirs] (a int)")
            try await session.query("CREATE VIEW \(place).[view] AS SELECT 42 AS a")
            try await session.query(
                "CREATE VIEW \(place).[other] AS\n/* sluice map shop.names2 0123456789abcdef x */\nSELECT 43 AS a")
            let wanted = ["theirs", "view", "other", "mine"].map { object($0, "SELECT 1 AS a") }
            let plan = try await plan(wanted, target)
            #expect(actions(plan) == ["create mine", "blocked other", "blocked theirs", "blocked view"])
            try await apply(plan, to: target)
            // Nothing is wanted any more: only what is ours goes.
            let empty = try await self.plan([], target)
            #expect(actions(empty) == ["drop mine"])
            try await apply(empty, to: target)
            #expect(try await session.query("SELECT a FROM \(place).[view]").single == "42")
            #expect(try await session.query("SELECT a FROM \(place).[other]").single == "43")
        }
    }

    /// A view takes the place of another in one transaction where it cannot be altered; what fails leaves the old one.
    @Test func aReplacementHappensWholeOrNotAtAll() async throws {
        try await withTarget { target, session in
            try await apply(try await plan([object("a", "SELECT 1 AS x")], target), to: target)
            func change(_ object: MapObject) -> MapChange {
                MapChange(
                    action: .alter, name: "a", source: "", sql: [dialect.drop("a", "view")] + object.statements,
                    object: object)
            }
            try await target.perform(change(object("a", "SELECT 2 AS x")))
            #expect(try await session.query("SELECT x FROM \(dialect.full("a"))").single == "2")
            let error = await #expect(throws: SluiceError.self) {
                try await target.perform(change(object("a", "SELECT x FROM \(dialect.full("nowhere"))")))
            }
            // The statement is named by its first line.
            #expect(error?.details.contains { $0.contains("CREATE VIEW \(dialect.full("a"))") } ?? false)
            #expect(try await session.query("SELECT x FROM \(dialect.full("a"))").single == "2")
            #expect(try await session.query("SELECT @@TRANCOUNT").single == "0")
            // The session is as good as before.
            try await target.perform(change(object("a", "SELECT 3 AS x")))
            #expect(try await session.query("SELECT x FROM \(dialect.full("a"))").single == "3")
        }
    }

    @Test func aViewIsAlteredInPlace() async throws {
        try await withTarget { target, session in
            try await apply(try await plan([object("a", "SELECT 1 AS x")], target), to: target)
            let plan = try await plan([object("a", "SELECT 1 AS x, 2 AS y")], target)
            #expect(actions(plan) == ["alter a"])
            #expect(plan.pending[0].sql.count == 1 && plan.pending[0].sql[0].hasPrefix("ALTER VIEW"))
            do {
                try await apply(plan, to: target)
                #expect(try await session.query("SELECT y FROM \(dialect.full("a"))").single == "2")
                #expect(actions(try await self.plan([object("a", "SELECT 1 AS x, 2 AS y")], target)) == ["unchanged a"])
            } catch let error as SluiceError where error.message.contains("'ALTER VIEW' is not currently supported") {
                // The server at hand speaks T-SQL without ALTER VIEW; the view is what it was.
                #expect(try await session.query("SELECT x FROM \(dialect.full("a"))").single == "1")
            }
        }
    }

    /// A view that has no base any more, a name that is taken: each is told with its object, and the next one is made.
    @Test func oneFailureIsToldWithItsObject() async throws {
        try await withTarget { target, session in
            let plan = try await plan(
                [object("bad", "SELECT * FROM \(dialect.full("nowhere"))"), object("good", "SELECT 1 AS x")], target)
            try await target.prepare(plan.pending)
            let error = await #expect(throws: SluiceError.self) { try await target.perform(plan.pending[0]) }
            #expect(error?.code == .notFound || error?.code == .invalidConfiguration)
            #expect(error?.details.first == "while running CREATE VIEW \(dialect.full("bad")) AS")
            try await target.perform(plan.pending[1])
            #expect(try await session.query("SELECT x FROM \(dialect.full("good"))").single == "1")
        }
    }

    /// A ledger is a view: written, read and replaced like any other, and nobody's table.
    @Test func ledgersAreKnownAsWhatTheyAre() async throws {
        try await withTarget { target, session in
            try await target.prepare([])
            var ledger = TransactLedger()
            for name in TransactMarkTests.hostile {
                ledger.entries[name] = .init(place: "source", hash: "abc", source: name)
            }
            try await session.query(dialect.ledger(ledger, isThere: false))
            let text = try await session.query(dialect.entries(of: dialect.ledgerName)).single
            #expect(TransactLedger(text ?? "") == ledger)
            let inventory = try await target.inventory()
            #expect(inventory.owned.isEmpty)
            #expect(inventory.foreign == [dialect.ledgerName])
            // It is not dropped for being wanted by no table.
            #expect(actions(try await plan([], target)).isEmpty)
        }
    }

    @Test func aDatabaseThatIsMissingIsMadeOnlyWhenSomethingIsApplied() async throws {
        let name = "sluice_map_\(UInt32.random(in: 0 ... .max))"
        var synapse = dialect
        synapse = TransactDialect(
            engine: .synapse, paths: dialect.paths, schema: "dbo", mark: dialect.mark, database: name)
        let server = TransactServer(
            open: { database async throws(SluiceError) in try await TransactTargetTests.open(database) },
            database: name,
            masterKey: nil)
        #expect(try await server.target(synapse, creates: false) == nil)
        let master = try await TransactTargetTests.open("master")
        do {
            let target = try await server.target(synapse, creates: true)
            #expect(target != nil)
            await target?.close()
        } catch {
            guard error.message.contains("collation") else { throw error }
            // The server at hand has no such collation.
            #expect(error.message.contains(name))
        }
        _ = try? await master.query("DROP DATABASE \(dialect.quote(name))")
        await master.close()
    }
}
