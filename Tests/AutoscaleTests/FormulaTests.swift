import Autoscale
import Support
import Testing

/// What formulas mean, and what they are refused for.
@Suite struct FormulaTests {
    static let now = Moment(seconds: 1_795_239_176)  // Saturday, 2026-11-21T05:32:56Z

    /// A sample every 30 seconds for the last `minutes`: 1, 2, 3 … from the oldest on.
    static func history(minutes: Int = 10, delay: Double = 0) -> AutoscaleHistory {
        var history = AutoscaleHistory(delay: delay)
        for index in 1...(minutes * 2) {
            let time = Moment(microseconds: now.microseconds - Int64(minutes * 2 - index) * 30_000_000)
            history.add("$PendingTasks", Double(index), at: time)
        }
        return history
    }

    static func evaluate(_ formula: String, _ history: AutoscaleHistory = history()) throws(SluiceError)
        -> AutoscaleResult
    {
        try AutoscaleFormula(formula).evaluate(
            AutoscaleConditions(
                now: now, history: history, targetDedicated: 2, targetLowPriority: 1, currentDedicated: 3,
                currentLowPriority: 4))
    }

    /// What `x` is in the end, as Batch tells it.
    static func value(_ expression: String) throws(SluiceError) -> String {
        let text = try evaluate("x = \(expression);").text
        return text.split(separator: ";").last { $0.hasPrefix("x=") }.map { String($0.dropFirst(2)) } ?? text
    }

    @Test(arguments: [
        ("1 + 2 * 3", "7"), ("(1 + 2) * 3", "9"), ("10 - 4 - 3", "3"), ("16 / 4 / 2", "2"), ("-2 * -3", "6"),
        ("- - 5", "5"), ("!0", "1"), ("!3", "0"), (".5 + 1e1", "10.5"), ("1 < 2", "1"), ("2 <= 1", "0"),
        ("1 == 1 && 0 != 1", "1"), ("0 || 0", "0"), ("1 || $PendingTasks", "1"), ("0 && nothing()", "0"),
        ("1 ? 2 : 3", "2"), ("0 ? 2 : 0 ? 3 : 4", "4"), ("0.5 ? 7 : 8", "7"), ("1 + 1 > 1 ? 1 : 0", "1"),
        ("vec(1, 2) + 1", "[2,3]"), ("vec(1, 2) * vec(3, 4)", "[3,8]"), ("10 - vec(1, 2)", "[9,8]"),
        ("-vec(1, 2)", "[-1,-2]"), ("\"a\" < \"b\"", "1"), ("'a' == 'a'", "1"),
    ]) func operators(_ expression: String, _ expected: String) throws {
        #expect(try Self.value(expression) == expected)
    }

    @Test(arguments: [
        ("avg(1, 2, vec(3, 6))", "3"), ("len(vec(1, 2), 3)", "3"), ("lg(8)", "3"), ("lg(vec(8))", "[3]"),
        ("ln(1)", "0"),
        ("log(1000)", "3"), ("max(1, vec(5, 2))", "5"), ("min(4, vec(5, 2))", "2"), ("norm(3, 4)", "5"),
        ("percentile(vec(1, 2, 3, 4, 5), 50)", "3"), ("percentile(vec(1, 2), 75)", "1.75"),
        ("percentile(vec(9, 1), 100)", "9"), ("range(3, 9, 5)", "6"), ("std(2, 4, 4, 4, 5, 5, 7, 9) > 2.138", "1"),
        ("std(5)", "0"), ("sum(1, vec(2, 3))", "6"), ("sum()", "0"), ("val(vec(7, 8, 9), 1)", "8"), ("round(2.5)", "3"),
        ("ceil(2.1)", "3"), ("floor(vec(2.9, -1.5))", "[2,-2]"), ("rand() >= 0 && rand() < 1", "1"),
        ("rand() == rand()", "0"),
    ]) func functions(_ expression: String, _ expected: String) throws {
        #expect(try Self.value(expression) == expected)
    }

    @Test(arguments: [
        ("time().year", "2026"), ("time().month", "11"), ("time().day", "21"), ("time().weekday", "6"),
        ("time().hour", "5"), ("time().minute", "32"), ("time().second", "56"),
        ("time(\"2026-11-22\").weekday", "0"), ("time(\"Sat, 21 Nov 2026 05:32:56 GMT\") == time()", "1"),
        ("time(\"1969-12-31T23:59:59Z\").second", "59"), ("time(\"1969-12-31T23:59:59Z\").weekday", "3"),
        ("time() - time(\"2026-11-21T05:30:56Z\") == 2 * TimeInterval_Minute", "1"),
        ("time() + TimeInterval_Day * 1 > time()", "1"), ("(time() - TimeInterval_Week).day", "14"),
        ("(TimeInterval_Day + time()).day", "22"), ("TimeInterval_Hour / 2 - TimeInterval_Minute", "1740s"),
        ("-TimeInterval_Second < TimeInterval_Zero", "1"), ("TimeInterval_Second / 10", "0.1s"),
        ("time()", "2026-11-21T05:32:56Z"), ("TimeInterval_Year > TimeInterval_Week", "1"),
    ]) func timesAndIntervals(_ expression: String, _ expected: String) throws {
        #expect(try Self.value(expression) == expected)
    }

