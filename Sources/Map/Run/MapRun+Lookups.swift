import Columns
import LakeTables
import Runs
import Storage
import Support

extension MapRun {
    /// Makes the tables of the job's lookups, or finds out what that would do; they join the catalogue's paths, as tables
    /// whose file is in the lake. What is wrong with one lookup leaves the others as they are.
    func lookupTables(
        _ catalogue: inout LakeCatalogue, _ result: inout MapResult
    ) async throws(SluiceError) -> [LakeTable] {
        if job.lookups.isEmpty || catalogue.parts.isEmpty { return [] }
        if !options.plansOnly { monitor.enter("writing lookups") }
        let files = LookupFiles(lake: lake, pipeline: job.pipeline)
        var rows = LookupRows(lake: lake, parallel: job.parallel, open: open)
        var tables: [LakeTable] = []
        var taken: Set<String> = []
        for lookup in job.lookups {
            do throws(SluiceError) {
                var wanted: [LookupRows.Table] = []
                for table in try await rows.tables(of: lookup, in: catalogue.parts) {
                    if taken.insert(files.path(of: table.name, in: lookup.folder)).inserted {
                        wanted.append(table)
                    } else {
                        result.unmapped += 1
                        result.problems.append(
                            "two lookups have a table \(Display.safe(table.name)); the first is made")
                    }
                }
                let isPreview = options.plansOnly
                var made: [Int: (table: LakeTable, state: LookupFiles.State)] = [:]
                try await sideBySide(wanted.indices, width: job.parallel) {
                    [wanted] (index) async throws(SluiceError) -> (LakeTable, LookupFiles.State) in
                    try await MapRun.make(wanted[index], by: files, isPreview: isPreview)
                } take: { (index, outcome) throws(SluiceError) in
                    made[index] = (outcome.0, outcome.1)
                }
                for (_, lookup) in made.sorted(by: { $0.key < $1.key }) {
                    tables.append(lookup.table)
                    result.lookups.append(
                        .init(
                            name: lookup.table.parts.first?.value ?? "", path: lookup.table.id, rows: lookup.table.rows,
                            state: lookup.state.rawValue))
                }
            } catch {
                if error.code == .cancelled { throw error }
                result.problems.append(
                    "the lookup \(Display.safe(lookup.name.text)) is not brought up to date: \(error)"
                        + (error.hint.map { " (\($0))" } ?? ""))
                // Its tables stay where they are, as they are.
                for name in LookupRows.names(of: lookup, in: catalogue.parts).sorted() {
                    let path = files.path(of: name, in: lookup.folder)
                    if tables.contains(where: { $0.id == path }) { continue }
                    taken.insert(path)
                    let state = LookupFiles.State.failed.rawValue
                    result.lookups.append(.init(name: name, path: path, rows: 0, state: state))
                    if let (footer, entry) = try await files.known(at: path) {
                        tables.append(MapRun.table(name, footer, entry))
                    }
                }
            }
        }
        result.problems += rows.problems
        let known = Set(catalogue.paths)
        catalogue.paths += tables.map(\.id).filter { !known.contains($0) }
        catalogue.paths.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return tables
    }

    private static func make(
        _ table: LookupRows.Table, by files: LookupFiles, isPreview: Bool
    ) async throws(SluiceError) -> (LakeTable, LookupFiles.State) {
        let (state, entry) = try await files.put(
            try await files.contents(of: table), at: files.path(of: table.name, in: table.folder), isPreview: isPreview)
        let schema = Schema(table.columns.map { Field($0, .utf8) })
        return (MapRun.table(table.name, KnownFooter(rows: table.rows.count, schema: schema), entry), state)
    }

    private static func table(_ name: String, _ footer: KnownFooter, _ entry: ObjectEntry) -> LakeTable {
        LakeTable(entry, footer, parts: [("lookup", name)])
    }

    /// Removes what earlier runs wrote for lookups that are gone. Only where the lake has tables at all: an empty listing
    /// removes nothing.
    func removeOldLookups(_ catalogue: LakeCatalogue, _ result: inout MapResult) async throws(SluiceError) {
        if options.plansOnly || catalogue.parts.isEmpty { return }
        let homes = Set(job.lookups.map(\.folder) + [Lookup.usualFolder]).map {
            LookupFiles.home($0, of: job.pipeline)
        }
        let wanted = Set(result.lookups.map(\.path))
        let old = catalogue.paths.filter { path in
            !wanted.contains(path) && homes.contains { path.hasPrefix($0) }
        }
        if old.isEmpty { return }
        let count = try await LookupFiles(lake: lake, pipeline: job.pipeline).remove(old)
        if count > 0 {
            result.notes.append(count == 1 ? "1 old lookup is removed" : "\(count) old lookups are removed")
        }
    }
}
