import Support

/// How paths tell which table a file belongs to.
public enum LakeLayout: Sendable, Hashable {
    /// Files of one folder are a table; `key=value` folders and those of dates below it are partitions. Files that Sluice
    /// has staged are grouped by what they were read from.
    case automatic
    /// Files of one folder are a table; `key=value` folders below it are partitions, and nothing else is.
    case hive
    /// What Sluice has staged, and nothing else: `{protocol}/{source}/YYYY-MM-DD/{unit}_{stamp}.parquet`.
    case staged
    /// Files that fit a pattern.
    case pattern(TablePattern, partitions: [String])

    /// Which table the file at `path` belongs to; nil when it belongs to none.
    func place(_ path: String, lake: String) -> FilePlacement? {
        switch self {
        case .automatic: LakeLayout.staged(path) ?? LakeLayout.folder(path, dates: true, lake: lake)
        case .hive: LakeLayout.folder(path, dates: false, lake: lake)
        case .staged: LakeLayout.staged(path)
        case .pattern(let pattern, let partitions): LakeLayout.fit(path, pattern, partitions, lake: lake)
        }
    }

    // MARK: - Folders

    private static func folder(_ path: String, dates: Bool, lake: String) -> FilePlacement? {
        var folders = path.split(separator: "/").map(String.init)
        guard let file = folders.popLast() else { return nil }
        var partitions: [(part: PathShape.Part, name: String, value: String)] = []
        while let last = folders.last, let equals = last.firstIndex(of: "="), equals > last.startIndex {
            let name = String(last[..<equals])
            partitions.insert(
                (.tokens([.text(name + "="), .any(name)]), name, String(last[last.index(after: equals)...])), at: 0)
            folders.removeLast()
        }
        let isHive = !partitions.isEmpty
        // The same key twice says nothing.
        if Set(partitions.map(\.name)).count < partitions.count { return nil }
        if !isHive, dates {
            for (name, value) in dateFolders(at: folders) {
                partitions.append((.tokens([.any(name)]), name, value))
            }
            folders.removeLast(partitions.count)
        }
        let isAlone = folders.isEmpty && partitions.isEmpty
        let stem = file.lowercased().hasSuffix(".parquet") ? String(file.dropLast(8)) : file
        let shape = PathShape(
            folders.map { .text($0) } + partitions.map(\.part)
                + [isAlone ? .text(file) : .tokens([.any(nil), .text(ending(of: file))])])
        return FilePlacement(
            parts: isAlone
                ? [("table", stem)] : folders.isEmpty ? [("table", lake)] : folders.map { ("folder", $0) },
            partitions: partitions.map { ($0.name, $0.value) }, shape: shape, isHive: isHive)
    }

    /// The year, month, day and hour, or the date, that the last folders are.
    private static func dateFolders(at folders: [String]) -> [(name: String, value: String)] {
        if let last = folders.last, isDate(last) { return [("date", last)] }
        for count in stride(from: 4, through: 1, by: -1) where folders.count >= count {
            let last = Array(folders.suffix(count))
            let limits = [1900...2199, 1...12, 1...31, 0...23]
            let fits = last.indices.allSatisfy { place in
                let digits = last[place].utf8
                guard digits.count == (place == 0 ? 4 : 2), digits.allSatisfy({ (48...57).contains($0) }) else {
                    return false
                }
                return Int(last[place]).map { limits[place].contains($0) } ?? false
            }
            if fits { return zip(["year", "month", "day", "hour"], last).map { ($0, $1) } }
        }
        return []
    }

    static func isDate(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.count == 10
            && bytes.indices.allSatisfy {
                $0 == 4 || $0 == 7 ? bytes[$0] == UInt8(ascii: "-") : (48...57).contains(bytes[$0])
            }
    }

    private static func ending(of file: String) -> String {
        file.lastIndex(of: ".").map { String(file[$0...]) } ?? ""
    }

    // MARK: - What Sluice has staged

    private static func staged(_ path: String) -> FilePlacement? {
        let parts = path.split(separator: "/").map(String.init)
        guard parts.count >= 4, let file = parts.last, isDate(parts[parts.count - 2]), file.hasSuffix(".parquet"),
            let unit = unit(of: file.dropLast(8))
        else { return nil }
        let folders = parts.dropLast(2)
        // Eight digits, a T, twelve digits and a Z; the parts of a large unit have a number behind.
        let stamp: [PathShape.Token] =
            Array(repeating: .one, count: 8) + [.text("T")] + Array(repeating: .one, count: 12) + [.text("Z")]
        return FilePlacement(
            parts: [("protocol", folders.first ?? "")] + folders.dropFirst().map { ("source", $0) } + [("unit", unit)],
            partitions: [("staged", parts[parts.count - 2])],
            shape: PathShape(
                folders.map { .text($0) } + [
                    .tokens([.any("staged")]), .tokens([.text(unit + "_")] + stamp + [.any(nil), .text(".parquet")]),
                ]), isHive: false)
    }

    /// `orders` of `orders_20261121T053256123456Z` and `orders_20261121T053256123456Z_001`.
    private static func unit(of stem: Substring) -> String? {
        var stem = stem
        if let mark = stem.lastIndex(of: "_"),
            stem[stem.index(after: mark)...].utf8.allSatisfy({ (48...57).contains($0) })
        {
            stem = stem[..<mark]
        }
        guard let mark = stem.lastIndex(of: "_") else { return nil }
        let stamp = Array(stem[stem.index(after: mark)...].utf8)
        guard stamp.count == 22, stamp[8] == UInt8(ascii: "T"), stamp[21] == UInt8(ascii: "Z"), mark > stem.startIndex,
            stamp.indices.allSatisfy({ $0 == 8 || $0 == 21 || (48...57).contains(stamp[$0]) })
        else { return nil }
        return String(stem[..<mark])
    }

    // MARK: - Patterns

    private static func fit(
        _ path: String, _ pattern: TablePattern, _ partitions: [String], lake: String
    ) -> FilePlacement? {
        guard let values = pattern.shape.match(path) else { return nil }
        var parts: [(name: String, value: String)] = []
        var own: [String: String] = [:]
        var columns: [(name: String, value: String)] = []
        var seen: Set<String> = []
        for name in pattern.shape.names where seen.insert(name).inserted {
            guard let value = values[name] else { continue }
            if partitions.contains(name) {
                columns.append((name, value))
            } else {
                parts.append((name, value))
                own[name] = value
            }
        }
        if parts.isEmpty { parts = [("table", lake)] }
        return FilePlacement(
            parts: parts, partitions: columns, shape: pattern.shape.filled(with: own), isHive: false)
    }
}

/// Where a file belongs.
struct FilePlacement: Sendable {
    /// What makes the table, by name.
    var parts: [(name: String, value: String)]
    /// The partition columns with this file's values.
    var partitions: [(name: String, value: String)]
    /// What the paths of the table's files look like.
    var shape: PathShape
    /// Whether partitions are folders called `key=value`, as engines know them.
    var isHive: Bool
}
