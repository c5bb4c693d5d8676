import Columns
import Storage
import Support
import Testing

@testable import LakeTables
@testable import Map

/// A table of files that were never written.
func table(_ id: String, _ parts: [(String, String)], columns: String = "id: int64") throws -> LakeTable {
    LakeTable(
        id: id, parts: parts.map { (name: $0.0, value: $0.1) }, shape: PathShape([.text(id)]), isHive: false,
        columns: try Schema(parsing: columns).fields.map {
            LakeColumn(field: $0, types: [$0.type], names: [$0.name], isConflict: false)
        }, partitions: [],
        files: [
            LakeFile(
                entry: ObjectEntry(path: id, size: 1), partitions: [],
                footer: KnownFooter(rows: 1, schema: try Schema(parsing: columns)))
        ], conflicts: [], unreadable: 0)
}

@Suite struct PlannerTests {
    private let dialect = DuckDBDialect(paths: TablePaths(root: "/lake"), schema: "lake", mark: "sluice map x")

    private func object(_ name: String, _ sql: String = "CREATE") -> MapObject {
        MapObject(name: name, kind: "view", source: name, columns: [], statements: [sql, "COMMENT"])
    }

    private func owned(_ object: MapObject, definition: String? = nil, isRetired: Bool = false) -> MapInventory.Owned {
        .init(
            name: object.name, kind: object.kind, source: object.source, definition: definition ?? object.definition,
            isRetired: isRetired)
    }

    private func actions(_ plan: MapPlan) -> [String] { plan.changes.map { "\($0.action.rawValue) \($0.name)" } }

    @Test func everyObjectIsMadeChangedLeftOrRemoved() {
        let inventory = MapInventory(owned: [
            owned(object("same")), owned(object("other", "OLD")), owned(object("gone")),
            owned(object("hashed"), definition: object("hashed").fingerprint),
            owned(object("back"), isRetired: true), owned(object("away"), isRetired: true),
        ])
        let plan = Planner(dialect: dialect).plan(
            [object("same"), object("other"), object("new"), object("hashed"), object("back")], inventory)
        #expect(
            actions(plan) == [
                "create back", "drop gone", "unchanged hashed", "create new", "alter other", "unchanged same",
            ])
        #expect(plan.retired == ["away"])
        #expect(plan.pending.count == 4)
    }

    @Test func whatOthersMadeIsLeftAlone() {
        let plan = Planner(dialect: dialect).plan(
            [object("Theirs"), object("ours")], MapInventory(foreign: ["theirs"]))
        #expect(actions(plan) == ["blocked Theirs", "create ours"])
        #expect(plan.blocked.map(\.sql) == [[]])
    }

    @Test func tablesThatCannotBeReadTodayKeepTheirNames() {
        let inventory = MapInventory(owned: [owned(object("a")), owned(object("b"))])
        let plan = Planner(dialect: dialect).plan([], inventory, keeping: ["a"])
        #expect(actions(plan) == ["unchanged a", "drop b"])
        #expect(plan.changes[0].object?.statements == ["CREATE", "COMMENT"])
    }

    @Test func aScriptRemovesWhatEarlierOnesMade() {
        let inventory = MapInventory(owned: [owned(object("gone")), owned(object("away"), isRetired: true)])
        let script = dialect.script(Planner(dialect: dialect).plan([object("new")], inventory)).joined(separator: "\n")
        #expect(script.contains("DROP VIEW IF EXISTS \"lake\".\"gone\""))
        #expect(script.contains("DROP VIEW IF EXISTS \"lake\".\"away\""))
        #expect(script.contains("'away', ") || script.contains("'away')"))
    }
}

@Suite struct NamingTests {
    private let dialect = DuckDBDialect(paths: TablePaths(root: "/lake"), schema: "lake", mark: "sluice map x")

    @Test func namesComeFromTheTemplate() throws {
        let tables = [try table("1", [("device", "2F6913DB"), ("message", "CAN2")])]
        #expect(
            Naming(template: "tbl_{device}_{message}", dialect: dialect).names(tables, held: [:], reserved: [])
                .named.map(\.name) == ["tbl_2F6913DB_CAN2"])
        #expect(
            Naming(template: nil, dialect: dialect).names(tables, held: [:], reserved: []).named.map(\.name) == [
                "2F6913DB_CAN2"
            ])
        #expect(Naming.fill("{a}{b}{", [("a", "1"), ("a", "2")]) == "1_2{")
    }

    @Test func rivalsGetNamesThatStay() throws {
        let tables = [
            try table("a/b_c", [("f", "a"), ("f", "b_c")]), try table("a_b/c", [("f", "a_b"), ("f", "c")]),
            try table("A/B/C", [("f", "A"), ("f", "B"), ("f", "C")]),
        ]
        let naming = Naming(template: nil, dialect: dialect)
        let (named, problems) = naming.names(tables, held: [:], reserved: [])
        #expect(Set(named.map { $0.name.lowercased() }).count == 3)
        #expect(problems.count == 2)
        let mark = { (id: String) in "_" + MapFingerprint.of(id).prefix(8) }
        let byID = Dictionary(uniqueKeysWithValues: named.map { ($0.table.id, $0.name) })
        #expect(byID["a/b_c"] == "a_b_c")
        #expect(byID["a_b/c"] == "a_b_c" + mark("a_b/c"))
        // Whoever has the name keeps it, whoever comes first.
        let later = naming.names(tables, held: ["a_b/c": "a_b_c"], reserved: []).named
        #expect(Dictionary(uniqueKeysWithValues: later.map { ($0.table.id, $0.name) })["a_b/c"] == "a_b_c")
    }

    @Test func longAndControlledNamesAreMadeUsable() {
        #expect(dialect.usable("a\nb\u{202e}") == "a_b_")
        #expect(dialect.usable("") == "unnamed")
        let long = dialect.usable(String(repeating: "ü", count: 2000))
        #expect(long.utf8.count <= 1000)
        #expect(long != dialect.usable(String(repeating: "ü", count: 2001)))
    }
}
