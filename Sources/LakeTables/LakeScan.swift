import Columns
public import Storage
public import Support

/// Finds out which tables a lake has.
///
///     let scan = LakeScan(store, layout: .automatic)
///     let catalogue = try await scan.run(memory)
public struct LakeScan: Sendable {
    /// Where files lie that Sluice itself makes from the lake's paths; they are no tables of the lake.
    public static let ownFolder = "sluice-lookups"

    private let store: any ObjectStore
    private let layout: LakeLayout
    private let include: [PathPattern]
    private let exclude: [PathPattern]
    private let restrictions: [String: PathPattern]
    private let parallel: Int
    private let rescans: Bool
    private let own: [String]

    /// A scan of all that lies in `store`.
    ///
    /// - parameter include: Only files that fit one of these; all when there are none.
    /// - parameter exclude: No files that fit one of these.
    /// - parameter restrictions: What the parts of a path have to look like, by their names in the layout.
    /// - parameter rescans: Whether every footer is read, whatever is known.
    /// - parameter own: More beginnings of paths at which Sluice's own files lie.
    public init(
        _ store: any ObjectStore, layout: LakeLayout, include: [PathPattern] = [], exclude: [PathPattern] = [],
        restrictions: [String: PathPattern] = [:], parallel: Int = 16, rescans: Bool = false,
        own: [String] = []
    ) {
        self.store = store
        self.layout = layout
        self.include = include
        self.exclude = exclude
        self.restrictions = restrictions
        self.parallel = parallel
        self.rescans = rescans
        self.own = own + [LakeScan.ownFolder + "/"]
    }

    /// Whether engines pass over a path: a part of it begins with a dot, or with `_` and is no partition.
    static func isHidden(_ path: String) -> Bool {
        path.split(separator: "/").contains { part in
            part.hasPrefix(".") || (part.hasPrefix("_") && !part.contains("="))
        }
    }

