import ODBC
import Support

/// The `:name` parameters of a query, which ODBC knows as `?` only.
enum ODBCParameterText {
    /// `sql` with a `?` for each `:name`, and their values in that order.
    ///
    /// Quoted text, quoted names and comments are passed over; so are casts (`::`) and assignments (`:=`). Semicolons behind
    /// the statement are left out.
    ///
    /// - throws: `SluiceError` for a parameter without a value, and for a value without a parameter.
    static func bind(
        _ values: [String: String], into sql: String, database: ODBCDatabase
    ) throws(SluiceError) -> (sql: String, values: [ODBCParameter]) {
        let bytes = Array(sql.utf8)
        var out: [UInt8] = []
        var bound: [ODBCParameter] = []
        var used: Set<String> = []
        var position = 0
        func at(_ offset: Int) -> UInt8 { position + offset < bytes.count ? bytes[position + offset] : 0 }
        func isStart(_ byte: UInt8) -> Bool {
            (97...122).contains(byte | 0x20) && byte >= 65 || byte == 95 || byte >= 0x80
        }
        func keep(to end: Int) {
            out += bytes[position..<min(end, bytes.count)]
            position = min(end, bytes.count)
        }
        /// The end of what begins here and goes on to `close`, which stands for itself when it is doubled.
        func quoted(_ close: UInt8) -> Int {
            var end = position + 1
            while end < bytes.count {
                if bytes[end] == UInt8(ascii: "\\"), database == .mySQL, close == 39 || close == 34 {
                    end += 2
                } else if bytes[end] != close {
                    end += 1
                } else if end + 1 < bytes.count, bytes[end + 1] == close {
                    end += 2
                } else {
                    return end + 1
                }
            }
            return bytes.count
        }
        while position < bytes.count {
            switch bytes[position] {
            case 39, 34: keep(to: quoted(bytes[position]))
            case UInt8(ascii: "`") where database == .mySQL: keep(to: quoted(UInt8(ascii: "`")))
            case UInt8(ascii: "[") where database == .sqlServer: keep(to: quoted(UInt8(ascii: "]")))
            case UInt8(ascii: "-") where at(1) == UInt8(ascii: "-"):
                keep(to: bytes[position...].firstIndex(of: 10) ?? bytes.count)
            case UInt8(ascii: "/") where at(1) == UInt8(ascii: "*"):
                var end = position + 2
                while end < bytes.count,
                    !(bytes[end] == UInt8(ascii: "/") && bytes[end - 1] == UInt8(ascii: "*")) || end < position + 3
                {
                    end += 1
                }
                keep(to: end + 1)
            case UInt8(ascii: ":") where at(1) == UInt8(ascii: ":") || at(1) == UInt8(ascii: "="):
                keep(to: position + 2)
            case UInt8(ascii: ":") where isStart(at(1)):
                var end = position + 1
                while end < bytes.count, isStart(bytes[end]) || (48...57).contains(bytes[end]) { end += 1 }
                let name = String(decoding: bytes[(position + 1)..<end], as: UTF8.self)
                guard let value = values[name] else {
                    let near = nearestWord(to: name, among: values.keys.sorted())
                    throw SluiceError(
                        .invalidConfiguration, "the query's parameter :\(name) has no value",
                        hint: near.map { "Did you mean :\($0)?" } ?? "add \(name) to the job's parameters")
                }
                used.insert(name)
                bound.append(parameter(value))
                out.append(UInt8(ascii: "?"))
                position = end
            default: keep(to: position + 1)
            }
        }
        if let name = Set(values.keys).subtracting(used).min() {
            throw SluiceError(
                .invalidConfiguration, "the query has no parameter :\(name), for which there is a value",
                hint: "write :\(name) where the value belongs")
        }
        while let last = out.last, last == UInt8(ascii: ";") || last == 32 || (9...13).contains(last) {
            out.removeLast()
        }
        return (String(decoding: out, as: UTF8.self), bound)
    }

    /// A value as a number when it is written as one, so that it compares with numbers; else as text.
    private static func parameter(_ text: String) -> ODBCParameter {
        if let number = Int64(text), String(number) == text { return .integer(number) }
        let digits = text.utf8.filter { (48...57).contains($0) }.count
        let isPlain =
            text.utf8.allSatisfy { (48...57).contains($0) || $0 == 46 || $0 == 45 } && digits > 0 && digits <= 38
            && text.utf8.count { $0 == 46 } == 1 && text.utf8.first != 46 && text.utf8.last != 46
            && (text.utf8.firstIndex(of: 45).map { $0 == text.utf8.startIndex } ?? true)
        if isPlain {
            let scale = text.utf8.reversed().prefix { $0 != 46 }.count
            return .decimal(text, precision: digits, scale: scale)
        }
        return .text(text)
    }
}
