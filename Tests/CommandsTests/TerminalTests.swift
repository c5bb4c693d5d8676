import Support
import Synchronization
import Testing

@testable import Commands

@Suite struct DisplayTests {
    @Test(arguments: [
        ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("日本", 4), ("한글", 4), ("\u{1112}\u{1161}\u{11ab}", 2),
        ("ｱ", 1), ("Ａ", 2), ("👍", 2), ("👍🏽", 2), ("👨‍👩‍👧‍👦", 2), ("🇩🇪", 2), ("❤\u{fe0f}", 2), ("a\u{200b}b", 2), ("ก็", 1),
        ("…", 1), ("─", 1), ("𠀀", 2), ("ß", 1), ("a\u{ad}b", 2), ("①", 1), ("\u{feff}x", 1),
    ])
    func textTakesAsManyColumnsAsATerminalGivesIt(text: String, columns: Int) {
        #expect(Display.width(text) == columns)
    }

    @Test(arguments: [
        ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("日本語", 5, "日本…"), ("日本語", 4, "日…"), ("日本語", 6, "日本語"), ("abc", 1, "…"),
        ("abc", 0, ""), ("", 0, ""), ("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 3, "👨‍👩‍👧‍👦…"),
    ])
    func textIsCutBetweenCharacters(text: String, room: Int, cut: String) {
        #expect(Display.cut(text, to: room) == cut)
        #expect(Display.width(Display.cut(text, to: room)) <= room)
    }

    @Test func nothingThatATerminalWouldActOnIsLeft() {
        #expect(Display.safe("a\u{1b}[2Jb\n\t\r\u{7}\u{9b}\u{202e}é") == "a\\u{1b}[2Jb\\n\\t\\r\\u{7}\\u{9b}\\u{202e}é")
    }
}

@Suite struct TableRendererTests {
    private func table(_ width: Int?, color: Bool = false) -> (lines: [String], hidden: [String]) {
        let columns: [TableRenderer.Column] = [
            .init(title: "id", subtitle: "int64", isNumber: true), .init(title: "name", subtitle: "utf8"),
            .init(title: "price", subtitle: "decimal(9,2)", isNumber: true), .init(title: "note", subtitle: "utf8"),
        ]
        return TableRenderer(columns, width: width, color: color).render([
            [.text("1"), .text("東京タワー"), .text("12.50"), .null],
            [.text("20"), .text("null"), .text("-3.00"), .text("a long note that goes on and on, over the edge")],
            [.text("300"), .text(""), .null, .text("tab\tand\u{1b}[31m")],
        ])
    }

    @Test func withoutATerminalNothingIsCut() {
        let (lines, hidden) = table(nil)
        #expect(hidden.isEmpty)
        #expect(
            lines.joined(separator: "\n") == """
                   id  name               price  note
                int64  utf8        decimal(9,2)  utf8
                ─────  ──────────  ────────────  ──────────────────────────────────────────────
                    1  東京タワー         12.50  null
                   20  "null"             -3.00  a long note that goes on and on, over the edge
                  300  ""                  null  tab\\tand\\u{1b}[31m
                """)
    }

    @Test func textGivesWayBeforeNumbersDo() {
        let (lines, hidden) = table(50)
        #expect(hidden.isEmpty)
        #expect(lines[4] == #"   20  "null"             -3.00  a long note that…"#)
        #expect(lines.allSatisfy { Display.width($0) <= 50 })
    }

    @Test func columnsThatDoNotFitAreCounted() {
        let (lines, hidden) = table(32)
        #expect(hidden == ["note"])
        #expect(lines[3] == "    1  東京タワー         12.50")
    }

    @Test(arguments: 1...60)
    func noLineIsWiderThanTheTerminal(width: Int) {
        let (lines, hidden) = table(width)
        #expect(lines.allSatisfy { Display.width($0) <= width })
        #expect(hidden.count < 4)
    }

    @Test func aTerminalWithoutWidthIsLegal() {
        #expect(table(0).lines == table(80).lines)
        #expect(table(-1).lines == table(80).lines)
    }

    @Test func nullsAreDim() {
        #expect(table(nil, color: true).lines[3].contains("\u{1b}[2mnull"))
        #expect(!table(nil, color: true).lines[4].contains("\u{1b}[2m"))
    }

