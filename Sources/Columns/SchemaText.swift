public import Support

extension Schema {
    /// The schema that a user wrote: `id: int64 not null, "unit price": decimal(10,2), tags: list<utf8>`.
    ///
    /// Types are written as `DataType.description` writes them, with shorthands: `string` and `text` for `utf8`, `int`
    /// for `int64`, `double` for `float64`, `float` for `float32`, `boolean` for `bool`, `bytes` for `binary`,
    /// `timestamp` and `datetime` for `timestamp(us)`, `time` for `time(us)`, `list<utf8>` for `list<item: utf8>`. Names
    /// with anything but letters, digits and `_-.$` are written in double quotes, a quote inside as two. Line ends
    /// and `#` comments may stand between the fields.
    ///
    /// - throws: `SluiceError` with code `invalid-configuration` that names the spot.
    public init(parsing text: String) throws(SluiceError) {
        var parser = SchemaParser(text)
        self.init(try parser.parseFields(until: nil))
    }
}

extension DataType {
    /// The type that a user wrote, as in `Schema(parsing:)`.
    ///
    /// - throws: `SluiceError` with code `invalid-configuration` that names the spot.
    public init(parsing text: String) throws(SluiceError) {
        var parser = SchemaParser(text)
        self = try parser.parseType()
        try parser.expectEnd()
    }
}

/// Reads a schema's text, letter by letter.
private struct SchemaParser {
    private let text: [Character]
    private var position = 0
    private var depth = 0

    private static let deepest = 64

    init(_ text: String) { self.text = Array(text) }

    // MARK: - Fields

    /// Fields between commas, up to `end` or the end of the text.
    mutating func parseFields(until end: Character?) throws(SluiceError) -> [Field] {
        var fields: [Field] = []
        while true {
            skipSpace()
            if let end, take(end) { break }
            if end == nil, position == text.count { break }
            let name = try parseName()
            if fields.contains(where: { $0.name == name }) { throw failure("the name '\(name)' stands there twice") }
            try expect(":")
            fields.append(try parseField(name))
            if take(",") { continue }
            skipSpace()
            if let end {
                try expect(end)
            } else {
                try expectEnd()
            }
            break
        }
        if fields.isEmpty { throw failure("a name and a type were expected, as in 'id: int64'") }
        return fields
    }

    /// What follows a field's name.
    private mutating func parseField(_ name: String) throws(SluiceError) -> Field {
        let type = try parseType()
        let start = position
        if parseWord() == "not" {
            if parseWord() == "null" { return Field(name, type, nullable: false) }
            position = start
            throw failure("'not null' was expected")
        }
        position = start
        return Field(name, type)
    }

    private mutating func parseName() throws(SluiceError) -> String {
        if take("\"") {
            var name = ""
            while position < text.count {
                let character = text[position]
                position += 1
                if character != "\"" {
                    name.append(character)
                } else if position < text.count, text[position] == "\"" {
                    name.append("\"")
                    position += 1
                } else {
                    return name
                }
            }
            throw failure("the quote is not closed")
        }
        let name = parseWord()
        if name.isEmpty { throw failure("a column's name was expected") }
        return name
    }

    // MARK: - Types

    mutating func parseType() throws(SluiceError) -> DataType {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.deepest { throw failure("types are nested more than \(Self.deepest) deep") }
        skipSpace()
        let start = position
        let word = parseWord().lowercased()
        if let simple = Self.simpleTypes[word], !isNext("(") { return simple }
        switch word {
        case "decimal", "numeric": return try parseDecimal()
        case "binary", "bytes":
            let width = try parseNumbers(1)[0]
            guard width >= 1, width <= 1 << 30 else { throw failure("a width of \(width) is not possible") }
            return .fixedBinary(width)
        case "time":
            try expect("(")
            let unit = try parseUnit()
            try expect(")")
            return .time(unit)
        case "timestamp", "datetime": return try parseTimestamp()
        case "list", "array": return try parseList()
        case "struct":
            try expect("<")
            return .structure(try parseFields(until: ">"))
        case "map":
            try expect("<")
            let key = try parseType()
            try expect(",")
            let value = try parseField("value")
            try expect(">")
            return .map(key: Field("key", key, nullable: false), value: value)
        default:
            position = start
            if word.isEmpty { throw failure("a type was expected") }
            let known =
                Self.simpleTypes.keys.sorted() + ["decimal(10,2)", "timestamp(us)", "list<…>", "struct<…>", "map<…>"]
            var error = failure("there is no type '\(word)'")
            error.hint =
                nearestWord(to: word, among: known).map { "Did you mean '\($0)'?" }
                ?? "Types are: " + known.joined(separator: ", ")
            throw error
        }
    }