    @Test(arguments: [
        ("$PendingTasks.GetSample(3)", "[18,19,20]"), ("$PendingTasks.GetSample(0)", "[]"),
        ("$PendingTasks.GetSample(TimeInterval_Minute)", "[19,20]"),
        ("$PendingTasks.GetSample(1 * TimeInterval_Minute, 2 * TimeInterval_Minute)", "[17,18]"),
        ("$PendingTasks.GetSample(2 * TimeInterval_Minute, TimeInterval_Minute)", "[17,18]"),
        ("$PendingTasks.GetSample(time() - TimeInterval_Minute)", "[19,20]"),
        ("$PendingTasks.GetSample(TimeInterval_Minute * 10, 95).x == 0 ? 1 : 1", ""),
        ("len($PendingTasks.GetSample(TimeInterval_Minute * 10, 95))", "20"),
        ("$PendingTasks.GetSamplePercent(TimeInterval_Minute * 20)", "50"),
        ("$PendingTasks.GetSamplePercent(TimeInterval_Minute * 12, TimeInterval_Minute * 8)", "50"),
        ("$PendingTasks.GetSamplePeriod()", "30s"), ("$PendingTasks.Count()", "20"), ("$ActiveTasks.Count()", "0"),
        ("$PendingTasks.HistoryBeginTime()", "2026-11-21T05:23:26Z"), ("$CurrentDedicatedNodes * 2", "6"),
        ("$TargetDedicatedNodes + $TargetLowPriority", "3"), ("max(0, $ActiveTasks.GetSample(1))", "0"),
    ]) func samples(_ expression: String, _ expected: String) throws {
        if expected.isEmpty {
            #expect(throws: SluiceError.self) { try Self.value(expression) }
        } else {
            #expect(try Self.value(expression) == expected)
        }
    }

    @Test func samplesAreSeenLater() throws {
        let result = try Self.evaluate(
            "x = $PendingTasks.GetSample(1); $TargetDedicatedNodes = x;", Self.history(delay: 60))
        #expect(result.targetDedicated == 18)
    }

