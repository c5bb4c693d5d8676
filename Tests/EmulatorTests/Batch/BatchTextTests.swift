import HTTPServer
import Support
import Testing

@testable import Emulator

/// What Batch writes as text.
@Suite struct BatchTextTests {
    @Test(arguments: [
        ("PT5M", 300.0), ("P7D", 604_800), ("PT1H30M", 5400), ("PT0.25S", 0.25), ("P1DT1S", 86_401), ("P1W", 604_800),
        ("P10675199DT2H48M5.4775807S", 922_337_203_685.477_6),
    ]) func durations(_ text: String, _ seconds: Double) {
        #expect(BatchText.seconds(text) == seconds)
    }

    @Test(arguments: ["", "P", "PT", "5M", "PT5", "PTM", "P5M", "PT-5M", "PT1..2S", "PT5MT", "P1H", "PT5é"])
    func noDurations(_ text: String) {
        #expect(BatchText.seconds(text) == nil)
    }

    @Test(arguments: [
        ("/bin/echo a  b", ["/bin/echo", "a", "b"]), ("  ", []), ("''", [""]), ("a'b c'd", ["ab cd"]),
        (#"sh -c "echo \"hi\" $x""#, ["sh", "-c", #"echo "hi" $x"#]), (#"a\ b"#, ["a b"]), (#"'a\b'"#, [#"a\b"#]),
        (#""a\nb""#, [#"a\nb"#]), (#"a\"#, [#"a\"#]), ("\"open end", ["open end"]), ("å\t'ü'", ["å", "ü"]),
    ]) func commandLines(_ line: String, _ words: [String]) {
        #expect(BatchText.words(line) == words)
    }

    @Test(arguments: [
        ("*.csv", "a.csv", true), ("*.csv", "d/a.csv", false), ("**/*.csv", "d/e/a.csv", true),
        ("**/*.csv", "a.csv", true),
        ("../std*.txt", "../stdout.txt", true), ("../std*.txt", "stdout.txt", false), ("out/**", "out/a/b", true),
        ("?.txt", "a.txt", true), ("?.txt", "/.txt", false), ("a", "a", true), ("", "", true), ("*", "", true),
        ("a*b*c", "axxbyyc", true),
    ]) func patterns(_ pattern: String, _ path: String, _ fits: Bool) {
        #expect(BatchPattern.matches(pattern, path) == fits)
    }

    @Test func noPatternIsSlow() {
        let path = String(repeating: "a", count: 2000)
        #expect(!BatchPattern.matches(String(repeating: "*a", count: 400) + "b", path))
        #expect(!BatchPattern.matches(String(repeating: "**/", count: 200) + "b", path))
    }

    @Test(arguments: ["../x", "a/../b", "a/./b", "", "/", "a\0b"]) func filesStayBelowTheirTask(_ name: String) {
        #expect(BatchFiles.path(name, below: "/tmp") == nil)
    }

    static let task: JSONText = [
        "id": "Run-1", "state": "completed", "creationTime": "2026-11-21T05:32:56.000000Z", "priority": 5,
        "executionInfo": ["result": "failure", "exitCode": 7],
    ]

    @Test(arguments: [
        ("state eq 'completed'", true), ("state ne 'completed'", false), ("executionInfo/result eq 'failure'", true),
        ("executionInfo/exitCode gt 6 and executionInfo/exitCode le 7", true), ("startswith(id, 'Run-')", true),
        ("not startswith(id, 'x') and (state eq 'active' or priority ge 5)", true),
        ("creationTime lt DateTime'2026-11-22T00:00:00Z'", true), ("creationTime ge datetime'2026-11-22'", false),
        ("none eq 'x'", false), ("none ne 'x'", true),
    ]) func filters(_ text: String, _ holds: Bool) throws {
        #expect(try BatchFilter(text).holds(for: Self.task) == holds)
    }

    @Test(arguments: [
        "", "state", "state eq", "state is 'x'", "(state eq 'x'", "state eq 'x' and", "startswith(id 'x')",
        "state eq 'x", "1 eq 1",
        "state eq x", String(repeating: "(", count: 50) + "a eq 1", String(repeating: "not ", count: 50) + "a eq 1",
    ]) func noFilters(_ text: String) {
        #expect(throws: BatchFault.self) { try BatchFilter(text) }
    }

    @Test func whatIsSigned() {
        let request = ServerRequest(
            method: "POST", target: "/jobs/a/terminate?timeout=30&api-version=2024-07-01.20.0",
            headers: [
                "ocp-date": "Sat, 21 Nov 2026 05:32:56 GMT", "Content-Type": "application/json; odata=minimalmetadata",
            ])
        #expect(
            BatchService.stringToSign(request, account: "shop")
                == "POST\n\n\n0\n\napplication/json; odata=minimalmetadata\n\n\n\n\n\n\nocp-date:Sat, 21 Nov 2026 05:32:56 GMT\n/shop/jobs/a/terminate\napi-version:2024-07-01.20.0\ntimeout:30"
        )
    }
}