    private static let simpleTypes: [String: DataType] = [
        "null": .null, "bool": .bool, "boolean": .bool, "int8": .int8, "int16": .int16, "int32": .int32,
        "int64": .int64, "int": .int64, "uint8": .uint8, "uint16": .uint16, "uint32": .uint32, "uint64": .uint64,
        "float16": .float16, "float32": .float32, "float": .float32, "float64": .float64, "double": .float64,
        "utf8": .utf8, "string": .utf8, "text": .utf8, "binary": .binary, "bytes": .binary, "date": .date,
        "time": .time(.microsecond), "timestamp": .timestamp(.microsecond, zone: nil),
        "datetime": .timestamp(.microsecond, zone: nil), "uuid": .uuid, "json": .json,
    ]

    private mutating func parseDecimal() throws(SluiceError) -> DataType {
        let numbers = try parseNumbers(2)
        guard (1...38).contains(numbers[0]), (0...numbers[0]).contains(numbers[1]) else {
            throw failure(
                "decimal(\(numbers[0]),\(numbers[1])) is not possible: up to 38 digits, and a scale within them")
        }
        return .decimal(precision: numbers[0], scale: numbers[1])
    }

    private mutating func parseTimestamp() throws(SluiceError) -> DataType {
        try expect("(")
        let unit = try parseUnit()
        var zone: String?
        if take(",") {
            skipSpace()
            let start = position
            while position < text.count, text[position] != ")" { position += 1 }
            zone = String(text[start..<position]).trimmed
            if zone?.isEmpty != false { throw failure("a time zone was expected, as in 'timestamp(us, UTC)'") }
        }
        try expect(")")
        return .timestamp(unit, zone: zone)
    }

    private mutating func parseList() throws(SluiceError) -> DataType {
        try expect("<")
        // `item: utf8` or just `utf8`.
        let start = position
        var name = "item"
        if let word = try? parseName(), take(":") { name = word } else { position = start }
        let item = try parseField(name)
        try expect(">")
        return .list(item)
    }

    private mutating func parseUnit() throws(SluiceError) -> TimeUnit {
        let word = parseWord()
        guard let unit = TimeUnit(rawValue: word) else { throw failure("'\(word)' is not one of s, ms, us, ns") }
        return unit
    }

    private mutating func parseNumbers(_ count: Int) throws(SluiceError) -> [Int] {
        try expect("(")
        var numbers: [Int] = []
        for index in 0..<count {
            if index > 0 { try expect(",") }
            let word = parseWord()
            guard let number = Int(word) else { throw failure("'\(word)' is not a number") }
            numbers.append(number)
        }
        try expect(")")
        return numbers
    }

    // MARK: - Letters

    private mutating func skipSpace() {
        while position < text.count {
            if text[position] == "#" {
                while position < text.count, !text[position].isNewline { position += 1 }
            } else if text[position].isWhitespace {
                position += 1
            } else {
                return
            }
        }
    }

    private mutating func parseWord() -> String {
        skipSpace()
        let start = position
        while position < text.count, text[position].isPartOfWord { position += 1 }
        return String(text[start..<position])
    }

    private mutating func isNext(_ character: Character) -> Bool {
        skipSpace()
        return position < text.count && text[position] == character
    }

    private mutating func take(_ character: Character) -> Bool {
        guard isNext(character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Character) throws(SluiceError) {
        if !take(character) { throw failure("'\(character)' was expected") }
    }

    mutating func expectEnd() throws(SluiceError) {
        skipSpace()
        if position < text.count { throw failure("a comma or the end was expected") }
    }

    /// A failure at the current position, with the text around it.
    private func failure(_ message: String) -> SluiceError {
        let before = String(text[max(0, position - 20)..<position])
        let after = String(text[position..<min(text.count, position + 20)])
        return SluiceError(
            .invalidConfiguration,
            "schema, character \(position + 1): \(message), \(after.isEmpty ? "after '\(before)'" : "at '\(after)'")",
            hint: "A schema is written like: id: int64, price: decimal(10,2), tags: list<utf8>")
    }
}

extension Character {
    fileprivate var isPartOfWord: Bool { isLetter || isNumber || "_-.$".contains(self) }
}

extension String {
    fileprivate var trimmed: String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
