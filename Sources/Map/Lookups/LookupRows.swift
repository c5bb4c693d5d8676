import Columns
import LakeTables
import Parquet
import Storage
import Support

/// The rows of lookups, made of what a scan has found.
struct LookupRows {
    /// One table of a lookup.
    struct Table {
        let name: String
        let columns: [String]
        let folder: String
        var rows: [[String?]] = []
    }

    let lake: any ObjectStore
    /// Opens the lake that a lookup names for its documents.
    let open: @Sendable (String) throws(SluiceError) -> any ObjectStore
    let parallel: Int
    /// What is to be told: documents that say nothing.
    private(set) var problems: [String] = []

    /// More rows than that are no lookup, and would be held in memory.
    static let mostRows = 1_000_000
    /// A document that is larger than that is another thing.
    private static let mostBytes = 1 << 20

    init(
        lake: any ObjectStore, parallel: Int, open: @escaping @Sendable (String) throws(SluiceError) -> any ObjectStore
    ) {
        self.lake = lake
        self.parallel = parallel
        self.open = open
    }

    /// The names of a lookup's tables, whatever its documents say.
    static func names(of lookup: Lookup, in groups: [[(name: String, value: String)]]) -> Set<String> {
        Set(groups.compactMap { lookup.name.fill(values($0)) })
    }

    private static func values(_ group: [(name: String, value: String)]) -> [String: String] {
        Dictionary(group.map { ($0.name, $0.value) }) { first, _ in first }
    }

    /// The tables of `lookup`, in the order of their names; their rows are in the order of the paths' parts.
    ///
    /// - parameter groups: The parts of every table in the lake.
    /// - throws: `SluiceError` when a document is there and cannot be read this time.
    mutating func tables(
        of lookup: Lookup, in groups: [[(name: String, value: String)]]
    ) async throws(SluiceError) -> [Table] {
        let names = groups.first.map { $0.map(\.name).filter(lookup.parts.contains) } ?? []
        var seen: Set<[String]> = []
        for group in groups {
            let parts = LookupRows.values(group)
            seen.insert(names.map { parts[$0] ?? "" })
        }
        guard seen.count <= LookupRows.mostRows else {
            throw SluiceError(
                .limitExceeded, "it would have \(seen.count) rows, a lookup has at most \(LookupRows.mostRows)",
                hint: "leave parts out that have many values")
        }
        // By bytes, part for part, so that every run and machine finds the same order.
        let keys = seen.sorted { left, right in
            for (a, b) in zip(left, right) where a != b { return a.utf8.lexicographicallyPrecedes(b.utf8) }
            return false
        }
        let rows = keys.map { key in Dictionary(zip(names, key)) { first, _ in first } }
        let documents = try await documents(of: lookup, for: rows)
        var tables: [String: Table] = [:]
        for (row, document) in zip(rows, documents) {
            guard let name = lookup.name.fill(row) else { continue }
            let values = lookup.columns.map { column in
                column.values.lazy.compactMap { $0.fill(row, document) }.first
            }
            tables[
                name, default: Table(name: name, columns: lookup.columns.map(\.name), folder: lookup.folder)
            ].rows.append(values)
        }
        return tables.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    // MARK: - Documents

    /// What is at a path that may hold a document.
    private enum Found: Sendable {
        case document(JSONText)
        case nothing
        case unusable(String)
    }

    private mutating func documents(
        of lookup: Lookup, for rows: [[String: String]]
    ) async throws(SluiceError) -> [JSONText?] {
        guard let template = lookup.documents else { return rows.map { _ in nil } }
        var store = lake
        if let other = lookup.lake {
            store = try open(other)
            // A container that is not there has no document at all, which must not look like devices without one.
            guard try await store.facts("") != nil else {
                throw SluiceError(
                    .notFound, "there is no such lake for its documents", place: .init(file: store.name),
                    hint: "check the lookup's lake: sluice lake ls shows what is there")
            }
        }
        let paths = rows.map { template.fill($0) ?? "" }
        let wanted = Set(paths).sorted()
        var found: [String: JSONText] = [:]
        var told: [String] = []
        try await sideBySide(wanted.indices, width: parallel) { [store] (index) async throws(SluiceError) -> Found in
            try await LookupRows.document(wanted[index], in: store)
        } take: { (index, outcome) throws(SluiceError) in
            switch outcome {
            case .document(let document): found[wanted[index]] = document
            case .nothing: break
            case .unusable(let reason):
                told.append("\(Display.safe(store.url(wanted[index]))) is passed over: \(reason)")
            }
        }
        problems += told.sorted()
        return paths.map { found[$0] }
    }

    private static func document(_ path: String, in store: any ObjectStore) async throws(SluiceError) -> Found {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) { return .nothing }
        let bytes: Buffer
        do throws(SluiceError) {
            let object = try await store.open(path)
            if object.size > mostBytes {
                return .unusable("it has \(object.size) bytes, a document at most \(mostBytes)")
            }
            bytes = try await object.read(0..<object.size)
        } catch {
            if error.code == .notFound { return .nothing }
            throw error
        }
        do throws(SluiceError) {
            let document = try JSONText.parse(bytes)
            return document.members == nil ? .unusable("it is no object of JSON") : .document(document)
        } catch {
            return .unusable(error.message)
        }
    }
}