    @Test func aTableWithoutColumnsOrRowsIsDrawn() {
        #expect(TableRenderer([], width: 10).render([[], []]).hidden.isEmpty)
        #expect(TableRenderer([.init(title: "a")], width: 10).render([]).lines == ["a", "─"])
    }
}

@Suite struct ProgressTests {
    let half = ProgressMeasure(rows: 1_234_567, bytes: 50_000_000, totalBytes: 100_000_000)

    @Test func nothingIsDrawnBefore400Milliseconds() {
        var view = ProgressView("work", style: .bar(80), start: .seconds(5))
        #expect(view.frame(half, at: .milliseconds(5399)) == nil)
        #expect(view.frame(half, at: .milliseconds(5400)) != nil)
        #expect(view.frame(half, at: .milliseconds(5450)) == nil)
        #expect(view.frame(half, at: .milliseconds(5500)) != nil)
    }

    @Test func aBarShowsShareRowsBytesRateAndTimeLeft() {
        var view = ProgressView("orders.csv", style: .bar(100), start: .zero)
        #expect(
            view.frame(half, at: .seconds(2))
                == "orders.csv  ━━━━━━━━────────  50%  1,234,567 rows  50.0 MB of 100 MB  25.0 MB/s  2.00 s left")
    }

    @Test func withoutATerminalThereIsALineInTenSeconds() {
        var view = ProgressView("orders.csv", style: .lines, start: .zero)
        #expect(view.frame(half, at: .seconds(9)) == nil)
        #expect(
            view.frame(half, at: .seconds(10))
                == "orders.csv  50%  1,234,567 rows  50.0 MB of 100 MB  5.00 MB/s  10.0 s left")
        #expect(view.frame(half, at: .seconds(19)) == nil)
        #expect(view.frame(half, at: .seconds(20)) != nil)
    }

    @Test(arguments: 0...120)
    func aBarFitsEveryTerminal(width: Int) {
        var view = ProgressView("日本語のファイル.csv", style: .bar(width), start: .zero)
        for (step, bytes) in [0, 1, 50_000_000, 100_000_000, 200_000_000, Int.max].enumerated() {
            let measure = ProgressMeasure(rows: bytes, bytes: bytes, totalBytes: step % 2 == 0 ? 100_000_000 : nil)
            let line = view.frame(measure, at: .seconds(step + 1)) ?? ""
            #expect(Display.width(line) <= max(0, width - 1))
        }
    }

    /// Works until the progress has been shown, or for a moment where there will be none to see.
    private func run(
        _ terminal: Terminal, quiet: Bool = false, isShown: Bool = false
    ) async throws -> (result: Int, messages: String) {
        let (messages, said) = TextOutput.memory()
        let (output, _) = TextOutput.memory()
        let clock = JumpingClock()
        var context = Context(
            output: output, messages: messages, input: { MemoryInput(source: MemorySource(.empty)) },
            binaryOutput: { OutputSink(output) }, terminal: terminal, now: { clock.tick() })
        context.options.isQuiet = quiet
        let result = try await context.withProgress("work", { half }) {
            for _ in 0..<(isShown ? 3000 : 30) where !isShown || said().isEmpty {
                try await Task.sleep(for: .milliseconds(10))
            }
            context.messages.print("said meanwhile")
            return 7
        }
        return (result, said())
    }

    /// A clock that goes on by a second whenever somebody looks at it.
    private final class JumpingClock: Sendable {
        private let seconds = Mutex(0)
        func tick() -> Duration {
            seconds.withLock {
                $0 += 1
                return .seconds($0)
            }
        }
    }

    @Test func progressComesAndGoesAndLeavesTheResultAlone() async throws {
        let (result, messages) = try await run(Terminal(messagesAreTerminal: true, width: 80), isShown: true)
        #expect(result == 7)
        #expect(messages.hasPrefix("work  ━"))
        #expect(messages.contains("\r\u{1b}[Ksaid meanwhile\n"))
        #expect(messages.hasSuffix("\n") || messages.hasSuffix("\r\u{1b}[K"))
    }

    @Test func aTerminalWithoutWidthGetsLines() async throws {
        let (result, messages) = try await run(Terminal(messagesAreTerminal: true, width: 0))
        #expect(result == 7)
        #expect(!messages.contains("\u{1b}"))
    }

    @Test func quietMeansNoProgress() async throws {
        let (result, messages) = try await run(Terminal(messagesAreTerminal: true, width: 80), quiet: true)
        #expect(result == 7)
        #expect(messages == "said meanwhile\n")
    }
}
