import Columns
import Postgres
import Support
import Warehouse

/// A column of the source: how the server is asked for it, and how its values come.
struct PostgresColumn: Sendable {
    let name: String
    /// What the value is selected by.
    let expression: String
    /// How it comes.
    let type: PostgresType
    let isNullable: Bool
    /// What the column itself is, domains followed.
    let base: UInt32
    /// The server's name for that.
    let typeName: String

    /// What a column of the type `oid` is read as.
    ///
    /// - parameter moneyScale: How many places an amount of money has on this server.
    init(
        _ attribute: PostgresCatalog.Attribute, types: [UInt32: PostgresCatalog.TypeFacts], reference: String,
        moneyScale: Int
    ) {
        name = attribute.name
        isNullable = attribute.isNullable
        let (facts, modifier) = PostgresColumn.followed(attribute.oid, attribute.modifier, types)
        base = facts?.oid ?? attribute.oid
        typeName = facts?.name ?? "type \(attribute.oid)"
        let text = PostgresType(oid: PostgresType.OID.text)
        guard let facts else {
            (expression, type) = ("\(reference)::text", text)
            return
        }
        if facts.element != 0 {
            (expression, type) = PostgresColumn.array(attribute, facts, modifier, types, reference, moneyScale)
            return
        }
        switch (facts.kind, facts.oid) {
        // The binary form of an enum is its word.
        case ("e", _): (expression, type) = (reference, text)
        case ("c", _), (_, 2249):
            (expression, type) = ("pg_catalog.to_jsonb(\(reference))", PostgresType(oid: PostgresType.OID.jsonb))
        case (_, PostgresColumn.money):
            // Its text has the locale's marks in it.
            (expression, type) = ("\(reference)::numeric(19,\(moneyScale))", PostgresColumn.numeric(19, moneyScale))
        case (_, PostgresColumn.inet):
            // The cast to text adds a mask that the server does not print.
            (expression, type) = ("pg_catalog.textin(pg_catalog.inet_out(\(reference)))", text)
        // One byte of any kind, which need not be a character.
        case (_, PostgresType.OID.char): (expression, type) = ("\(reference)::text", text)
        default:
            let plain = PostgresType(oid: facts.oid, modifier: modifier)
            (expression, type) = plain.needsTextCast ? ("\(reference)::text", text) : (reference, plain)
        }
    }

    static let money: UInt32 = 790
    private static let inet: UInt32 = 869
    private static let textArray: UInt32 = 1009

    private static func numeric(_ precision: Int, _ scale: Int) -> PostgresType {
        PostgresType(oid: PostgresType.OID.numeric, modifier: Int32(precision << 16 | scale) + 4)
    }

    private static func array(
        _ attribute: PostgresCatalog.Attribute, _ facts: PostgresCatalog.TypeFacts, _ modifier: Int32,
        _ types: [UInt32: PostgresCatalog.TypeFacts], _ reference: String, _ moneyScale: Int
    ) -> (String, PostgresType) {
        let json = ("pg_catalog.to_jsonb(\(reference))", PostgresType(oid: PostgresType.OID.jsonb))
        // Lists of lists have no column type of a depth that is known beforehand.
        if attribute.dimensions > 1 { return json }
        let (element, declared) = followed(facts.element, modifier, types)
        guard let element else { return json }
        if element.kind == "c" || element.oid == 2249 || element.element != 0 { return json }
        let text = PostgresType(oid: textArray, element: PostgresType.OID.text)
        if element.kind == "e" { return (reference, text) }
        if element.oid == money {
            let type = numeric(19, moneyScale)
            return (
                "\(reference)::numeric(19,\(moneyScale))[]",
                PostgresType(oid: 1231, modifier: type.modifier, element: type.oid)
            )
        }
        let type = PostgresType(oid: facts.oid, modifier: declared, element: element.oid)
        if element.oid == PostgresType.OID.char || type.needsTextCast {
            // As the server prints the items, which a cast of each need not be.
            return ("pg_catalog.textin(pg_catalog.array_out(\(reference)))::text[]", text)
        }
        return (reference, type)
    }

    /// The type behind a domain, or a domain over a domain, and what is declared with it.
    private static func followed(
        _ oid: UInt32, _ modifier: Int32, _ types: [UInt32: PostgresCatalog.TypeFacts]
    ) -> (PostgresCatalog.TypeFacts?, Int32) {
        var facts = types[oid]
        var modifier = modifier
        while let domain = facts, domain.kind == "d" {
            if domain.modifier >= 0 { modifier = domain.modifier }
            facts = types[domain.base]
        }
        return (facts, modifier)
    }

    /// The column as the rows have it.
    var field: Field { Field(name, type.columnType, nullable: isNullable) }

    // MARK: As a cursor

    /// What the column is compared with: the type of a literal, and what makes the server's order ours.
    ///
    /// - throws: `SluiceError` when the server orders the values in another way than their text, or not at all.
    func cursorType() throws(SluiceError) -> (literal: String, collation: String) {
        typealias OID = PostgresType.OID
        switch base {
        case OID.int2, OID.int4, OID.int8, OID.oid: return ("bigint", "")
        // As a double the text of a float is another number, and rows at the boundary would lie before it.
        case OID.float4: return ("real", "")
        case OID.float8: return ("double precision", "")
        case OID.numeric:
            if case .decimal = type.columnType { return ("numeric", "") }
        case OID.date: return ("date", "")
        case OID.time: return ("time", "")
        case OID.timestamp: return ("timestamp", "")
        case OID.timestamptz: return ("timestamptz", "")
        case OID.uuid: return ("uuid", "")
        // As a text it would lose the spaces that fill it up, and lie before the bound, which has them.
        case OID.bpchar: return ("bpchar", " COLLATE \"C\"")
        case OID.text, OID.varchar, OID.name:
            // We order text by its bytes, the database may order it by a language's rules.
            return ("text", " COLLATE \"C\"")
        default: break
        }
        let hint =
            base == OID.numeric
            ? "declare its precision, or read a query that casts it: SELECT …, \(name)::numeric(38,6) AS \(name)"
            : "choose a column of numbers, moments or text"
        throw SluiceError(
            .invalidConfiguration, "a column of type \(typeName) cannot be the cursor",
            place: .init(column: name), hint: hint)
    }
}
