import Ingest
import Settings
import Support
import Testing

@Suite struct IngestKeysTests {
    private func problems(_ text: String) throws -> [String] {
        let (node, problems) = parseDocument(text, file: "f")
        let job = try #require(node)
        #expect(problems.isEmpty)
        let shape = Shape.object(ObjectShape("job", keys: IngestKeys.keys))
        #expect(shape.check(job).isEmpty)
        return IngestKeys.check(Section(job, path: "jobs.a")).map { "\($0.mark.line):\($0.mark.column) \($0.message)" }
    }

    @Test(arguments: [
        "{from: db, table: orders}",
        "{from: db, query: 'select 1', parameters: {since: 2026-01-01}}",
        "{from: ./data, files: [a-*.csv, b.parquet], types: {zip: utf8, price: 'decimal(12,2)'}}",
        "{from: db, table: t, mode: merge, key: id, cursor: at, tie_breaker: id, late: 2h, delete: gone=yes}",
        "{from: db, table: t, mode: append, cursor: n, late: 1000, cursor_nulls: reject, max_rejects: 1%}",
        "{from: db, table: t, mode: replace, into: '\"my schema\".\"a.b\"', max_rejects: 0}",
    ])
    func jobsThatMakeSenseHaveNoProblems(_ text: String) throws {
        #expect(try problems(text).isEmpty)
    }

    @Test(arguments: [
        ("{from: db}", "1:1 job \"jobs.a\" does not say what to read"),
        ("{from: db, table: t, query: q}", "1:29 \"query\" cannot stand beside \"table\""),
        ("{from: db, table: t, parameters: {a: b}}", "1:34 \"parameters\" needs a query"),
        ("{from: db, table: t, mode: merge}", "1:28 mode merge needs a key"),
        ("{from: db, table: t, mode: merge, key: []}", "1:28 mode merge needs a key"),
        ("{from: db, table: t, delete: gone}", "1:30 \"delete\" works with mode merge only, this is append"),
        (
            "{from: db, table: t, mode: replace, cursor: at}",
            "1:45 mode replace reads everything, a cursor reads what is new"
        ),
        ("{from: db, table: t, late: 1h}", "1:28 \"late\" needs a cursor"),
        ("{from: db, table: t, tie_breaker: id}", "1:35 \"tie_breaker\" needs a cursor"),
        ("{from: db, table: t, cursor_nulls: fail}", "1:36 \"cursor_nulls\" needs a cursor"),
        (
            "{from: db, table: t, cursor: at, late: soon}",
            "1:40 \"jobs.a.late\" is \"soon\", a duration or a whole number was expected"
        ),
        (
            "{from: db, table: t, cursor: at, late: -1}",
            "1:40 \"jobs.a.late\" is \"-1\", a duration or a whole number was expected"
        ),
        (
            "{from: db, table: t, into: a.b.c}",
            "1:28 \"jobs.a.into\" is \"a.b.c\", a table or schema.table was expected"
        ),
        (
            "{from: db, table: t, max_rejects: some}",
            "1:35 \"jobs.a.max_rejects\" is \"some\", a number or a percentage was expected"
        ),
        (
            "{from: db, table: t, max_rejects: 101%}",
            "1:35 \"jobs.a.max_rejects\" is \"101%\", a number or a percentage was expected"
        ),
    ])
    func keysThatContradictEachOtherAreReportedWithTheirPlace(_ text: String, _ expected: String) throws {
        #expect(try problems(text) == [expected])
    }

    @Test func aTypeThatDoesNotReadIsNamed() throws {
        let found = try problems("{from: db, table: t, types: {a: int64, b: intt}}")
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("1:43 \"jobs.a.types.b\" is \"intt\": ") == true)
    }
}