    /// Lists the lake once, reads the footers that are not known, and joins what belongs together.
    ///
    /// - parameter progress: Told of bytes as they are read.
    /// - throws: `SluiceError` when the lake cannot be listed: that is never the same as an empty one.
    public func run(
        _ memory: LakeMemory?, progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws(SluiceError) -> LakeCatalogue {
        guard try await store.facts("") != nil else {
            throw SluiceError(
                .notFound, "there is no such lake", place: .init(file: store.name),
                hint: "name a folder or a container that is there: sluice lake ls shows what is")
        }
        var catalogue = LakeCatalogue()
        var groups: [String: FileGroup] = [:]
        var managed: Set<String> = []
        let listing = try await store.entries("", recursive: true)
        while let page = try await listing.next() {
            for entry in page {
                if let folder = LakeScan.managedFolder(of: entry.path) { managed.insert(folder) }
                if entry.isFolder || entry.path.hasSuffix("/") { continue }
                guard LakeScan.isParquet(entry.path) else {
                    if !LakeScan.isHidden(entry.path) { catalogue.others += 1 }
                    continue
                }
                catalogue.paths.append(entry.path)
                if LakeScan.isHidden(entry.path) || own.contains(where: { entry.path.hasPrefix($0) })
                    || !isWanted(entry.path)
                {
                    continue
                }
                guard let place = layout.place(entry.path, lake: lakeName), isAllowed(place) else {
                    catalogue.others += 1
                    continue
                }
                groups[FileGroup.id(of: place), default: FileGroup(place)].add(entry, place)
            }
        }
        catalogue.paths.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        drop(managed, from: &groups, &catalogue)
        try await read(Array(groups.values), memory, progress, into: &catalogue)
        return catalogue
    }

    // MARK: - Which files

    private static func isParquet(_ path: String) -> Bool {
        let name = path.lowercased()
        return name.hasSuffix(".parquet") || name.hasSuffix(".parq")
    }

    private func isWanted(_ path: String) -> Bool {
        if !include.isEmpty, !include.contains(where: { $0.fits(path) }) { return false }
        return !exclude.contains { $0.fits(path) }
    }

    private func isAllowed(_ place: FilePlacement) -> Bool {
        if restrictions.isEmpty { return true }
        return (place.parts + place.partitions).allSatisfy { name, value in
            restrictions[name].map { $0.fits(value) } ?? true
        }
    }

    /// What a table is called that is all of the lake.
    private var lakeName: String {
        store.name.split(separator: "/").last.map { String($0.prefix { $0 != "?" && $0 != "@" }) } ?? "lake"
    }

    /// The folder of a Delta table that `path` shows to be one.
    private static func managedFolder(of path: String) -> String? {
        let parts = path.split(separator: "/")
        guard let mark = parts.firstIndex(of: "_delta_log") else { return nil }
        return parts[..<mark].joined(separator: "/")
    }

    /// Leaves Delta tables alone: which of their files count is in their logs.
    private func drop(_ managed: Set<String>, from groups: inout [String: FileGroup], _ catalogue: inout LakeCatalogue)
    {
        for folder in managed.sorted() {
            let inside = folder.isEmpty ? "" : folder + "/"
            groups = groups.filter { !($0.value.shape.folder + "/").hasPrefix(inside) }
            catalogue.notes.append(
                "\(folder.isEmpty ? "the lake" : folder) is a Delta table, and is left out: "
                    + "its log alone says which of its files count")
        }
    }

    // MARK: - What is in them

    private func read(
        _ groups: [FileGroup], _ memory: LakeMemory?, _ progress: @escaping @Sendable (Int) -> Void,
        into catalogue: inout LakeCatalogue
    ) async throws(SluiceError) {
        var known = try await memory?.files(of: store.name) ?? [:]
        let entries = groups.flatMap { $0.files.map(\.entry) }
        catalogue.files = entries.count
        catalogue.bytes = entries.reduce(0) { $0 &+ $1.size }
        let unknown = entries.filter { entry in
            if rescans { return true }
            guard let file = known[entry.path] else { return true }
            return file.size != entry.size || file.tag != LakeScan.tag(of: entry)
        }
        let reader = FooterReader(store, parallel: parallel, progress: progress)
        var changed: [(path: String, known: LakeMemory.Known)] = []
        var failures: [String: SluiceError] = [:]
        try await reader.read(unknown) { entry, outcome in
            let footer: Result<KnownFooter, SluiceError>
            switch outcome {
            case .read(let found): footer = .success(found)
            case .damaged(let error): footer = .failure(SluiceError(error.code, error.message))
            case .failed(let error):
                known[entry.path] = nil
                failures[entry.path] = error
                return
            }
            let file = LakeMemory.Known(size: entry.size, tag: LakeScan.tag(of: entry), footer: footer)
            known[entry.path] = file
            changed.append((entry.path, file))
        }
        catalogue.footersRead = unknown.count
        catalogue.bytesRead = reader.bytesRead
        // When nothing at all can be read, that is no matter of single files.
        if let first = failures.first?.value, failures.count == entries.count { throw first }
        let present = Set(entries.map(\.path))
        try await memory?.note(changed, gone: known.keys.filter { !present.contains($0) }, of: store.name)

        catalogue.parts = groups.map(\.place.parts)
        for group in groups {
            var readable: [FileGroup.Member] = []
            var footers: [KnownFooter] = []
            for file in group.sorted {
                switch known[file.entry.path]?.footer {
                case .success(let footer):
                    readable.append(file)
                    footers.append(footer)
                case .failure(let error): catalogue.add(unreadable: file.entry, error, in: store)
                case nil:
                    let error = failures[file.entry.path] ?? SluiceError(.inputOutput, "could not be read")
                    catalogue.add(unreadable: file.entry, error, in: store)
                }
            }
            if readable.isEmpty {
                catalogue.damaged.insert(FileGroup.id(of: group.place))
            } else {
                catalogue.tables.append(group.table(of: readable, footers))
            }
        }
        catalogue.tables.sort { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
        catalogue.unreadable.sort { $0.entry.path.utf8.lexicographicallyPrecedes($1.entry.path.utf8) }
    }

    private static func tag(of entry: ObjectEntry) -> String {
        entry.tag ?? entry.modified.map { "\($0.microseconds)" } ?? ""
    }
}

extension LakeCatalogue {
    fileprivate mutating func add(unreadable entry: ObjectEntry, _ error: SluiceError, in store: any ObjectStore) {
        unreadable.append(UnreadableFile(entry: entry, name: store.url(entry.path), reason: error.message))
    }
}
