import Support

/// The `:name` parameters of a query in PostgreSQL's dialect, for statements that cannot take bound values (COPY).
enum SQLParameters {
    /// `sql` with each `:name` replaced by its value as a literal, which no value can leave.
    ///
    /// Quoted text, quoted names, dollar quotes and comments are passed over; so are casts (`::`), and the colons between
    /// the bounds of a slice (`a[1:n]`). Semicolons behind the statement are left out.
    ///
    /// - throws: `SluiceError` for a parameter without a value, and for a value without a parameter.
    static func bind(_ values: [String: String], into sql: String) throws(SluiceError) -> String {
        var scanner = Scanner(bytes: Array(sql.utf8), values: values)
        try scanner.run()
        let unused = Set(values.keys).subtracting(scanner.used)
        if let name = unused.min() {
            let near = nearestWord(to: name, among: scanner.used.sorted() + scanner.unknown)
            throw SluiceError(
                .invalidConfiguration, "the query has no parameter :\(name), for which there is a value",
                hint: near.map { "Did you mean :\($0)?" } ?? "write :\(name) where the value belongs")
        }
        for place in scanner.semicolons { scanner.out[place] = UInt8(ascii: " ") }
        return String(decoding: scanner.out, as: UTF8.self)
    }

    /// `value` as a literal of no type yet, as a bound value would be.
    static func literal(_ value: String) throws(SluiceError) -> String {
        if value.utf8.contains(0) {
            throw SluiceError(.invalidConfiguration, "a value holds a zero byte, which PostgreSQL cannot store")
        }
        // With a backslash in it, only the E form means the same whatever standard_conforming_strings is.
        var literal = value.utf8.contains(UInt8(ascii: "\\")) ? " E'" : "'"
        for scalar in value.unicodeScalars {
            if scalar == "'" || scalar == "\\" { literal.unicodeScalars.append(scalar) }
            literal.unicodeScalars.append(scalar)
        }
        return literal + "'"
    }

    private struct Scanner {
        let bytes: [UInt8]
        let values: [String: String]
        var out: [UInt8] = []
        var used: Set<String> = []
        var unknown: [String] = []
        /// Where semicolons stand that nothing but blanks and comments follow.
        var semicolons: [Int] = []
        private var position = 0
        private var brackets = 0
        /// The last byte of what is no blank and no comment.
        private var lastCode: UInt8 = 0

        init(bytes: [UInt8], values: [String: String]) {
            self.bytes = bytes
            self.values = values
            out.reserveCapacity(bytes.count)
        }

        private func at(_ offset: Int) -> UInt8 {
            position + offset < bytes.count && position + offset >= 0 ? bytes[position + offset] : 0
        }

        private mutating func keep(_ count: Int) {
            let end = min(bytes.count, position + count)
            out += bytes[position..<end]
            position = end
        }

        mutating func run() throws(SluiceError) {
            while position < bytes.count {
                let byte = bytes[position]
                let isComment =
                    (byte == UInt8(ascii: "-") && at(1) == byte) || (byte == UInt8(ascii: "/") && at(1) == 42)
                let isBlank = byte == 32 || (9...13).contains(byte)
                defer { if !isComment, !isBlank { lastCode = bytes[position - 1] } }
                if !isComment, !isBlank, byte != UInt8(ascii: ";") { semicolons = [] }
                switch byte {
                case UInt8(ascii: ";"):
                    semicolons.append(out.count)
                    keep(1)
                case UInt8(ascii: "'"):
                    // E'…' knows backslashes; the E is a word of its own.
                    let isEscaped = (at(-1) | 0x20) == UInt8(ascii: "e") && !isWord(at(-2))
                    skipQuoted(UInt8(ascii: "'"), backslashes: isEscaped)
                case UInt8(ascii: "\""): skipQuoted(UInt8(ascii: "\""), backslashes: false)
                case UInt8(ascii: "-") where at(1) == UInt8(ascii: "-"):
                    keep((bytes[position...].firstIndex(of: 10) ?? bytes.count) - position)
                case UInt8(ascii: "/") where at(1) == UInt8(ascii: "*"): skipComment()
                case UInt8(ascii: "$") where !isWord(at(-1)): skipDollarQuote()
                case UInt8(ascii: "["):
                    brackets += 1
                    keep(1)
                case UInt8(ascii: "]"):
                    brackets -= 1
                    keep(1)
                case UInt8(ascii: ":"): try colon()
                default: keep(1)
                }
            }
        }

        private func isWord(_ byte: UInt8) -> Bool { isStart(byte) || (48...57).contains(byte) || byte == 36 }

        private func isStart(_ byte: UInt8) -> Bool {
            (97...122).contains(byte | 0x20) && byte >= 65 || byte == UInt8(ascii: "_") || byte >= 0x80
        }

        private mutating func colon() throws(SluiceError) {
            if at(1) == UInt8(ascii: ":") || at(1) == UInt8(ascii: "=") { return keep(2) }
            let isSlice = brackets > 0 && (isWord(lastCode) || ")]\"".utf8.contains(lastCode))
            guard isStart(at(1)), !isSlice else { return keep(1) }
            var end = position + 1
            while end < bytes.count, isStart(bytes[end]) || (48...57).contains(bytes[end]) { end += 1 }
            let name = String(decoding: bytes[(position + 1)..<end], as: UTF8.self)
            if let value = values[name] {
                used.insert(name)
                // In parentheses, so that it never runs together with a literal beside it.
                out += Array("(\(try literal(value)))".utf8)
                position = end
                return
            }
            if brackets > 0 { return keep(end - position) }
            unknown.append(name)
            let near = nearestWord(to: name, among: values.keys.sorted())
            throw SluiceError(
                .invalidConfiguration, "the query's parameter :\(name) has no value",
                hint: near.map { "Did you mean :\($0)?" } ?? "add \(name) to the job's parameters")
        }

        private mutating func skipQuoted(_ quote: UInt8, backslashes: Bool) {
            keep(1)
            while position < bytes.count {
                if backslashes, bytes[position] == UInt8(ascii: "\\") {
                    keep(2)
                } else if bytes[position] == quote {
                    if at(1) != quote { return keep(1) }
                    keep(2)
                } else {
                    keep(1)
                }
            }
        }

        private mutating func skipComment() {
            var depth = 0
            repeat {
                if at(0) == UInt8(ascii: "/"), at(1) == UInt8(ascii: "*") {
                    depth += 1
                    keep(2)
                } else if at(0) == UInt8(ascii: "*"), at(1) == UInt8(ascii: "/") {
                    depth -= 1
                    keep(2)
                } else {
                    keep(1)
                }
            } while depth > 0 && position < bytes.count
        }

        private mutating func skipDollarQuote() {
            var end = position + 1
            while end < bytes.count, isStart(bytes[end]) || (end > position + 1 && (48...57).contains(bytes[end])) {
                end += 1
            }
            guard end < bytes.count, bytes[end] == UInt8(ascii: "$") else { return keep(1) }
            let tag = bytes[position...end]
            keep(tag.count)
            while position < bytes.count {
                if bytes[position...].starts(with: tag) { return keep(tag.count) }
                keep(1)
            }
        }
    }
}
