import CommandLine
import Storage
import Stores
import Support

/// `sluice lake cp`: copies files from and to stores.
struct LakeCopy: Command {
    let source = Parameter.argument("FROM", .place, help: "A file, folder or pattern")
    let target = Parameter.argument("TO", .place, help: "A file or folder")
    let recursive = Parameter.flag("recursive", short: "r", help: "Copy what lies in a folder's folders too")
    let pattern = Parameter.optional(
        "pattern", .text.named("GLOB"), short: "p", help: "Only files that fit: '*.json', '2026/**/*.csv'")
    let ifAbsent = Parameter.flag("if-absent", help: "Leave files alone that are there already")
    let overwrite = Parameter.flag("overwrite", help: "Copy files too that are there with the same bytes")
    let threads = Parameter.option(
        "threads", .integer(in: 1...256), default: "8", help: "How many files are copied side by side")
    let yes = Parameter.flag("yes", short: "y", help: "Make a container that is missing without asking")

    var model: CommandModel {
        CommandModel(
            "cp", "Copy files from and to stores",
            [
                .arguments(source, target),
                .options(recursive, pattern, ifAbsent, overwrite, threads, yes),
            ],
            discussion: """
                Of a folder, the files in it are copied into the folder TO under their names below it; folders in it \
                with --recursive. A file keeps its name when TO is a folder or ends with a slash.

                A file appears whole or not at all. Files that TO has with the same size and checksum are passed \
                over. A large file that was broken off goes on where it ended when the copy is run again.

                Of several, one that fails does not stop the others: they are counted at the end, and the exit code \
                is 1. No name leads out of TO, whatever the store says its files are called.
                """,
            examples: [
                .init("sluice lake cp orders.csv az://A/C/in/", "one file up"),
                .init("sluice lake cp -r az://A/C/out ./out", "a folder down"),
                .init("sluice lake cp ./in az://A/C/in -p '*.json'", "what fits"),
                .init("sluice lake cp -r az://A/C abfss://C@B.dfs.core.windows.net/", "store to store"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        if arguments[ifAbsent], arguments[overwrite] {
            throw SluiceError(.usage, "--if-absent and --overwrite exclude each other", hint: "Leave one of them out.")
        }
        let stores = try context.openStores(
            StoreOptions(copying: arguments[threads]), for: [arguments[source], arguments[target]])
        let selection = try await StoreSelection(try stores.place(arguments[source]))
        let wanted = try arguments[pattern].map { text throws(SluiceError) in try PathPattern(text) }
        if case .object = selection.kind, wanted != nil {
            throw SluiceError(.usage, "--pattern chooses among a folder's files, and \(arguments[source]) is a file")
        }
        let into = try await destination(of: selection, arguments, stores, in: context)
        var copy = StoreCopy(from: selection.place.store, to: into.store)
        copy.concurrency = arguments[threads]
        copy.existing = arguments[ifAbsent] ? .keep : arguments[overwrite] ? .replace : .replaceUnlessIdentical
        let report = LakeCopyReport(from: selection.place.store, to: into.store, context)
        let clock = ContinuousClock.now
        let monitor = copy.monitor
        let summary = try await context.withProgress(
            "copying",
            { ProgressMeasure(bytes: monitor.bytes, stage: LakeText.objects(monitor.objects), countsRows: false) }
        ) { [copy] in
            if case .object(let entry) = selection.kind {
                let outcome = try await copy.copy(entry.path, to: into.path)
                // Of one file, the exit code says why it was not copied.
                if case .failed(let error) = outcome.result { throw error }
                report.take(outcome)
                return report.summary(of: [outcome])
            }
            let (folder, isDeep) = (selection.place.path, arguments[recursive])
            var chosen: @Sendable (String) -> Bool = { _ in true }
            if let wanted {
                let byName = !wanted.text.contains("/")
                chosen = { path in wanted.fits(byName ? LakeCopy.name(of: path) : path) }
            } else if case .pattern(let pattern) = selection.kind {
                chosen = { path in pattern.fits(folder.isEmpty ? path : "\(folder)/\(path)") }
            }
            var reaches = isDeep
            if case .pattern(let pattern) = selection.kind { reaches = pattern.reachesDeeper }
            return try await copy.copy(
                folder: folder, recursive: reaches, into: into.path, matching: chosen, each: report.take)
        }
        report.end(summary, ContinuousClock.now - clock)
        return summary.failed == 0 ? .succeeded : .failed
    }

    private static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    /// Where the copy goes: of one file its whole path, else the folder.
    private func destination(
        of selection: StoreSelection, _ arguments: Arguments, _ stores: Stores, in context: Context
    ) async throws -> StorePlace {
        let text = arguments[target]
        guard case .object(let entry) = selection.kind else {
            let place = try stores.place(text, asFolder: true)
            if let facts = try await facts(of: place, arguments, stores, in: context), !facts.isFolder {
                throw SluiceError(
                    .usage, "is a file, and several are to be copied", place: .init(file: place.name),
                    hint: "Name a folder.")
            }
            return place
        }
        let place = try stores.place(text)
        let facts = try await facts(of: place, arguments, stores, in: context)
        guard place.endsWithSlash || place.path.isEmpty || facts?.isFolder == true else { return place }
        let name = LakeCopy.name(of: entry.path)
        return StorePlace(place.store, place.path.isEmpty ? name : "\(place.path)/\(name)")
    }

    /// What is at the place; a container that is missing is made, when whoever sits at the terminal agrees.
    private func facts(
        of place: StorePlace, _ arguments: Arguments, _ stores: Stores, in context: Context
    ) async throws -> ObjectEntry? {
        do throws(SluiceError) {
            let found = try await place.store.facts(place.path)
            // All of a store is missing only when the container is.
            if found == nil, place.path.isEmpty, !(place.store is FolderStore) { throw StoreSelection.missing(place) }
            return found
        } catch {
            guard error.code == .notFound, try await stores.containerIsMissing(place) else { throw error }
            if !arguments[yes] {
                guard context.canAsk else {
                    var error = error
                    error.hint = "Add --yes to have the container made, or check its name."
                    throw error
                }
                let question = "There is no container \(Display.safe(place.store.name)). Make it?"
                guard try await context.confirms(question) else { throw error }
            }
            try await stores.makeContainer(place)
            return nil
        }
    }
}
