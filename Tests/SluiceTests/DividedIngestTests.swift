import Columns
import Glibc
import Sluice
import Support
import Testing

/// An ingest over files, divided into tasks: it ends as one run does.
@Suite(.serialized) struct DividedIngestTests {
    /// A project of its own, with files.
    private struct Shop {
        let folder: String

        init(mode: String = "append") throws {
            var template = Array("/tmp/sluice-divided-XXXXXX".utf8CString)
            folder = String(cString: try #require(mkdtemp(&template)))
            mkdir("\(folder)/in", 0o700)
            try write(
                """
                project: shop
                jobs:
                  orders: { kind: ingest, from: ./in, files: "*.csv", mode: \(mode)\(mode == "merge" ? ", key: id" : "") }
                """, to: "sluice.yaml")
        }

        func write(_ text: String, to path: String) throws {
            let file = try #require(fopen("\(folder)/\(path)", "w"))
            fputs(text, file)
            fclose(file)
        }

        func workspace() async throws -> Workspace { try await Workspace.open(folder) }

        func run(_ workspace: Workspace) async throws -> IngestRun {
            let (job, connector) = try await workspace.ingest("orders")
            return IngestRun(
                "divide", of: job, from: connector, through: try workspace.lake(), into: try await workspace.warehouse()
            )
        }

        func rows() async throws -> [String] {
            let session = try await (try await workspace()).warehouse().connect(as: "test")
            let found = try await session.query("SELECT * FROM orders ORDER BY id, n", limit: 1000)
            await session.close()
            return (0..<found.rowCount).map { row in
                found.columns.prefix(2).map { "\($0.value(at: row))" }.joined(separator: "|")
            }
        }

        func remove() { _ = system("rm -rf '\(folder)'") }
    }

    private func fill(_ shop: Shop) throws {
        for number in 0..<5 { try shop.write("id,n\n\(number),\(number * 10)\n9\(number),1\n", to: "in/\(number).csv") }
        // Fractions in one file, whole numbers in the others.
        try shop.write("id,n\n7,0.5\n", to: "in/7.csv")
    }

    @Test(arguments: [1, 4]) func tasksEndInTheTableThatOneRunMakes(size: Int) async throws {
        let (divided, whole) = (try Shop(), try Shop())
        defer {
            divided.remove()
            whole.remove()
        }
        try fill(divided)
        try fill(whole)
        let workspace = try await divided.workspace()
        let spread = try #require(try await divided.run(workspace).spread(size: size))
        #expect(spread.tasks.count == (5 + size) / size && spread.known == 0 && spread.total == 6)
        // What loads before everything is staged would lack rows.
        let last = try #require(spread.last)
        #expect(await workspace.run("orders", task: last.id).error?.code == .conflict)
        for task in spread.tasks.reversed() {
            let outcome = await workspace.run("orders", task: task.id)
            #expect(outcome.error == nil, "\(outcome.error.map { "\($0)" } ?? "")")
        }
        // Again, as a platform may do.
        #expect(await workspace.run("orders", task: spread.tasks[0].id).error == nil)
        let loaded = await workspace.run("orders", task: last.id)
        #expect(loaded.error == nil, "\(loaded.error.map { "\($0)" } ?? "")")
        #expect(loaded.record.counts.rowsLoaded == 11)
        #expect(await (try await whole.workspace()).run("orders").error == nil)
        #expect(try await divided.rows() == whole.rows())
        #expect(try await divided.rows().count == 11)

        // Loading twice changes nothing, and neither does a run of the whole job.
        let again = await workspace.run("orders", task: last.id)
        #expect(again.error == nil && again.record.counts.rowsLoaded == 0)
        #expect(await workspace.run("orders").error == nil)
        #expect(try await divided.rows().count == 11)
        let none = try #require(try await divided.run(workspace).spread(size: size))
        #expect(none.tasks.isEmpty && none.last == nil && none.known == 6)

        // A new file and a changed one are new work.
        try divided.write("id,n\n100,1\n", to: "in/8.csv")
        let more = try #require(try await divided.run(workspace).spread(size: size))
        #expect(more.tasks.flatMap(\.files).count == 1 && more.known == 6)
    }

    @Test func aFileThatChangedMeanwhileFailsItsTask() async throws {
        let shop = try Shop(mode: "merge")
        defer { shop.remove() }
        try fill(shop)
        let workspace = try await shop.workspace()
        let spread = try #require(try await shop.run(workspace).spread(size: 1))
        try shop.write("id,n\n0,11\n5,5\n6,6\n", to: "in/0.csv")
        #expect(await workspace.run("orders", task: spread.tasks[0].id).error?.code == .conflict)
        // A run of the whole job takes it as it is, with what the tasks have left in the lake.
        #expect(await workspace.run("orders", task: spread.tasks[1].id).error == nil)
        #expect(await workspace.run("orders").error == nil)
        #expect(try await shop.rows().contains { $0.hasPrefix("int(0)|") && $0.contains("11") })
        #expect(try #require(try await shop.run(workspace).spread(size: 1)).last == nil)
    }

    @Test(arguments: ["", "../x", "a/b", "part-0", "ü"]) func aTaskThatNobodyWroteDownIsNone(_ id: String) async throws
    {
        let shop = try Shop()
        defer { shop.remove() }
        #expect(await (try await shop.workspace()).run("orders", task: id).error != nil)
    }

    @Test func workThatIsOnePieceIsNotDivided() async throws {
        let shop = try Shop()
        defer { shop.remove() }
        try shop.write(
            "project: shop\njobs:\n  orders: { kind: ingest, from: ./in, files: \"*.csv\", mode: replace }\n",
            to: "sluice.yaml")
        #expect(try await shop.run(try await shop.workspace()).spread(size: 1) == nil)
    }
}