    @Test func whatIsSetIsWanted() throws {
        let result = try Self.evaluate(
            """
            // The formula of the documents.
            startingNumberOfVMs = 1; /* at
            first */ maxNumberofVMs = 25;
            pendingTaskSamplePercent = $PendingTasks.GetSamplePercent(180 * TimeInterval_Second);
            pendingTaskSamples = pendingTaskSamplePercent < 70 ? startingNumberOfVMs : avg($PendingTasks.GetSample(180 * TimeInterval_Second));
            $TargetDedicatedNodes=min(maxNumberofVMs, pendingTaskSamples);
            $NodeDeallocationOption = taskcompletion
            """)
        #expect(result.targetDedicated == 17)
        #expect(result.targetLowPriority == 1)
        #expect(result.deallocation == .taskcompletion)
        #expect(
            result.text
                == "$TargetDedicatedNodes=17;$TargetLowPriorityNodes=1;$NodeDeallocationOption=taskcompletion;startingNumberOfVMs=1;maxNumberofVMs=25;pendingTaskSamplePercent=100;pendingTaskSamples=17.5"
        )
        #expect(try Self.evaluate("$TargetDedicated = 5; $TargetDedicatedNodes = 7;").targetDedicated == 7)
        #expect(try Self.evaluate("$TargetDedicated = 5;").targetDedicated == 5)
        #expect(try Self.evaluate("$TargetDedicatedNodes = 5; stop(); $TargetDedicatedNodes = 9;").targetDedicated == 5)
        #expect(try Self.evaluate("stop();").targetDedicated == 2)
    }

    @Test(arguments: [
        ("", 1, 1, "no statement"), ("x = ;", 1, 5, "a value was expected"), ("x = 1 y = 2;", 1, 7, "';' was expected"),
        ("x = 1;\n\n  y = (1 + 2;", 3, 13, "')' was expected"), ("x = max(1 2);", 1, 11, "',' or ')'"),
        ("x = 1 ? 2;", 1, 10, "':' was expected"), ("x = [1,2];", 1, 5, "no sign"), ("x = \"open;", 1, 5, "has no end"),
        ("/* x", 1, 1, "comment has no end"), ("$PendingTasks = 1;", 1, 1, "measured"),
        ("x = 1e999;", 1, 5, "too large"),
        ("$TargetDedicatedNode = 1;", 1, 1, "no variable"), ("x = 5a;", 1, 5, "followed by a letter"),
        ("TimeInterval_Day = 1;", 1, 1, "constant"), ("x = +1;", 1, 5, "a value"), ("x = $;", 1, 5, "name"),
        ("x = é;", 1, 5, "\"é\""), ("x = 1..2;", 1, 7, "method or member"), ("x = a.;", 1, 7, "method or member"),
    ]) func whatCannotBeRead(_ formula: String, _ line: Int, _ column: Int, _ words: String) throws {
        let error = try #require(throws: SluiceError.self) { try AutoscaleFormula(formula) }
        #expect(error.message.contains(words), "\(error)")
        #expect(error.place.line == line)
        #expect(error.message.hasPrefix("column \(column) of"), "\(error)")
    }

    @Test(arguments: [
        ("x = $PendingTasks + 1;", "GetSample"), ("x = y;", "not known"), ("x = agv(1);", "avg"),
        ("x = avg($ActiveTasks.GetSample(5));", "no values"), ("x = val(vec(1), 3);", "element 3"),
        ("x = time(\"soon\");", "no date"), ("x = time().weekdy;", "weekday"), ("x = time() + time();", "'+'"),
        ("x = \"a\" + 1;", "'+'"), ("x = 1 < \"a\";", "compare"), ("x = vec(1) + vec(1, 2);", "as many"),
        ("$TargetDedicatedNodes = 1 / 0;", "no number of nodes"), ("$TargetDedicatedNodes = 0 / 0;", "no number"),
        ("$TargetDedicatedNodes = -2;", "no number of nodes"), ("$TargetDedicatedNodes = \"a\";", "double"),
        ("$NodeDeallocationOption = 1;", "requeue"), ("x = $PendingTasks.GetSample();", "GetSample(count)"),
        ("x = $PendingTasks.GetSample(TimeInterval_Hour, 90);", "17 %"), ("x = percentile(vec(1), 200);", "0 to 100"),
        ("x = $PendingTasks.GetSamples(1);", "GetSample?"), ("x = (time() * 1);", "'*'"),
        ("x = max(time());", "timestamp"),
        ("x = $PendingTasks.GetSample(-1);", "samples"), ("x = stop(1);", "stop()"),
        ("x = (1).GetSample(1);", "metric"),
        ("x = (time() + TimeInterval_Year * 1e300).day;", "calendar"), ("x = rand(1);", "rand()"),
        ("x = $PendingTasks.GetSample(1e300);", "samples"), ("x = val(vec(1), 0/0);", "element"),
    ]) func whatCannotBeComputed(_ formula: String, _ words: String) throws {
        let error = try #require(throws: SluiceError.self) { try Self.evaluate(formula) }
        #expect((error.description + (error.hint ?? "")).contains(words), "\(error) \(error.hint ?? "")")
        #expect(error.place.line == 1)
    }

    @Test func hostileFormulasEnd() throws {
        let bombs = [
            "v = vec(1,2,3,4,5,6,7,8);" + String(repeating: "v = vec(v,v,v,v,v,v,v,v);", count: 90),
            "x = " + String(repeating: "(", count: 4000) + "1" + String(repeating: ")", count: 4000) + ";",
            "x = " + String(repeating: "1?", count: 2000) + "1;",
            "v = $PendingTasks.GetSample(TimeInterval_Year);"
                + String(repeating: "w = $PendingTasks.GetSample(TimeInterval_Year) * 2;", count: 90)
                + "$TargetDedicatedNodes = -5;",
            String(repeating: "x = 1;", count: 101), String(repeating: "x", count: 9000),
            "x = max" + String(repeating: "(max", count: 500),
        ]
        for bomb in bombs {
            #expect(throws: SluiceError.self) { try Self.evaluate(bomb) }
        }
        // Long, and harmless.
        #expect(try Self.value("0" + String(repeating: "+1", count: 4000)) == "4000")
        #expect(try Self.value(String(repeating: "-", count: 8000) + "1") == "1")
        #expect(try Self.value(String(repeating: "!", count: 7999) + "1") == "0")
    }

    @Test func noTextBringsItDown() {
        let pieces = [
            "$PendingTasks", ".GetSample(", "TimeInterval_Minute", "*", "(", ")", ",", "1", "0", "/", "?", ":", ";",
            "=", "x", "vec(",
            "time()", ".hour", "\"", "\n", "//", "/*", "-", "!", "&&", "<", "é", "\u{0}", "max(", "val(",
            "$TargetDedicatedNodes",
        ]
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 1...30, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }
            _ = try? Self.evaluate(text.joined())
        }
    }
}
