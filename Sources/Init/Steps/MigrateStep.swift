import Connectors
import ODBC
import Postgres
import SQLite
import Settings
import Support
public import Warehouse

/// Files of SQL have been run, each once, in their order.
public struct MigrateStep: Sendable {
    /// Where they lie.
    public var folder: String
    /// Which files of the folder.
    public var pattern: String
    /// Whether all that are new are one transaction.
    public var isOneTransaction: Bool
    /// Whether a new file may come before one that has been run.
    public var allowsGaps: Bool
    /// The table that knows what has been run.
    public var ledger: TableName

    init(_ section: Section) throws(SluiceError) {
        folder = section.text("folder") ?? ""
        pattern = section.text("files") ?? "*.sql"
        isOneTransaction = section.text("transaction") == "all"
        allowsGaps = section.text("out_of_order") == "allow"
        let table = section.text("ledger") ?? "sluice_migrations"
        guard let name = TableName(parsing: table) else {
            throw SluiceError(
                .invalidConfiguration,
                "\"\(section.path).ledger\" is \"\(table)\", a table or schema.table was expected")
        }
        ledger = name
    }
}

struct MigrateWork: StepWork {
    let step: MigrateStep

    func inspect(_ scene: Scene) async throws(SluiceError) -> Finding {
        let folder = scene.sites.anchored(step.folder)
        let files = try await files(folder)
        let ledger: [(name: String, checksum: String)]
        do throws(SluiceError) {
            ledger = try await scene.withDatabase { (session) throws(SluiceError) in
                try await migrationTarget(of: session, step.ledger).applied()
            }
        } catch  where error.code == .notFound && scene.isPlan && (error.place.file ?? "").hasPrefix("sqlite:") {
            // A database file that a run would make.
            ledger = []
        }
        let plan = try MigrationPlan(files, ledger: ledger, folder: folder, allowsGaps: step.allowsGaps)
        for note in plan.notes { scene.say("migrations", note) }
        if plan.pending.isEmpty {
            let notes = plan.notes.isEmpty ? "" : "; " + plan.notes.joined(separator: "; ")
            return .done((plan.applied == 1 ? "1 file has been run" : "\(plan.applied) files have been run") + notes)
        }
        return .pending(plan.notes + plan.pending.map { "run \(Display.safe($0.name)) (\($0.checksum.prefix(12)))" })
    }

    private func files(_ folder: String) async throws(SluiceError) -> [Migration] {
        let files = try await Migration.read(folder, step.pattern)
        if files.isEmpty {
            throw SluiceError(
                .notFound, "no file fits \(Display.safe(step.pattern))", place: .init(file: folder),
                hint: "check the folder, which starts from the project's")
        }
        return files
    }

    func act(_ scene: Scene) async throws(SluiceError) -> String {
        let folder = scene.sites.anchored(step.folder)
        let files = try await files(folder)
        let (count, notes) = try await scene.withDatabase { (session) throws(SluiceError) in
            let target = migrationTarget(of: session, step.ledger)
            try await target.prepare()
            let plan = try MigrationPlan(
                files, ledger: try await target.applied(), folder: folder, allowsGaps: step.allowsGaps)
            try check(plan.pending, target.language)
            if step.isOneTransaction {
                try await target.run(plan.pending, run: scene.run, in: folder)
            } else {
                for file in plan.pending {
                    scene.say("migration", "running \(Display.safe(file.name))")
                    try await target.run([file], run: scene.run, in: folder)
                }
            }
            return (plan.pending.count, plan.notes)
        }
        return ([count == 1 ? "ran 1 file" : "ran \(count) files"] + notes).joined(separator: "; ")
    }

    /// Refuses what would break transactions before the first file is run.
    private func check(_ files: [Migration], _ language: SQLScript.Language) throws(SluiceError) {
        for file in files {
            if file.isBare, step.isOneTransaction {
                throw SluiceError(
                    .invalidConfiguration, "cannot be run in a transaction, and all new files are to be one",
                    place: .init(file: file.name), hint: "write transaction: each")
            }
            guard !file.isBare, let found = SQLScript(file.text, language).transactionControl else { continue }
            throw SluiceError(
                .invalidConfiguration, "\(found.word) would end the transaction that the file is run in",
                place: .init(file: file.name, line: found.line),
                hint: "leave it out; a file that no transaction may be around begins with: -- sluice: no transaction")
        }
    }
}
