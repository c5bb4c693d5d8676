import Columns
import Storage
import Support

/// Files that belong to one table, while the lake is listed.
struct FileGroup {
    struct Member {
        var entry: ObjectEntry
        var partitions: [String?]
    }

    let place: FilePlacement
    private(set) var files: [Member] = []

    /// What the paths of its files look like.
    var shape: PathShape { place.shape }

    init(_ place: FilePlacement) { self.place = place }

    /// What tells a table from others: what its paths look like.
    static func id(of place: FilePlacement) -> String {
        place.shape.pattern { token in
            switch token {
            case .text(let text): text
            case .any(let name): name.map { "{\($0)}" } ?? "*"
            case .one: "?"
            }
        }
    }

    mutating func add(_ entry: ObjectEntry, _ place: FilePlacement) {
        let values = place.partitions.map { pair -> String? in
            let value = place.isHive ? FileGroup.unescaped(pair.value) : pair.value
            return value == PartitionTypes.null ? nil : value
        }
        files.append(Member(entry: entry, partitions: values))
    }

    /// The files in the order of their paths.
    var sorted: [Member] { files.sorted { $0.entry.path.utf8.lexicographicallyPrecedes($1.entry.path.utf8) } }

    /// The table that files with these footers are.
    func table(of readable: [Member], _ footers: [KnownFooter]) -> LakeTable {
        let names = place.partitions.map(\.name)
        let partitions = names.indices.map { index in
            Field(names[index], PartitionTypes.type(of: names[index], readable.lazy.map { $0.partitions[index] }))
        }
        // Each schema once, by when the newest file has it.
        var latest: [Schema: (index: Int, files: Int)] = [:]
        for index in readable.indices {
            let schema = footers[index].schema
            guard let known = latest[schema] else {
                latest[schema] = (index, 1)
                continue
            }
            let isNewer = FileGroup.isOlder(readable[known.index].entry, readable[index].entry)
            latest[schema] = (isNewer ? index : known.index, known.files + 1)
        }
        let generations = latest.sorted {
            FileGroup.isOlder(readable[$0.value.index].entry, readable[$1.value.index].entry)
        }.map { (schema: $0.key, files: $0.value.files) }
        let join = SchemaJoin(generations, partitions: Set(names.map { $0.lowercased() }))
        return LakeTable(
            id: FileGroup.id(of: place), parts: place.parts, shape: place.shape, isHive: place.isHive,
            columns: join.columns, partitions: partitions,
            files: readable.indices.map {
                LakeFile(
                    entry: readable[$0].entry, partitions: readable[$0].partitions, footer: footers[$0])
            }, conflicts: join.conflicts, unreadable: files.count - readable.count)
    }

    private static func isOlder(_ left: ObjectEntry, _ right: ObjectEntry) -> Bool {
        let (a, b) = (left.modified?.microseconds ?? 0, right.modified?.microseconds ?? 0)
        return a == b ? left.path.utf8.lexicographicallyPrecedes(right.path.utf8) : a < b
    }

    /// A value of a `key=value` folder as it was before engines wrote it: `a%20b` is `a b`.
    static func unescaped(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var place = 0
        while place < bytes.count {
            if bytes[place] == UInt8(ascii: "%"), place + 2 < bytes.count,
                let high = Character(UnicodeScalar(bytes[place + 1])).hexDigitValue,
                let low = Character(UnicodeScalar(bytes[place + 2])).hexDigitValue
            {
                result.append(UInt8(high * 16 + low))
                place += 3
            } else {
                result.append(bytes[place])
                place += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
