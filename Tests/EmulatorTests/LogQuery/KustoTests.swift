import Support
import Testing

@testable import Emulator

@Suite struct KustoTests {
    private static let now = Moment(iso: "2026-11-21T12:00:00Z") ?? .now
    private static let table = KustoTable(
        columns: [("Time", "datetime"), ("Job_s", "string"), ("Log_s", "string"), ("n", "real")],
        rows: [
            ("2026-11-21T11:00:00Z", "orders", "Error: no such table", 3.5),
            ("2026-11-21T11:30:00Z", "orders", "done", 1),
            ("2026-11-20T00:00:00Z", "sales", "it's error_free", 2), ("2026-11-21T11:59:00Z", "Orders-2", "", 4),
        ].map { [.datetime(Moment(iso: $0.0) ?? .now), .string($0.1), .string($0.2), .real($0.3)] })

    private func run(_ text: String) throws(KustoProblem) -> KustoTable {
        try KustoRun(now: Self.now).run(try KustoQuery("T " + text), on: Self.table)
    }

    /// Which rows a condition lets through, by their numbers.
    @Test(arguments: [
        ("Job_s == 'orders'", [0, 1]), ("Job_s =~ 'ORDERS'", [0, 1]), ("Job_s != \"orders\"", [2, 3]),
        ("Job_s startswith 'order'", [0, 1, 3]), ("Job_s startswith_cs 'order'", [0, 1]),
        ("Job_s !startswith 'O'", [2]),
        ("Log_s has 'error'", [0, 2]), ("Log_s has 'err'", []), ("Log_s has 'such table'", [0]),
        ("Log_s contains 'error'", [0, 2]), ("Log_s contains_cs 'Error'", [0]),
        ("Log_s endswith 'table'", [0]), ("Log_s !contains 'e'", [3]), ("Job_s in ('sales', 'x')", [2]),
        ("Job_s !in ('sales', 'x')", [0, 1, 3]), ("Job_s in~ ('SALES')", [2]), ("n > 2", [0, 3]),
        ("n between (1 .. 2)", [1, 2]),
        ("Time > ago(45m)", [1, 3]), ("Time between (datetime(2026-11-20) .. datetime(2026-11-21 11:10:00))", [0, 2]),
        ("Time >= datetime(2026-11-21T11:30:00Z) and n < 4", [1]), ("n == 1 or Job_s == 'sales' and n == 2", [1, 2]),
        ("(n == 1 or Job_s == 'sales') and n == 2", [2]), ("Log_s == @'it''s error_free'", [2]),
        ("Log_s == 'it\\'s error_free'", [2]),
        ("isempty(Log_s)", [3]), ("not(isempty(Log_s))", [0, 1, 2]), ("tolower(Job_s) == 'orders-2'", [3]),
        ("column_ifexists('Nothing_s', 'x') == 'x' and n == 1", [1]), ("column_ifexists('Job_s', '') == 'sales'", [2]),
        ("Time < now() - 1h", [2]), ("n > -1", [0, 1, 2, 3]), ("['Job_s'] == 'sales'", [2]), ("false", []),
        ("strlen(Log_s) > 10", [0, 2]),
    ])
    func conditionsChoose(condition: String, rows: [Int]) throws {
        let found = try run("| where \(condition)").rows
        #expect(found == rows.map { Self.table.rows[$0] }, "\(condition)")
    }

