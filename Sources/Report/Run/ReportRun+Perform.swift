import Glibc
import Runs
import Sales
import Storage
public import Support

extension ReportRun {
    /// Does it.
    ///
    /// - throws: `SluiceError` when nothing could be tried, or the run was stopped. What went wrong with an input is in
    ///   its outcome.
    @concurrent public func perform() async throws(SluiceError) -> ReportResult {
        guard let timeout = job.timeout else { return try await performAll() }
        let outcome = await withTaskGroup(of: Result<ReportResult, SluiceError>?.self) { group in
            group.addTask {
                do throws(SluiceError) { return .success(try await performAll()) } catch { return .failure(error) }
            }
            group.addTask {
                // Cancelled when the work is done first.
                do { try await Task.sleep(for: timeout) } catch { return nil }
                return .failure(
                    SluiceError(
                        .timedOut, "the run took longer than \(Quantities.describe(timeout))",
                        hint: "raise \"timeout\" of the job"))
            }
            var first: Result<ReportResult, SluiceError>?
            while let ended = await group.next() {
                if first == nil, let ended { first = ended }
                group.cancelAll()
            }
            return first ?? .failure(SluiceError(.cancelled, "the run was cancelled"))
        }
        return try outcome.get()
    }

    private func performAll() async throws(SluiceError) -> ReportResult {
        if case .task(let id) = share { return try await SpreadWork(self).perform(id) }
        monitor.enter("looking for inputs")
        let inputs = try await inputs()
        let ledger: ReportLedger?
        if let ledgerFolder { ledger = try await ReportLedger.open(ledgerFolder) } else { ledger = nil }
        let result: Result<ReportResult, SluiceError>
        do throws(SluiceError) {
            result = .success(try await perform(inputs, ledger))
        } catch {
            result = .failure(error)
        }
        await ledger?.close()
        return try result.get()
    }

    private func perform(_ inputs: [ReportInput], _ ledger: ReportLedger?) async throws(SluiceError) -> ReportResult {
        let collection = ReportCollector(self, ledger, isCombined: job.isCombined(inputs.count), count: inputs.count)
        let result: Result<ReportResult, SluiceError>
        do throws(SluiceError) {
            result = .success(try await perform(inputs, ledger, collection))
        } catch {
            result = .failure(error)
        }
        await collection.close()
        return try result.get()
    }

    private func perform(
        _ inputs: [ReportInput], _ ledger: ReportLedger?, _ collection: ReportCollector
    ) async throws(SluiceError) -> ReportResult {
        var result = ReportResult(run: id)
        let threads = job.threads ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        var stamps: [FileStamp?] = []
        for input in inputs { stamps.append(input.isStandardInput ? nil : try await FileStamp(input.place)) }
        monitor.expect(stamps.contains { $0 == nil } ? nil : stamps.reduce(0) { $0 + ($1?.size ?? 0) })

        // Small files stand side by side, one thread each; a large one has all threads to itself.
        let isLarge = { (index: Int) in (stamps[index]?.size ?? .max) >= ReportRun.largeFile || threads == 1 }
        let large = inputs.indices.filter(isLarge)
        let small = inputs.indices.filter { !isLarge($0) }
        for index in large {
            let work = InputWork(self, inputs[index], stamps[index], ledger, threads: threads)
            try await collection.take(await work.perform())
        }
        let failure: SluiceError? = await withTaskGroup(of: InputWork.Outcome.self) { group in
            var waiting = small[...]
            func begin() {
                guard let index = waiting.popFirst() else { return }
                let work = InputWork(
                    self, inputs[index], stamps[index], ledger, threads: small.count == 1 ? threads : 1)
                group.addTask { await work.perform() }
            }
            for _ in 0..<threads { begin() }
            var failure: SluiceError?
            while let outcome = await group.next() {
                if failure != nil { continue }
                do throws(SluiceError) {
                    try await collection.take(outcome)
                    begin()
                } catch {
                    failure = error
                    group.cancelAll()
                }
            }
            return failure
        }
        if let failure { throw failure }
        try await collection.finish(into: &result)
        return result
    }

    /// From this size on a file is divided among threads.
    private static var largeFile: Int { 32 << 20 }
}
