import Columns
import Glibc
import Parquet
import Support
import Testing

@testable import Commands

@Suite struct InspectTests {
    private static let orders = """
        id,name,price,when,note
        1,東京タワー,12.50,2024-01-01,
        2,"Müller, A.",3,2024-01-02,"two
        lines"
        300,👨‍👩‍👧‍👦,1000.25,2024-02-03,null

        """
    private static let records = #"[{"a": 1, "b": {"c": [1, 2]}}, {"a": 2.5, "d": "x"}, {"a": null, "d": ""}]"#

    @Test func whatIsInATextFileIsFoundOutFromAllOfIt() async {
        let run = await Run.line("inspect - --from csv", input: InspectTests.orders)
        Golden.check(run.transcript, "inspect-csv.txt")
    }

    @Test func nestedRecordsAreDescribed() async {
        Golden.check(
            await Run.line("inspect - --from json", input: InspectTests.records).transcript, "inspect-json.txt")
    }

    @Test func machinesGetTheSame() async {
        let run = await Run.line("inspect - --from csv --json", input: InspectTests.orders)
        Golden.check(run.transcript, "inspect-csv.json")
    }

    @Test func theFirstRowsAreShownAsATable() async {
        let run = await Run.line("inspect - --from csv --rows 2", input: InspectTests.orders)
        #expect(run.code == .succeeded)
        #expect(
            run.output == """
                id  name        price  when        note
                ──  ──────────  ─────  ──────────  ──────────
                 1  東京タワー   12.5  2024-01-01  null
                 2  Müller, A.    3.0  2024-01-02  two\\nlines

                """)
    }

    @Test func aNarrowTerminalIsToldWhatIsMissing() async {
        let terminal = Terminal(outputIsTerminal: true, width: 40)
        let run = await Run.line("inspect - --from csv -n 3", input: InspectTests.orders, terminal: terminal)
        #expect(run.output.hasSuffix("\n… 1 more column does not fit: note\n"))
        for line in run.output.split(separator: "\n") { #expect(Display.width(String(line)) <= 40) }
    }

    @Test func rowsForMachinesKeepTheirTypes() async {
        let run = await Run.line("inspect - --from json -n 1 --json", input: InspectTests.records)
        #expect(run.output.contains(#""b": {"c":[1,2]}"#))
        #expect(run.output.contains(#""a": 1"#))
        #expect(run.output.contains(#""d": null"#))
    }

    @Test(arguments: [0, 1, 10]) func asManyRowsAreShownAsThereAre(count: Int) async {
        let run = await Run.line("inspect - --from csv -n \(count)", input: InspectTests.orders)
        #expect(run.output.split(separator: "\n").count == 2 + min(count, 3))
    }

    // MARK: Parquet

    /// A file of two row groups: numbers from 0 on, a text that is missing in every second row, a list.
    private func withParquet(_ body: (String) async throws -> Void) async throws {
        let schema = Schema(
            [
                Field("n", .int32, nullable: false), Field("text", .utf8),
                Field("tags", .list(Field("element", .utf8))),
            ], metadata: ["owner": "tests"])
        let builders = schema.fields.map { makeBuilder($0.type) }
        for row in 0..<100 {
            try builders[0].append(.int(Int128(row)))
            try builders[1].append(row % 2 == 0 ? .null : .text("text \(row)"))
            try builders[2].append(.list([.text("a")]))
        }
        var options = ParquetWriterOptions()
        options.rowGroupRows = 60
        let sink = MemorySink()
        let writer = try await ParquetWriter(sink, schema: schema, options: options)
        try await writer.write(RecordBatch(schema: schema, columns: builders.map { $0.finish() }))
        try await writer.finish()
        let folder = "/tmp/sluice-inspect-\(String(UInt64.random(in: .min ... .max), radix: 36))"
        try #require(mkdir(folder, 0o700) == 0)
        defer {
            unlink("\(folder)/a.parquet")
            rmdir(folder)
        }
        let file = try #require(fopen("\(folder)/a.parquet", "w"))
        let bytes = try #require(sink.contents).bytes
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        fclose(file)
        try await body(folder)
    }

    @Test func aFootersStatisticsAreShown() async throws {
        try await withParquet { folder in
            let run = await Run.line("inspect a.parquet", in: folder)
            #expect(run.code == .succeeded)
            #expect(run.output.contains("100 rows, 3 columns, 2 row groups\n"))
            #expect(run.output.contains("\n  n: int32 not null\n  text: utf8\n  tags: list<element: utf8>\n"))
            #expect(run.output.contains("\n  owner: tests\n"))
            #expect(run.output.contains("\n0    60  ") && run.output.contains("\n1    40  "))
            let lines = run.output.split(separator: "\n")
            let number = try #require(lines.first { $0.hasPrefix("n  ") }).split(separator: " ").map(String.init)
            #expect(number[1...5] == ["int32", "not", "null", "0", "0"])
            #expect(number[6] == "99")
            let text = try #require(lines.first { $0.hasPrefix("text  ") })
            #expect(text.contains("  50  text 1 "))
        }
    }

    @Test func chosenColumnsAreShownAlone() async throws {
        try await withParquet { folder in
            let run = await Run.line("inspect a.parquet --columns tags", in: folder)
            #expect(run.output.contains("\ntags."))
            #expect(!run.output.contains("\ntext"))
            let wrong = await Run.line("inspect a.parquet --columns tgas", in: folder)
            #expect(wrong.messages.contains("Did you mean 'tags'?"))
            #expect(wrong.code == .invalidConfiguration)
        }
    }

    @Test func whatAFooterCannotAnswerIsRefused() async throws {
        try await withParquet { folder in
            let run = await Run.line("inspect a.parquet --limit 3", in: folder)
            #expect(run.code == .usage)
            #expect(
                await Run.line("inspect a.parquet --limit 3 -n 9", in: folder).output.split(separator: "\n").count == 6)
        }
    }

    @Test func oneFileThatFailsDoesNotHideTheOthers() async throws {
        try await withParquet { folder in
            let run = await Run.line("inspect a.parquet b.parquet", in: folder)
            #expect(run.code == .partial)
            #expect(run.output.contains("100 rows"))
            #expect(run.messages.contains("b.parquet: no such file"))
            let json = await Run.line("inspect a.parquet b.parquet --json", in: folder)
            #expect(json.output.contains("\"code\": \"not-found\""))
            #expect(json.output.contains("\"rows\": 100"))
            #expect(await Run.line("inspect b.parquet c.parquet", in: folder).code == .failed)
            #expect(await Run.line("inspect *.parquet", in: folder).code == .succeeded)
        }
    }

    @Test func aFileThatIsNotWhatItSaysIsNamed() async {
        let run = await Run.line("inspect - --from parquet", input: "PAR1 and then nothing that is a footer")
        #expect(run.code == .failed)
        #expect(run.messages.hasPrefix("error: standard input: "))
    }
}
