import Runs
import Sales
import Storage
import Support
import TestData
import Testing

@testable import Report

/// A document of so many valid records of 21.00.
private func batch(_ count: Int, from first: Int = 0) -> String {
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

@Suite("Runs of a report")
struct RunTests {
    let folder: Folder

    init() throws { folder = try Folder() }

    private func job(_ change: (inout ReportJob) -> Void = { _ in }) -> ReportJob {
        var job = ReportJob(name: "sales", input: ["in"])
        job.folder = folder.path
        job.html = false
        change(&job)
        return job
    }

    private func run(_ job: ReportJob, again: Bool = false, ledger: Bool = true) async throws -> ReportResult {
        var options = ReportOptions()
        options.again = again
        return try await ReportRun(
            "run", of: job, into: FolderStore("\(folder.path)/out"), ledger: ledger ? "\(folder.path)/ledger" : nil,
            options: options
        ).perform()
    }

    @Test(arguments: [1, 2, 5])
    func anyNumberOfThreadsEndsInTheSameReport(threads: Int) async throws {
        for number in 0..<7 { try await folder.write(batch(number, from: number * 10), to: "in/\(number).json") }
        let result = try await run(job { $0.threads = threads })
        #expect(result.inputs.map(\.records) == Array(0..<7))
        #expect(result.combined?.records == 21)
        #expect(result.shown?.summary.revenue == Amount(441))
        // Whatever the order in which inputs were done, the name follows from all of them.
        let alone = try await run(job { $0.threads = 1 }, again: true)
        #expect(alone.combined?.report == result.combined?.report)
    }

    @Test func aStoreInAndAStoreOutGiveWhatFoldersGive() async throws {
        let stores = try TestStores()
        let (input, output) = (try stores.store(at: "test://in"), try stores.store(at: "test://out"))
        for number in 0..<5 {
            try await folder.write(batch(number, from: number * 10), to: "in/\(number).json")
            try await input.write(batch(number, from: number * 10), to: "in/\(number).json")
        }
        _ = try await run(job())
        func remote() async throws -> ReportResult {
            try await ReportRun(
                "run", of: job { $0.input = ["test://in"] }, into: output, ledger: "\(folder.path)/remote",
                stores: stores
            ).perform()
        }
        let result = try await remote()
        #expect(result.written == 5 && result.combined?.report?.hasPrefix("test://out/") == true)
        let reports = try await folder.files("out").filter { !$0.contains("logs/") }
        #expect(!reports.isEmpty)
        let remoteReports = try await output.list("").filter { !$0.contains("logs/") }
        #expect(remoteReports.map { "out/\($0)" } == reports)
        // Known by the store's tag, and not read again.
        #expect(try await remote().known == 5)
        try await input.write(batch(2, from: 99), to: "in/3.json")
        let third = try await remote()
        #expect((third.known, third.written) == (4, 1))
    }

    @Test func withoutALedgerEverythingIsDoneAgainInTheSameFiles() async throws {
        try await folder.write(batch(1), to: "in/a.json")
        let first = try await run(job(), ledger: false)
        let files = try await folder.files("out").filter { !$0.contains("/logs/") }
        let second = try await run(job(), ledger: false)
        #expect((first.written, second.written) == (1, 1))
        #expect(try await folder.files("out").filter { !$0.contains("/logs/") } == files)
    }

    @Test func moreToBeWrittenIsNewWork() async throws {
        try await folder.write(batch(1), to: "in/a.json")
        #expect(try await run(job()).written == 1)
        #expect(try await run(job()).known == 1)
        #expect(try await run(job { $0.html = true }).written == 1)
        // Less is not.
        #expect(try await run(job()).known == 1)
        #expect(try await run(job(), again: true).written == 1)
    }

    @Test func onlyWhatMayGrowKeepsItsPartial() async throws {
        try await folder.write(batch(1), to: "in/a.json")
        _ = try await run(job { $0.input = ["in/a.json"] })
        #expect(try await folder.files("ledger/partials") == [])
        _ = try await run(job(), again: true)
        #expect(try await folder.files("ledger/partials").count == 1)
    }

    @Test func aCancelledRunLeavesNothingHalfDone() async throws {
        for number in 0..<20 { try await folder.write(batch(200), to: "in/\(number).json") }
        let work = Task { try await run(job()) }
        work.cancel()
        let outcome = await work.result
        #expect(throws: SluiceError.self) { try outcome.get() }
        #expect(try await folder.files().allSatisfy { !$0.contains(".partial") || $0.hasPrefix("ledger/partials") })
        #expect(try await run(job()).failure == nil)
    }

    @Test func aTimeoutEndsTheRun() async throws {
        try await folder.write(batch(1), to: "in/a.json")
        do {
            _ = try await run(job { $0.timeout = .zero })
        } catch let error as SluiceError {
            #expect(error.code == .timedOut)
        }
    }
}
