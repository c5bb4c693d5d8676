public import Support

// Draft 07, although later ones are out: it is the newest that all editors' YAML support understands whole. What later
// drafts add (`unevaluatedProperties`) is not missed, since each variant lists all keys that may stand beside it.

extension Shape {
    /// The JSON Schema by which editors complete and check documents of this shape.
    ///
    /// It accepts whatever `check` accepts, `${…}` in place of any word included, and refuses unknown names and wrong
    /// types. What needs more than a look at one place (names that refer to others, ranges of numbers in quotes) is left
    /// to `check`.
    public func jsonSchema(title: String, description: String) -> JSONText {
        var builder = SchemaBuilder()
        let root: [SchemaBuilder.Member]
        if case .object(let object) = self {
            root = builder.members(of: object)
        } else {
            root = builder.joined(builder.alternatives(of: self))
        }
        return .object(
            [
                ("$schema", "http://json-schema.org/draft-07/schema#"), ("title", .string(title)),
                ("description", .string(description)),
            ] + root + [("definitions", .object(builder.definitions))])
    }
}

/// Turns shapes into schemas. Objects become definitions, each written once however often it is used.
private struct SchemaBuilder {
    typealias Member = (key: String, value: JSONText)

    /// Those that were met so far, by name.
    private(set) var definitions: [Member] = []
    private var namesByText: [String: String] = [:]

    /// A word that holds a reference may stand for any other: what it becomes is known later.
    private static let reference = "\\$\\{"
    private static let words: [Member] = [("type", ["string", "number", "boolean"])]
    private static let wordsOrNothing: [Member] = [("type", ["string", "number", "boolean", "null"])]

    // MARK: Shapes

    /// Every way in which a value of `shape` may be written.
    mutating func alternatives(of shape: Shape) -> [[Member]] {
        switch shape {
        case .anything: return [[]]
        case .text, .reference: return [Self.words]
        case .integer(let range):
            var number: [Member] = [("type", "integer")]
            if range.lowerBound != Int.min { number.append(("minimum", .number(range.lowerBound))) }
            if range.upperBound != Int.max { number.append(("maximum", .number(range.upperBound))) }
            return [number, Self.text(matching: "^[+-]?[0-9]+$")]
        case .decimal(let range):
            var number: [Member] = [("type", "number")]
            if range.lowerBound != Int.min { number.append(("minimum", .number(range.lowerBound))) }
            if range.upperBound != Int.max { number.append(("maximum", .number(range.upperBound))) }
            return [number, Self.text(matching: "^-?[0-9]+([.][0-9]+)?$")]
        case .boolean: return [[("type", "boolean")], Self.text(matching: "^(true|false)$")]
        case .duration: return [Self.amount, Self.text(matching: Self.duration)]
        case .size: return [Self.amount, Self.text(matching: Self.size)]
        case .choice(let words):
            return [[("enum", .array(words.map { .string($0) }))], Self.text(matching: nil)]
        case .list(let item):
            let one = alternatives(of: item)
            return [[("type", "array"), ("items", .object(joined(one)))]] + one
        case .map(let value, _):
            return [[("type", "object"), ("additionalProperties", .object(joined(alternatives(of: value))))]]
        case .object(let object): return [[("$ref", .string(definition(of: object)))]]
        case .textOr(let object): return [Self.words, [("$ref", .string(definition(of: object)))]]
        }
    }

    private static let amount: [Member] = [("type", "number"), ("minimum", 0)]
    private static let duration = "^([0-9.]+(ms|s|m|h|d))+$|^[+]?[0-9.]+([eE][+-]?[0-9]+)?$"
    private static let size = "^[0-9.]+ *([kKmMgGtT]([iI]?[bB])?|[bB])?$"

    private static func text(matching pattern: String?) -> [Member] {
        [("type", "string"), ("pattern", .string(pattern.map { "\($0)|\(reference)" } ?? reference))]
    }

    /// One schema for all `ways`.
    func joined(_ ways: [[Member]]) -> [Member] {
        ways.count == 1 ? ways[0] : [("anyOf", .array(ways.map { .object($0) }))]
    }

    // MARK: Objects

    private mutating func definition(of object: ObjectShape) -> String {
        let schema = JSONText.object(members(of: object))
        let text = schema.text()
        if let name = namesByText[text] { return "#/definitions/\(name)" }
        let title = object.title.replacing(" ", with: "-")
        var name = title
        var number = 2
        while definitions.contains(where: { $0.key == name }) {
            name = "\(title)-\(number)"
            number += 1
        }
        namesByText[text] = name
        definitions.append((name, schema))
        return "#/definitions/\(name)"
    }

    /// The schema of a mapping. With variants, the keys of each hold only where the deciding key has its value, so that
    /// editors offer the right ones; where the value is a `${…}`, any may stand.
    mutating func members(of object: ObjectShape) -> [Member] {
        var properties: [Member] = []
        if let variants = object.variants {
            let names = variants.cases.map { JSONText.string($0.name) }
            let ways: [[Member]] = [[("enum", .array(names))], Self.text(matching: nil)]
            properties.append((variants.key, .object([("description", .string(variants.summary))] + joined(ways))))
        }
        for key in object.keys { properties.append((key.name, property(key))) }
        let required = (object.variants.map { [$0.key] } ?? []) + object.keys.filter(\.isRequired).map(\.name)
        var members: [Member] = [("type", "object"), ("properties", .object(properties))]
        if !required.isEmpty { members.append(("required", .array(required.map { .string($0) }))) }
        guard let variants = object.variants else {
            return members + [("additionalProperties", false)]
        }
        let common: [Member] = properties.map { ($0.key, true) }
        members.append(
            (
                "allOf",
                .array(variants.cases.map { choice($0.name, keys: $0.keys, of: variants.key, beside: common) })
            ))
        return members
    }

    private mutating func choice(
        _ name: String, keys: [KeyShape], of decider: String, beside common: [Member]
    ) -> JSONText {
        let required = keys.filter(\.isRequired).map { JSONText.string($0.name) }
        var then: [Member] = [("properties", .object(common + keys.map { ($0.name, property($0)) }))]
        if !required.isEmpty { then.append(("required", .array(required))) }
        then.append(("additionalProperties", false))
        return [
            "if": ["properties": [decider: ["const": .string(name)]], "required": [.string(decider)]],
            "then": .object(then),
        ]
    }

    private mutating func property(_ key: KeyShape) -> JSONText {
        var ways = alternatives(of: key.shape)
        // A name without a value is the same as no name, unless one is required.
        if !key.isRequired, ways.first?.isEmpty == false {
            if case .text = key.shape { ways = [Self.wordsOrNothing] } else { ways.append([("type", "null")]) }
        }
        guard let standard = key.standard else {
            return .object([("description", .string(key.summary))] + joined(ways))
        }
        // "the user's search path" tells a reader what holds; an editor would insert it.
        if standard.contains(" ") {
            return .object([("description", .string("\(key.summary). Default: \(standard)"))] + joined(ways))
        }
        return .object(
            [("description", .string(key.summary)), ("default", value(standard, of: key.shape))] + joined(ways))
    }

    /// A default as an editor would insert it.
    private func value(_ text: String, of shape: Shape) -> JSONText {
        switch shape {
        case .integer: Int(text).map { .number($0) } ?? .string(text)
        case .decimal: Decimals.isDecimal(text) ? .raw(text) : .string(text)
        case .boolean: text == "true" || text == "false" ? .bool(text == "true") : .string(text)
        default: .string(text)
        }
    }
}
