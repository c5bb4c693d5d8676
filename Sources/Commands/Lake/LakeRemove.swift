import CommandLine
import Storage
import Stores
import Support

/// `sluice lake rm`: removes objects.
struct LakeRemove: Command {
    let urls = Parameter.arguments("URL", .place, help: "Files or patterns; folders with --recursive")
    let recursive = Parameter.flag("recursive", short: "r", help: "Remove folders with all that is in them")
    let yes = Parameter.flag("yes", short: "y", help: "Do not ask")

    var model: CommandModel {
        CommandModel(
            "rm", "Remove files", [.arguments(urls), .options(recursive, yes)],
            discussion: """
                Before more than one file is removed, the terminal is asked; where there is none, --yes has to be \
                said. Snapshots go with their file. What soft delete or versioning keeps, the store's owner can \
                bring back.
                """,
            examples: [
                .init("sluice lake rm az://A/C/in/orders.csv", "one file"),
                .init("sluice lake rm -r abfss://C@A.dfs.core.windows.net/old", "a folder"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let stores = try context.openStores(for: arguments[urls])
        var removals: [(removal: StoreRemoval, store: any ObjectStore, name: String)] = []
        for url in arguments[urls] {
            let selection = try await StoreSelection(try stores.place(url))
            let removal = try await StoreRemoval(selection, recursive: arguments[recursive])
            if removal.objects.isEmpty, case .pattern = selection.kind {
                throw SluiceError(.notFound, "no object fits the pattern", place: .init(file: url))
            }
            removals.append((removal, selection.place.store, selection.place.name))
        }
        let objects = removals.flatMap(\.removal.objects)
        let bytes = objects.reduce(0) { $0 + $1.size }
        if objects.count > 1, !arguments[yes] {
            let below = removals.count == 1 ? " below \(removals[0].name)" : ""
            let what = "\(LakeText.amount(objects.count, bytes))\(below)"
            guard context.canAsk else {
                throw SluiceError(
                    .usage, "\(what) would be removed, and there is nobody to ask", hint: "Add --yes to remove them.")
            }
            guard try await context.confirms("Remove \(Display.safe(what))?") else {
                context.say("nothing was removed")
                return .failed
            }
        }
        return try await remove(removals, in: context)
    }

    private func remove(
        _ removals: [(removal: StoreRemoval, store: any ObjectStore, name: String)], in context: Context
    ) async throws -> ExitCode {
        let count = removals.reduce(0) { $0 + $1.removal.objects.count }
        var (removed, bytes) = (0, 0)
        var failures: [SluiceError] = []
        var answers: [JSONText] = []
        for (removal, store, _) in removals {
            await removal.run { entry, error in
                var answer: [(key: String, value: JSONText)] = [("url", .string(store.url(entry.path)))]
                if let error {
                    failures.append(error)
                    // Of one file, the exit code says why.
                    if count == 1 { return }
                    let report = ErrorReport(error, command: ["lake", "rm"])
                    report.tell(context)
                    answer.append(("error", report.json))
                } else {
                    removed += 1
                    bytes += entry.size
                    context.detail("removed \(store.url(entry.path))")
                }
                answers.append(.object(answer))
            }
        }
        try Task.checkCancellation()
        if count == 1, let failure = failures.first { throw failure }
        if context.options.isJSON {
            context.answer([
                "removed": .number(removed), "failed": .number(failures.count), "bytes": .number(bytes),
                "objects": .array(answers),
            ])
        }
        let tail = failures.isEmpty ? "" : "; \(LakeText.objects(failures.count)) could not be removed"
        context.say("removed \(LakeText.amount(removed, bytes))\(tail)")
        return failures.isEmpty ? .succeeded : .failed
    }
}
