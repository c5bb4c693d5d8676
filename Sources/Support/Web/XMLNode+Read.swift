extension XMLNode {
    /// The root of the document that `bytes` are, in UTF-8.
    ///
    /// - throws: `SluiceError` with the byte at which it is not XML of the kind that `XMLNode` knows.
    public static func parse(_ bytes: Buffer, depthLimit: Int = 64) throws(SluiceError) -> XMLNode {
        var reader = XMLReader(bytes: bytes.bytes, depthLimit: depthLimit)
        return try reader.document()
    }
}

/// Reads elements, attributes, text, the five entities, numbered characters and CDATA.
private struct XMLReader {
    let bytes: [UInt8]
    let depthLimit: Int
    var position = 0

    init(bytes: [UInt8], depthLimit: Int) {
        self.bytes = bytes
        self.depthLimit = depthLimit
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
    }

    mutating func document() throws(SluiceError) -> XMLNode {
        try skipAside()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "<") else {
            throw failure("an element was expected")
        }
        let root = try element(depth: 0)
        try skipAside()
        if position < bytes.count { throw failure("there is more behind the last element") }
        return root
    }

    private func failure(_ what: String) -> SluiceError {
        SluiceError(.invalidData, "this is not XML: \(what)", place: .init(offset: position))
    }

    private func isAt(_ text: StaticString) -> Bool {
        bytes[position...].starts(with: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func take(_ text: StaticString) -> Bool {
        guard isAt(text) else { return false }
        position += text.utf8CodeUnitCount
        return true
    }

    private mutating func skipBlanks() {
        while position < bytes.count, [0x20, 0x0a, 0x0d, 0x09].contains(bytes[position]) { position += 1 }
    }

    /// Skips blanks, comments and instructions.
    private mutating func skipAside() throws(SluiceError) {
        while true {
            skipBlanks()
            if isAt("<?") {
                try skip(past: "?>")
            } else if isAt("<!--") {
                try skip(past: "-->")
            } else if isAt("<!") {
                throw failure("document types are not read")
            } else {
                return
            }
        }
    }

    private mutating func skip(past end: StaticString) throws(SluiceError) {
        while !take(end) {
            if position >= bytes.count { throw failure("it ends too early") }
            position += 1
        }
    }

    private mutating func name() throws(SluiceError) -> String {
        let start = position
        while position < bytes.count, !" \t\r\n/>=<\"'&".utf8.contains(bytes[position]) { position += 1 }
        guard position > start, let name = String(validating: bytes[start..<position], as: UTF8.self) else {
            throw failure("a name was expected")
        }
        return name
    }

    private mutating func element(depth: Int) throws(SluiceError) -> XMLNode {
        if depth >= depthLimit { throw failure("it is nested deeper than \(depthLimit) levels") }
        position += 1
        var node = XMLNode(try name())
        while true {
            skipBlanks()
            if take("/>") { return node }
            if take(">") { break }
            let key = try name()
            skipBlanks()
            guard take("=") else { throw failure("'=' was expected") }
            skipBlanks()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") || bytes[position] == UInt8(ascii: "'")
            else {
                throw failure("a quoted value was expected")
            }
            let quote = bytes[position]
            position += 1
            node.attributes[key] = try text(until: quote)
            position += 1
        }
        while true {
            if isAt("</") {
                position += 2
                let ended = try name()
                guard ended == node.name else { throw failure("<\(node.name)> is ended by </\(ended)>") }
                skipBlanks()
                guard take(">") else { throw failure("'>' was expected") }
                // Blanks between elements are layout, not text.
                if !node.children.isEmpty, node.text.allSatisfy(\.isWhitespace) { node.text = "" }
                return node
            }
            if take("<![CDATA[") {
                let start = position
                while !isAt("]]>") {
                    if position >= bytes.count { throw failure("it ends too early") }
                    position += 1
                }
                node.text += try decoded(bytes[start..<position])
                position += 3
            } else if isAt("<!--") {
                try skip(past: "-->")
            } else if isAt("<?") {
                try skip(past: "?>")
            } else if isAt("<") {
                node.children.append(try element(depth: depth + 1))
            } else {
                node.text += try text(until: UInt8(ascii: "<"))
            }
        }
    }

    private func decoded(_ slice: ArraySlice<UInt8>) throws(SluiceError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else { throw failure("a text is not UTF-8") }
        return text
    }

    /// The text up to `end`, which stays.
    private mutating func text(until end: UInt8) throws(SluiceError) -> String {
        var text: [UInt8] = []
        while true {
            guard position < bytes.count else { throw failure("it ends too early") }
            let byte = bytes[position]
            if byte == end { return try decoded(text[...]) }
            if byte == UInt8(ascii: "&") {
                text.append(contentsOf: Array(String(Character(try entity())).utf8))
            } else {
                text.append(byte)
                position += 1
            }
        }
    }

    private mutating func entity() throws(SluiceError) -> Unicode.Scalar {
        let known: [(StaticString, Unicode.Scalar)] = [
            ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"),
        ]
        for (text, scalar) in known where take(text) { return scalar }
        guard take("&#") else { throw failure("an entity that is not known") }
        let radix = take("x") ? 16 : 10
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: ";"), position - start < 8 { position += 1 }
        let digits = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let value = UInt32(digits, radix: radix), let scalar = Unicode.Scalar(value), take(";") else {
            throw failure("a numbered character that there is not")
        }
        return scalar
    }
}
