import LakeTables
import Support

/// Gives every table of a lake a name of its own in the database.
struct Naming {
    /// How names are made of the parts of a table: `tbl_{device}_{message}`; nil for the parts with `_` between.
    let template: String?
    let dialect: any Dialect

    /// A table with its name.
    struct Named {
        var table: LakeTable
        var name: String
    }

    /// Names for `tables`, and what is to be told about them. Of several that would have one name, the one that has it
    /// already keeps it, or else the first; the others get a few digits that stay the same.
    func names(
        _ tables: [LakeTable], held: [String: String], reserved: Set<String>
    ) -> (named: [Named], problems: [String]) {
        let key = { (name: String) in dialect.distinguishesCase ? name : name.lowercased() }
        var takers: [String: [(table: LakeTable, name: String)]] = [:]
        for table in tables {
            let name = dialect.usable(wanted(table))
            takers[key(name), default: []].append((table, name))
        }
        var taken = Set(takers.keys).union(reserved.map(key))
        var named: [Named] = []
        var problems: [String] = []
        for (folded, rivals) in takers {
            let holder =
                rivals.firstIndex { rival in held[rival.table.id].map { key($0) == folded } ?? false }
                ?? (reserved.contains { key($0) == folded } ? nil : 0)
            for (place, rival) in rivals.enumerated() {
                if place == holder {
                    named.append(Named(table: rival.table, name: rival.name))
                    continue
                }
                let mark = "_" + MapFingerprint.of(rival.table.id).prefix(8)
                var name = dialect.usable(rival.name, with: mark)
                var number = 2
                while taken.contains(key(name)) {
                    name = dialect.usable(rival.name, with: "\(mark)_\(number)")
                    number += 1
                }
                taken.insert(key(name))
                named.append(Named(table: rival.table, name: name))
                let other = holder.map { rivals[$0].table.id } ?? "a lookup"
                problems.append(
                    "\(Display.safe(rival.table.id)) is called \(Display.safe(name)), since "
                        + "\(Display.safe(other)) has the name \(Display.safe(rival.name))")
            }
        }
        named.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return (named, problems.sorted())
    }

    private func wanted(_ table: LakeTable) -> String {
        guard let template else { return table.parts.map(\.value).joined(separator: "_") }
        return Naming.fill(template, table.parts)
    }

    /// The names that stand in braces in a template.
    static func names(in template: String) -> [String] {
        template.split(separator: "{").dropFirst().compactMap { piece in
            piece.firstIndex(of: "}").map { String(piece[..<$0]) }
        }
    }

    /// `template` with its `{name}` replaced; several parts of one name have `_` between.
    static func fill(_ template: String, _ parts: [(name: String, value: String)]) -> String {
        var result = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            result += rest[..<open]
            let name = rest[rest.index(after: open)..<close]
            result += parts.filter { $0.name == name }.map(\.value).joined(separator: "_")
            rest = rest[rest.index(after: close)...]
        }
        return result + rest
    }
}
