import Support
import Testing

@testable import Sluice

@Suite struct OrderTests {
    /// Runs an order to its end, as many side by side as may be; the jobs in `failing` fail.
    private func play(_ order: JobOrder, failing: Set<String> = []) -> [[JobOrder.Step]] {
        var order = order
        var rounds: [[JobOrder.Step]] = []
        while true {
            var round: [JobOrder.Step] = []
            while let step = order.next() { round.append(step) }
            if round.isEmpty { return rounds }
            rounds.append(round)
            for case .run(let name) in round { order.end(name, succeeded: !failing.contains(name)) }
        }
    }

    @Test func jobsThatDoNotWaitForEachOtherMayRunAtOnce() {
        let order = JobOrder(["d", "c", "b", "a"], after: ["d": ["c"], "c": ["a", "b", "elsewhere"]])
        #expect(play(order) == [[.run("a"), .run("b")], [.run("c")], [.run("d")]].map { $0.sorted(by: order) })
        #expect(order.names == ["b", "a", "c", "d"])
        #expect(order.turns == [["b", "a"], ["c"], ["d"]])
    }

    @Test func aFailureKeepsThoseBehindItFromRunningAndNoOther() {
        let order = JobOrder(["a", "b", "c", "d"], after: ["b": ["a"], "c": ["b"]])
        #expect(
            play(order, failing: ["a"]) == [
                [.run("a"), .run("d")], [.leave("b", because: "a"), .leave("c", because: "b")],
            ])
    }

    /// Circles are refused when a project is read; whoever makes one of values gets an end all the same.
    @Test func aCircleHasAnEnd() {
        let order = JobOrder(["a", "b", "c"], after: ["a": ["b"], "b": ["a"], "c": ["c"]])
        #expect(Set(order.names) == ["a", "b", "c"])
        #expect(play(order) == [[.run("c")]])
        #expect(order.turns.flatMap { $0 }.count == 3)
    }

    @Test func manyJobsInARowAreOrderedSoonEnough() {
        let names = (0..<500).map { "j\($0)" }
        var after: [String: [String]] = [:]
        for number in 1..<500 { after["j\(number - 1)"] = ["j\(number)"] }
        #expect(JobOrder(names, after: after).names == names.reversed())
    }

    @Test(arguments: [
        (1, 10.0), (2, 20.0), (3, 40.0), (4, 60.0), (5, nil),
    ])
    func waitsGrowUpToALimit(tries: Int, seconds: Double?) {
        let rule = RetryRule(
            attempts: 5, delay: .seconds(10), factor: 2, longest: .seconds(60), retriesAll: false)
        let error = SluiceError(.inputOutput, "gone", isTransient: true)
        #expect(rule.pause(after: error, tries: tries) == seconds.map { .seconds($0) })
    }

    @Test func whatDoesNotGetBetterIsNotTriedAgain() {
        var rule = RetryRule(attempts: 5, delay: .zero, factor: 1, longest: .seconds(1), retriesAll: false)
        let lasting = SluiceError(.invalidData, "wrong")
        #expect(rule.pause(after: lasting, tries: 1) == nil)
        rule.retriesAll = true
        #expect(rule.pause(after: lasting, tries: 1) == .zero)
        for code in [SluiceError.Code.cancelled, .usage, .invalidConfiguration] {
            #expect(rule.pause(after: SluiceError(code, "x", isTransient: true), tries: 1) == nil)
        }
        #expect(RetryRule.never.pause(after: SluiceError(.inputOutput, "x", isTransient: true), tries: 1) == nil)
    }

    @Test func waysToStartNameThePlaceWhereThereIsOne() {
        let local = StartWays(job: "grants", environment: "prod")
        #expect(local.ways.map(\.lines).filter { !$0.isEmpty }.count == 2)
        #expect(local.ways[0].lines == ["sluice run grants --environment prod"])
        #expect(local.ways.allSatisfy { ($0.missing == nil) != $0.lines.isEmpty })
        let deployed = StartWays(
            job: "grants", environment: nil,
            platform: PlatformWays(commands: ["az containerapp job start --name g"], portal: ["Run now"]))
        #expect(deployed.ways[1].lines == ["az containerapp job start --name g"])
        #expect(deployed.ways.allSatisfy { $0.missing == nil })
    }
}

extension [JobOrder.Step] {
    /// In the order of the jobs.
    fileprivate func sorted(by order: JobOrder) -> [JobOrder.Step] {
        sorted { left, right in
            guard case .run(let one) = left, case .run(let other) = right else { return false }
            return (order.names.firstIndex(of: one) ?? 0) < (order.names.firstIndex(of: other) ?? 0)
        }
    }
}
