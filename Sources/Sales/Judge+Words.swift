import Support

/// How reasons tell values and places.
extension Judge {
    /// What a value is, in a reason.
    static func word(_ tag: UInt8) -> String {
        switch tag {
        case Tag.null, Tag.missing: "null"
        case Tag.bool: "a boolean"
        case Tag.string, Tag.escaped: "a string"
        case Tag.array: "an array"
        case Tag.object: "an object"
        default: "a number"
        }
    }

    /// A string as JSON, cut behind 40 characters.
    static func quoted(_ text: Bytes) -> String { quoted(text.text) }

    static func quoted(_ text: String) -> String {
        var result = ""
        let scalars = text.unicodeScalars
        guard scalars.count > 40 else {
            JSONText.quote(text, to: &result)
            return result
        }
        var cut = String.UnicodeScalarView()
        cut.append(contentsOf: scalars.prefix(40))
        JSONText.quote(String(cut) + "…", to: &result)
        return result
    }

    /// A number as it is written, cut behind 40 characters.
    static func quoted(number: Bytes) -> String {
        number.count <= 40 ? number.text : Bytes(number.start, 40).text + "…"
    }

    /// The place in its array of the item that the byte at `offset` of a record is in.
    static func line(at offset: Int, in text: MutableBuffer) -> Int {
        var open: [Int?] = []
        var isInside = false
        var at = 0
        while at < min(offset, text.count) {
            let byte = text.base.load(fromByteOffset: at, as: UInt8.self)
            if isInside {
                if byte == UInt8(ascii: "\\") { at += 1 }
                if byte == UInt8(ascii: "\"") { isInside = false }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInside = true
                case UInt8(ascii: "["): open.append(0)
                case UInt8(ascii: "{"): open.append(nil)
                case UInt8(ascii: "]"), UInt8(ascii: "}"): _ = open.popLast()
                case UInt8(ascii: ","):
                    if let commas = open.last ?? nil { open[open.count - 1] = commas + 1 }
                default: break
                }
            }
            at += 1
        }
        return open.last { $0 != nil }.flatMap { $0 } ?? 0
    }
}
