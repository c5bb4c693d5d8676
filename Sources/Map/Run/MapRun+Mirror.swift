import LakeTables
import Storage
import Support
import Warehouse

extension MapRun {
    /// Copies the tables of a lake, or finds out what that would do. What is wrong with one table leaves the others as they
    /// are.
    func mirror(
        _ catalogue: LakeCatalogue, _ lookups: [LakeTable], _ result: inout MapResult
    ) async throws(SluiceError) {
        guard let warehouse, warehouse.protocolName == job.dialect.rawValue else {
            throw SluiceError(
                .invalidConfiguration,
                "for \(job.dialect.rawValue) tables are copied into the warehouse, which is "
                    + (warehouse.map { "one of \($0.protocolName)" } ?? "not there"),
                hint: "set the project's warehouse to a URL of \(job.dialect.rawValue)")
        }
        let session = try await warehouse.connect(as: "sluice \(job.pipeline) \(id)")
        let failure: SluiceError?
        do throws(SluiceError) {
            try await mirror(catalogue, lookups, by: session, &result)
            failure = nil
        } catch {
            failure = error
        }
        await session.close()
        if let failure { throw failure }
    }

    private func mirror(
        _ catalogue: LakeCatalogue, _ lookups: [LakeTable], by session: any WarehouseSession, _ result: inout MapResult
    ) async throws(SluiceError) {
        if !options.plansOnly {
            try await session.prepare()
            try await session.lock(job.pipeline, wait: .seconds(30))
        }
        let dialect = makeDialect()
        let (named, problems) = names(catalogue.tables, lookups, by: dialect, held: [:])
        result.problems += problems
        let mirror = Mirror(
            run: id, job: job, lake: lake, monitor: monitor, session: session, isPreview: options.plansOnly)
        for item in named {
            let name = Display.safe(item.name)
            result.problems += item.table.conflicts.map { "\(name): \($0)" }
            do throws(SluiceError) {
                let step = try await mirror.step(item)
                if !options.plansOnly, [.create, .alter].contains(step.change.action) {
                    result.rowsLoaded += try await mirror.perform(step)
                }
                result.plan.changes.append(step.change)
                result.tables.append(
                    .init(
                        name: item.name, source: item.table.id, files: item.table.files.count, rows: item.table.rows,
                        bytes: item.table.bytes))
            } catch {
                // A lost connection or an interrupt concerns all that would follow, too.
                if error.isTransient || error.code == .cancelled || error.code == .permission { throw error }
                result.unmapped += 1
                result.problems.append("\(name) is not copied: \(error)")
            }
        }
        if named.isEmpty == false, result.unmapped == named.count {
            throw SluiceError(
                .conflict, "none of \(named.count) tables can be copied; the first: \(result.problems.last ?? "")")
        }
        result.isApplied = !options.plansOnly
    }
}
