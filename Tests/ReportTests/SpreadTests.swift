import Runs
import Sales
import Storage
import Support
import TestData
import Testing

@testable import Report

/// The work of one run, divided into tasks.
@Suite struct SpreadTests {
    let folder: Folder
    private let output: FolderStore

    init() throws {
        folder = try Folder()
        output = FolderStore("\(folder.path)/out")
    }

    private func batch(_ count: Int, from first: Int) -> String {
        let records = (first..<first + count).map { number in
            """
            {"transaction_id": "t\(number)", "timestamp": "2025-01-01T10:00:00Z", "status": "completed",
             "customer": {"customer_id": "c\(number)", "email": "a@b.de"}, "payment_method": "Card",
             "line_items": [{"product_id": "p", "quantity": 2, "unit_price": 9.5, "subtotal": 19}],
             "subtotal": 19, "tax": 1.5, "shipping": 0.5, "total": 21}
            """
        }
        return #"{"transactions": ["# + records.joined(separator: ",") + "]}"
    }

    private func run(
        into output: FolderStore? = nil, again: Bool = false, _ change: (inout ReportJob) -> Void = { _ in }
    ) -> ReportRun {
        var job = ReportJob(name: "sales", input: ["in"])
        job.folder = folder.path
        job.html = false
        change(&job)
        var options = ReportOptions()
        options.again = again
        return ReportRun("run", of: job, into: output ?? self.output, ledger: nil, options: options)
    }

    private func write(_ numbers: Range<Int>) async throws {
        for number in numbers { try await folder.write(batch(number, from: number * 10), to: "in/\(number).json") }
    }

    @Test(arguments: [1, 3, 100]) func tasksEndInTheReportThatOneRunMakes(size: Int) async throws {
        try await write(0..<7)
        let spread = try await run().spread(size: size)
        #expect(spread.tasks.flatMap(\.inputs).sorted() == (0..<7).map { "in/\($0).json" })
        #expect(spread.tasks.count == (6 + size) / size)
        // In any order.
        for task in spread.tasks.reversed() {
            let result = try await run().share(task: task.id).perform()
            #expect(result.failures.isEmpty && result.written == task.inputs.count && result.combined == nil)
        }
        let last = try #require(spread.last)
        let divided = try await run().share(task: last.id).perform()
        let whole = try await run(into: FolderStore("\(folder.path)/whole")).perform()
        let names = [divided, whole].map { $0.combined?.report?.split(separator: "/").last }
        #expect(names[0] != nil && names[0] == names[1])
        #expect(divided.combined?.records == 21)
        let reports = try [divided, whole].map { result in
            try #require(result.shown).json().split(separator: "\n").filter {
                !$0.contains("processed_at") && !$0.contains("seconds")
            }
        }
        #expect(reports[0] == reports[1])
    }

    @Test func whatIsDoneIsNoTaskAgain() async throws {
        try await write(0..<4)
        let first = try await run().spread(size: 1)
        #expect((first.known, first.total, first.tasks.count) == (0, 4, 4))
        // The same work has the same tasks.
        #expect(try await run().spread(size: 1).tasks == first.tasks)
        for task in first.tasks.dropFirst() { _ = try await run().share(task: task.id).perform() }
        let rest = try await run().spread(size: 1)
        #expect(rest.tasks == [first.tasks[0]])
        #expect(rest.last == first.last)
        _ = try await run().share(task: first.tasks[0].id).perform()
        _ = try await run().share(task: try #require(first.last).id).perform()
        let none = try await run().spread(size: 1)
        #expect(none.isEmpty && none.known == 4)
        // A new input and a changed one are new work.
        try await write(5..<6)
        try await folder.write(batch(2, from: 999), to: "in/1.json")
        let more = try await run().spread(size: 1)
        #expect(more.known == 3 && more.tasks.count == 2 && more.last != nil && more.last != first.last)
        #expect(try await run(again: true).spread(size: 1).tasks.count == 5)
        // Other rules are other work.
        #expect(try await run { $0.rules.maxTotal = Amount(5) }.spread(size: 1).tasks.count == 5)
    }

    @Test func aTaskThatRunsTwiceDoesItsWorkOnce() async throws {
        try await write(1..<3)
        let spread = try await run().spread(size: 2)
        let task = try #require(spread.tasks.first)
        #expect(try await run().share(task: task.id).perform().written == 2)
        let files = try await folder.files("out")
        let again = try await run().share(task: task.id).perform()
        #expect(again.written == 0 && again.known == 2)
        #expect(try await folder.files("out") == files)
    }

    @Test func oneInputThatFailsKeepsNoOtherFromItsReport() async throws {
        try await write(1..<3)
        try await folder.write("{", to: "in/bad.json")
        let spread = try await run().spread(size: 3)
        let result = try await run().share(task: spread.tasks[0].id).perform()
        #expect(result.written == 2 && result.failures.map(\.input) == ["in/bad.json"])
        // The report over all would lack it.
        let last = try #require(spread.last)
        let error = await #expect(throws: SluiceError.self) { try await run().share(task: last.id).perform() }
        #expect(error?.code == .conflict)
        #expect(try await run().spread(size: 3).tasks.map(\.inputs) == [["in/bad.json"]])
    }

    @Test func anInputThatChangedMeanwhileIsNotTakenForWhatItWas() async throws {
        try await write(1..<2)
        let spread = try await run().spread(size: 1)
        try await folder.write(batch(5, from: 50), to: "in/1.json")
        let result = try await run().share(task: spread.tasks[0].id).perform()
        #expect(result.failures.first?.error?.code == .conflict)
        #expect(try await run().spread(size: 1).tasks.count == 1)
    }

    @Test(arguments: ["", "../x", "a/b", "part-0", "ü", "all-00000000000000000000000000000000"])
    func aTaskThatNobodyWroteDownIsNone(_ id: String) async throws {
        await #expect(throws: SluiceError.self) { try await run().share(task: id).perform() }
    }

    @Test func whatIsWrittenDownWrongIsTold() async throws {
        try await folder.write(
            #"{"inputs": [{"name": "x", "place": "y", "key": "../../z"}]}"#,
            to: "out/.sluice/work/sales/tasks/part-1.json")
        let error = await #expect(throws: SluiceError.self) { try await run().share(task: "part-1").perform() }
        #expect(error?.code == .invalidData)
    }
}