    @Test func operatorsFollowEachOther() throws {
        let table = try run(
            "| where n > 1 | extend Both = strcat(Job_s, ':', Log_s) | project n, Both | order by n asc | take 2")
        #expect(table.columns.map(\.name) == ["n", "Both"])
        #expect(
            table.rows == [
                [.real(2), .string("sales:it's error_free")], [.real(3.5), .string("orders:Error: no such table")],
            ])
        #expect(try run("| top 1 by Time desc | project Job_s").rows == [[.string("Orders-2")]])
        #expect(
            try run("| sort by Job_s asc, n | project n").rows == [[.real(4)], [.real(3.5)], [.real(1)], [.real(2)]])
        #expect(try run("| order by n | project n").rows.first == [.real(4)])
        #expect(try run("| distinct Job_s | count").rows == [[.long(3)]])
        #expect(try run("| project-away Time, n").columns.map(\.name) == ["Job_s", "Log_s"])
        #expect(try run("| project Job = Job_s, n // said\n | take 0;").columns.map(\.name) == ["Job", "n"])
    }

    @Test(
        arguments: [
            ("| where", .syntax), ("| where n ==", .syntax), ("| where (n == 1", .syntax), ("| where 'x", .syntax),
            ("where n", .syntax),
            ("| where n == 5parsecs", .syntax), ("| take many", .syntax), ("| where n ? 1", .syntax),
            ("| where x.y == 1", .notPlayed),
            ("| where datetime(soon) > now()", .syntax), ("| order n", .syntax), ("| where n == 1 | ", .syntax),
            ("| where Missing == 1", .semantic), ("| project Missing", .semantic), ("| where ago() > now()", .semantic),
            ("| summarize count()", .notPlayed), ("| join kind=inner (X) on Y", .notPlayed),
            ("| parse Log_s with *", .notPlayed),
            ("| where Log_s matches regex 'x'", .notPlayed), ("| where hash(Log_s) == 1", .notPlayed),
            ("| mv-expand x", .notPlayed),
            ("| where n * 2 == 4", .notPlayed), ("| render timechart", .notPlayed),
            ("| project-rename a = b", .notPlayed),
        ] as [(String, KustoProblem.Kind)])
    func refusesByName(text: String, kind: KustoProblem.Kind) {
        do throws(KustoProblem) {
            _ = try run(text)
            Issue.record("\(text) was answered")
        } catch {
            #expect(error.kind == kind, "\(text): \(error.message)")
        }
    }

    @Test(arguments: ["let x = 1; T", "union T, X", "print 1", "range x from 1 to 2 step 1", "T() | take 1"])
    func refusesOtherBeginnings(text: String) {
        #expect(throws: KustoProblem.self) { try KustoQuery(text) }
    }

    @Test(.timeLimit(.minutes(1))) func hostileQueriesEnd() {
        for text in [
            "T | where " + String(repeating: "(", count: 100_000),
            "T | where " + String(repeating: "-", count: 100_000) + "1",
            "T | where " + String(repeating: "not(", count: 60_000), String(repeating: "x", count: 300_000),
            "T | where n == 99999999999999999999999999d",
            "T | where n == 1" + String(repeating: " or n == 1", count: 20_000),
            "T | where Time > ago(9999999999999d)", "T | project x = -9223372036854775807 - 9",
            "T | where n == 1" + String(repeating: " + 1", count: 50_000), "\u{0}",
            "T | where Log_s == '\\",
        ] {
            _ = try? KustoRun(now: Self.now).run(try KustoQuery(text), on: Self.table)
        }
    }

    @Test(arguments: [
        ("PT1H", "2026-11-21T11:00:00Z", "2026-11-21T12:00:00Z"),
        ("P1DT1H", "2026-11-20T11:00:00Z", "2026-11-21T12:00:00Z"),
        ("2026-01-01/2026-01-02", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
        ("2026-01-01T00:00:00Z/PT30M", "2026-01-01T00:00:00Z", "2026-01-01T00:30:00Z"),
    ])
    func readsTimespans(text: String, from: String, to: String) throws {
        let span = try #require(LogQueryService.span(text, now: Self.now))
        #expect(span == (try #require(Moment(iso: from)))...(try #require(Moment(iso: to))))
    }

    @Test(arguments: [
        "", "1h", "P", "PT", "2026-01-02/2026-01-01", "a/b", "PT1H/PT1H", "P1H", "PT9999999999999D", "PT1",
    ])
    func refusesTimespans(text: String) { #expect(LogQueryService.span(text, now: Self.now) == nil) }
}
