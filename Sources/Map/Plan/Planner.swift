import LakeTables
import Support

/// Compares what a database is to have with what it has.
struct Planner {
    let dialect: any Dialect

    /// What has to be done, object by object, in the order of their names.
    ///
    /// - parameter damaged: Tables of which no file can be read today; what there is of them stays.
    func plan(
        _ wanted: [MapObject], _ inventory: MapInventory, keeping damaged: Set<String> = []
    ) -> MapPlan {
        let key = { (name: String) in dialect.distinguishesCase ? name : name.lowercased() }
        let owned = Dictionary(inventory.owned.map { (key($0.name), $0) }) { first, _ in first }
        let adoptable = Dictionary(inventory.adoptable.map { (key($0.name), $0) }) { first, _ in first }
        let foreign = Set(inventory.foreign.map(key))
        var changes: [MapChange] = []
        var left = owned
        for object in wanted {
            left[key(object.name)] = nil
            func change(_ action: MapChange.Action, _ sql: [String]) {
                changes.append(
                    MapChange(action: action, name: object.name, source: object.source, sql: sql, object: object))
            }
            if let known = owned[key(object.name)] ?? adoptable[key(object.name)], !known.isRetired {
                let isSame =
                    known.name == object.name
                    && (known.definition == object.definition || known.definition == object.fingerprint)
                if isSame { change(.unchanged, []) } else { change(.alter, dialect.replace(object, known)) }
            } else if foreign.contains(key(object.name)) {
                change(.blocked, [])
            } else {
                change(.create, object.statements)
            }
        }
        for known in left.values where !known.isRetired {
            if damaged.contains(known.source) {
                let object = MapObject(
                    name: known.name, kind: known.kind, source: known.source, columns: [],
                    statements: MapObject.statements(of: known.definition))
                changes.append(
                    MapChange(action: .unchanged, name: known.name, source: known.source, sql: [], object: object))
                continue
            }
            changes.append(
                MapChange(
                    action: .drop, name: known.name, source: known.source, sql: [dialect.drop(known.name, known.kind)],
                    object: nil))
        }
        changes.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return MapPlan(changes: changes, retired: left.values.filter(\.isRetired).map(\.name).sorted())
    }
}

/// A short word for how an object is made, for databases in which the whole text cannot be kept.
enum MapFingerprint {
    /// Sixteen hexadecimal digits that differ for different texts: FNV-1a.
    static func of(_ text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
