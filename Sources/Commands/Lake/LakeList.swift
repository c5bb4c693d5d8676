import CommandLine
import Storage
import Stores
import Support

/// `sluice lake ls`: what lies in a folder or container.
struct LakeList: Command {
    let url = Parameter.argument("URL", .place, help: "A folder, container, file or pattern")
    let recursive = Parameter.flag("recursive", short: "r", help: "Go into folders too")
    let long = Parameter.flag("long", short: "l", help: "Tell sizes and times as well")

    var model: CommandModel {
        CommandModel(
            "ls", "List what lies in a folder or container", [.arguments(url), .options(recursive, long)],
            discussion: """
                Names are told as they lie below the folder; folders end with a slash. Files that are still being \
                written are left out. Times are UTC.

                A folder or container that is not there, or may not be listed, is an error and never an empty list.
                """,
            examples: [
                .init("sluice lake ls az://ACCOUNT/CONTAINER", "what is at the top"),
                .init("sluice lake ls -rl abfss://C@A.dfs.core.windows.net/in", "all, with sizes"),
                .init("sluice lake ls 'az://A/C/2026/**/*.csv' --json", "what fits, for machines"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let selection = try await StoreSelection(try context.openStores(for: [arguments[url]]).place(arguments[url]))
        let listing = try await selection.entries(recursive: arguments[recursive])
        if context.options.isJSON || arguments[long] {
            var entries: [ObjectEntry] = []
            while let page = try await listing.next() { entries += page }
            entries.sort { $0.path < $1.path }
            if context.options.isJSON {
                context.answer([
                    "url": .string(selection.place.name),
                    "entries": .array(entries.map { $0.json(in: selection.place.store) }),
                ])
            } else {
                tell(entries, selection, in: context)
            }
            return .succeeded
        }
        // Stores list in order and may hold millions; folders of this machine do not.
        var held: [ObjectEntry] = []
        var count = 0
        let isOrdered = !(selection.place.store is FolderStore)
        while let page = try await listing.next() {
            if isOrdered {
                show(page, selection, context)
                count += page.count
            } else {
                held += page
            }
            if context.output.isClosed { return .succeeded }
        }
        show(held.sorted { $0.path < $1.path }, selection, context)
        count += held.count
        if count == 0, case .pattern = selection.kind { context.say("no object fits the pattern") }
        return .succeeded
    }

    private func show(_ entries: [ObjectEntry], _ selection: StoreSelection, _ context: Context) {
        if entries.isEmpty { return }
        let names = entries.map { Display.safe(selection.relative($0)) + ($0.isFolder ? "/" : "") }
        context.output.write(names.joined(separator: "\n") + "\n")
    }

    private func tell(_ entries: [ObjectEntry], _ selection: StoreSelection, in context: Context) {
        if !entries.isEmpty {
            let renderer = TableRenderer(
                [.init(title: "size", isNumber: true), .init(title: "modified"), .init(title: "name")], in: context)
            let (lines, hidden) = renderer.render(
                entries.map { entry in
                    [
                        .plain(entry.isFolder ? "" : ProgressView.count(entry.size)),
                        .plain(LakeText.moment(entry.modified)),
                        .plain(selection.relative(entry) + (entry.isFolder ? "/" : "")),
                    ]
                })
            context.output.print((lines + TableRenderer.note(hidden, in: context)).joined(separator: "\n"))
        }
        let files = entries.filter { !$0.isFolder }
        context.say(LakeText.amount(files.count, files.reduce(0) { $0 + $1.size }))
    }
}

extension ObjectEntry {
    /// What is known of it, for machines; what is not known is null.
    func json(in store: any ObjectStore) -> JSONText {
        [
            "path": .string(path), "url": .string(store.url(path)), "folder": .bool(isFolder),
            "bytes": isFolder ? nil : .number(size), "modified": modified.map { .string($0.isoSeconds) } ?? nil,
            "tag": tag.map { .string($0) } ?? nil, "md5": md5.map { .string(Base64.encode($0)) } ?? nil,
        ]
    }
}
