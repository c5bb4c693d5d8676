/// Reads a page strictly, as XML is read, so that a tag that is left open or a text that was not escaped is found.
struct PageCheck {
    /// An element's beginning.
    struct Tag {
        var name: String
        var attributes: [String: String]
    }

    private(set) var tags: [Tag] = []
    private(set) var problems: [String] = []
    /// What stands between the tags, entities resolved; a blank in place of each tag.
    private(set) var text = ""

    private let bytes: [UInt8]
    private var place = 0
    private static let empty: Set<String> = ["meta", "link"]

    init(_ html: String) {
        bytes = Array(html.utf8)
        read()
    }

    private func starts(_ prefix: String) -> Bool { bytes[place...].starts(with: prefix.utf8) }

    private mutating func word(until end: (UInt8) -> Bool) -> String {
        let start = place
        while place < bytes.count, !end(bytes[place]) { place += 1 }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private mutating func read() {
        var open: [String] = []
        if starts("<!DOCTYPE html>") { place += 15 } else { problems.append("no doctype") }
        while place < bytes.count {
            if bytes[place] != UInt8(ascii: "<") {
                text += resolved(word { $0 == UInt8(ascii: "<") })
                continue
            }
            text += " "
            if starts("</") {
                place += 2
                let name = word { $0 == UInt8(ascii: ">") }
                place += 1
                if open.popLast() != name { problems.append("</\(name)> closes nothing") }
                continue
            }
            place += 1
            let tag = readTag()
            tags.append(tag)
            if PageCheck.empty.contains(tag.name) { continue }
            if bytes[place - 2] == UInt8(ascii: "/") { continue }
            if tag.name == "style" {
                // Nothing within is markup, up to the first `</`.
                while place < bytes.count, !starts("</") { place += 1 }
            }
            open.append(tag.name)
        }
        if !open.isEmpty { problems.append("never closed: \(open)") }
    }

    private mutating func readTag() -> Tag {
        let name = word { !(0x61...0x7a).contains($0 | 0x20) && !(0x30...0x39).contains($0) }
        if name.isEmpty {
            problems.append("a < that begins no tag: \(String(decoding: bytes[place...].prefix(40), as: UTF8.self))")
        }
        var tag = Tag(name: name, attributes: [:])
        while place < bytes.count, bytes[place] != UInt8(ascii: ">") {
            if bytes[place] == UInt8(ascii: " ") || bytes[place] == UInt8(ascii: "/") {
                place += 1
                continue
            }
            let key = word { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ">") || $0 == UInt8(ascii: " ") }
            guard starts("=\"") else {
                problems.append("<\(name)>: attribute \(key) without quotes")
                break
            }
            place += 2
            let value = word { $0 == UInt8(ascii: "\"") }
            place += 1
            if value.contains("<") { problems.append("<\(name)>: a < in \(key)") }
            if tag.attributes[key] != nil { problems.append("<\(name)>: \(key) twice") }
            tag.attributes[key] = resolved(value)
        }
        place += 1
        return tag
    }

    private mutating func resolved(_ text: String) -> String {
        var resolved = ""
        var rest = text[...]
        for scalar in text.unicodeScalars
        where scalar.value < 0x20 && scalar != "\n" || (0x7f...0x9f).contains(scalar.value) {
            problems.append("a control character")
        }
        while let and = rest.firstIndex(of: "&") {
            resolved += rest[..<and]
            let entity = rest[and...].prefix { $0 != ";" }
            guard let known = ["&amp": "&", "&lt": "<", "&gt": ">", "&quot": "\"", "&#39": "'"][String(entity)] else {
                problems.append("an & that is not escaped: \(rest[and...].prefix(12))")
                return resolved
            }
            resolved += known
            rest = rest[and...].dropFirst(entity.count + 1)
        }
        return resolved + rest
    }
}
