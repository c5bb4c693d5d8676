import Autoscale
import Support
import Testing

/// What a pool on paper does.
@Suite struct SimulationTests {
    @Test(arguments: [false, true]) func theStandardFormulaFollowsTheLoad(_ isSpot: Bool) throws {
        let formula = try AutoscaleFormula.standard(nodes: 0...10, isSpot: isSpot)
        let rows = try AutoscaleSimulation(formula).run([AutoscaleLoad(after: 60, tasks: 200, seconds: 90)])
        let last = try #require(rows.last)
        #expect(last.ended == 200)
        #expect(last.nodes == 0 && last.targetDedicated == 0 && last.targetLowPriority == 0)
        #expect(rows.allSatisfy { $0.problem == nil })
        #expect(rows.map { isSpot ? $0.targetLowPriority : $0.targetDedicated }.max() == 10)
        #expect(rows.allSatisfy { (isSpot ? $0.targetDedicated : $0.targetLowPriority) == 0 })
        // Ten nodes need at least 200 × 90 seconds, and no node is kept for long behind that.
        #expect(last.nodeSeconds >= 18_000 && last.nodeSeconds < 18_000 * 1.8)
    }

    @Test func aPoolDoesNotShrinkUnderLongTasks() throws {
        // Tasks of an hour: none of them waits once they run.
        let load = [AutoscaleLoad(tasks: 10, seconds: 3600)]
        let formula = try AutoscaleFormula.standard(nodes: 0...10)
        let rows = try AutoscaleSimulation(formula).run(load)
        let busy = rows.filter { $0.running > 0 }
        #expect(busy.count > 8)
        #expect(busy.allSatisfy { $0.nodes == 10 })
        #expect(rows.last?.ended == 10)
        // One that looks at waiting tasks only, and does not let them end, runs them again and again.
        let fooled = try AutoscaleFormula("$TargetDedicatedNodes = min(5, max(0, $ActiveTasks.GetSample(1)));")
        var simulation = AutoscaleSimulation(fooled)
        simulation.limit = 7200
        #expect(try simulation.run([AutoscaleLoad(tasks: 5, seconds: 3600)]).last?.ended == 0)
    }

    @Test func slotsAndBoundsCount() throws {
        var simulation = AutoscaleSimulation(try AutoscaleFormula.standard(nodes: 1...4, slotsPerNode: 4))
        simulation.slotsPerNode = 4
        simulation.limit = 3600
        let rows = try simulation.run([AutoscaleLoad(tasks: 6, seconds: 600)])
        #expect(rows.map(\.targetDedicated).max() == 2)
        #expect(rows.last?.targetDedicated == 1)
        #expect(rows.last?.ended == 6)
    }

    @Test func whatCannotBeComputedIsTold() throws {
        let formula = try AutoscaleFormula(
            "$TargetDedicatedNodes = avg($PendingTasks.GetSample(TimeInterval_Hour, 90));")
        var simulation = AutoscaleSimulation(formula)
        simulation.limit = 900
        let rows = try simulation.run([AutoscaleLoad(tasks: 3, seconds: 60)])
        #expect(rows.count == 4)
        #expect(rows.allSatisfy { $0.problem?.contains("samples of $PendingTasks") == true && $0.targetDedicated == 0 })
    }

    @Test func tooMuchIsRefused() throws {
        let simulation = AutoscaleSimulation(try AutoscaleFormula.standard(nodes: 0...10))
        #expect(throws: SluiceError.self) { try simulation.run([AutoscaleLoad(tasks: 2_000_000, seconds: 1)]) }
        var long = simulation
        long.limit = .infinity
        #expect(throws: SluiceError.self) { try long.run([]) }
    }
}
