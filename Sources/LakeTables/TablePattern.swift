public import Support

/// A pattern that a user wrote: which paths are files of tables, and which part of them tells what.
///
///     {device}/{message}/{yyyy}/{mm}/{dd}/*.parquet
///
/// `{name}` is one or more characters within a part, `*` any number, `?` one, and `**` as a part folders at any depth. A
/// name for a year, month, day, hour or date is a partition column unless told otherwise; the other names make the table.
public struct TablePattern: Sendable, Hashable {
    /// The pattern as it was written.
    public let text: String
    /// What paths look like.
    public let shape: PathShape

    /// Names that are partition columns by themselves.
    public static let dateNames: Set<String> = [
        "yyyy", "mm", "dd", "hh", "year", "month", "day", "hour", "date", "week", "quarter",
    ]

    /// Reads a pattern.
    ///
    /// - throws: `SluiceError` with code `invalid-configuration` that says what is wrong with it.
    public init(_ text: String) throws(SluiceError) {
        self.text = text
        var parts: [PathShape.Part] = []
        for part in text.split(separator: "/", omittingEmptySubsequences: false) {
            if part == "**" {
                if parts.count(where: { $0 == .deep }) == 2 {
                    throw TablePattern.wrong(text, "\"**\" stands in it three times")
                }
                parts.append(.deep)
            } else {
                parts.append(.tokens(try TablePattern.tokens(part, of: text)))
            }
        }
        guard case .tokens? = parts.last else {
            throw TablePattern.wrong(text, "it ends with folders, and says nothing of files")
        }
        shape = PathShape(parts)
        if shape.names.isEmpty, !text.contains("*") {
            throw TablePattern.wrong(text, "there is no {name} in it")
        }
        if Set(shape.names.map { $0.lowercased() }).count != Set(shape.names).count {
            throw TablePattern.wrong(text, "two names differ in case only")
        }
    }

    private static func tokens(_ part: Substring, of pattern: String) throws(SluiceError) -> [PathShape.Token] {
        var tokens: [PathShape.Token] = []
        var plain = ""
        func flush() {
            if !plain.isEmpty { tokens.append(.text(plain)) }
            plain = ""
        }
        var rest = part
        while let character = rest.popFirst() {
            switch character {
            case "*":
                flush()
                if case .any? = tokens.last { throw wrong(pattern, "two wildcards stand side by side") }
                tokens.append(.any(nil))
            case "?":
                flush()
                tokens.append(.one)
            case "{":
                guard let end = rest.firstIndex(of: "}") else { throw wrong(pattern, "a \"{\" is not closed") }
                let name = String(rest[..<end])
                rest = rest[rest.index(after: end)...]
                let isName = name.utf8.allSatisfy { $0 == UInt8(ascii: "_") || TablePattern.isWord($0) }
                guard !name.isEmpty, isName, !name.hasPrefix("_") else {
                    throw wrong(pattern, "\"{\(name)}\" is no name of letters, digits and _")
                }
                flush()
                if case .any? = tokens.last { throw wrong(pattern, "two wildcards stand side by side") }
                tokens.append(.any(name))
            case "}": throw wrong(pattern, "a \"}\" has no beginning")
            case "\\":
                guard let next = rest.popFirst() else { throw wrong(pattern, "it ends with a backslash") }
                plain.append(next)
            default: plain.append(character)
            }
        }
        flush()
        if tokens.isEmpty { throw wrong(pattern, "a part of it is empty") }
        return tokens
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    private static func wrong(_ pattern: String, _ what: String) -> SluiceError {
        SluiceError(
            .invalidConfiguration, "the pattern \"\(Display.safe(pattern))\" cannot be used: \(what)",
            hint: "write it like {device}/{message}/{yyyy}/{mm}/{dd}/*.parquet")
    }
}
