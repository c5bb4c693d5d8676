import Settings
import Support

/// A connection's URL taken apart: `postgres://user:pass@host:port/db?sslmode=require`, `sqlite:shop.db`,
/// `file:data`, or a bare path.
///
/// What is percent-encoded is decoded once, part by part, so that every character can stand in a password. References to
/// secrets may stand in any part; what they become is not decoded and not taken apart.
struct ConnectionURL {
    /// The word before the colon, in lower case; nil for a bare path.
    var scheme: String?
    var username: Scalar?
    var password: Scalar?
    var host: Scalar?
    var port: Scalar?
    /// What lies behind the host, decoded; with its slash.
    var path: Scalar?
    var query: [(name: String, value: Scalar)] = []

    /// Takes `url` apart.
    ///
    /// - throws: `SluiceError` that says which part is wrong, and never shows a password.
    init(_ url: Scalar) throws(SluiceError) {
        let text = try ConnectionURL.marked(url)
        guard let colon = text.firstIndex(of: ":"), ConnectionURL.isScheme(text[..<colon]) else {
            path = url
            return
        }
        scheme = text[..<colon].lowercased()
        var rest = text[text.index(after: colon)...]
        let secrets = url.secrets
        if rest.contains("#") {
            throw ConnectionURL.malformed("holds a '#'", scheme, hint: "write %23 for a '#' in a name or password")
        }
        if let mark = rest.firstIndex(of: "?") {
            query = try ConnectionURL.parseQuery(rest[rest.index(after: mark)...], secrets, scheme)
            rest = rest[..<mark]
        }
        if rest.hasPrefix("//") {
            rest = rest.dropFirst(2)
            let slash = rest.firstIndex(of: "/") ?? rest.endIndex
            let authority = rest[..<slash]
            if !authority.contains("@"), text[colon...].contains("@") {
                // Taken as host and port, the beginning of a password would be shown in a message.
                throw ConnectionURL.malformed(
                    "has an '@' behind its host's place", scheme,
                    hint: "in a password, write %2F for '/', %3F for '?' and %40 for '@'")
            }
            try parseAuthority(authority, secrets)
            rest = rest[slash...]
        }
        if !rest.isEmpty { path = try decoded(rest, secrets) }
    }

    /// The URL for a message: without user, password and parameters, secrets as references.
    func shown(_ protocolName: String) -> String {
        let path = path?.description ?? ""
        guard let host else { return "\(protocolName):\(path.isEmpty ? "." : path)" }
        return "\(protocolName)://\(host)\(port.map { ":\($0)" } ?? "")\(path)"
    }

    private mutating func parseAuthority(_ text: Substring, _ secrets: [SecretReference]) throws(SluiceError) {
        var place = text
        // The last one: an '@' in a password that somebody forgot to encode still belongs to it.
        if let at = text.lastIndex(of: "@") {
            let user = text[..<at]
            place = text[text.index(after: at)...]
            if let colon = user.firstIndex(of: ":") {
                username = try decoded(user[..<colon], secrets)
                password = try decoded(user[user.index(after: colon)...], secrets)
            } else {
                username = try decoded(user, secrets)
            }
        }
        if place.contains(",") {
            throw ConnectionURL.malformed("names several hosts, one was expected", scheme, hint: "name one of them")
        }
        var end = place.endIndex
        if place.first == "[" {
            guard let close = place.firstIndex(of: "]") else {
                throw ConnectionURL.malformed("has a '[' without its ']'", scheme, hint: "write [::1] for IPv6")
            }
            host = try decoded(place[place.index(after: place.startIndex)..<close], secrets)
            place = place[place.index(after: close)...]
            guard place.isEmpty || place.first == ":" else {
                throw ConnectionURL.malformed(
                    "has something else than a port behind its host", scheme, hint: "write [::1]:5432")
            }
            end = place.startIndex
        } else {
            end = place.firstIndex(of: ":") ?? place.endIndex
            if end != place.startIndex { host = try decoded(place[..<end], secrets) }
        }
        if end < place.endIndex {
            let digits = place[place.index(after: end)...]
            if !digits.isEmpty { port = try decoded(digits, secrets) }
        }
    }

    private static func parseQuery(
        _ text: Substring, _ secrets: [SecretReference], _ scheme: String?
    ) throws(SluiceError) -> [(name: String, value: Scalar)] {
        var parameters: [(name: String, value: Scalar)] = []
        for pair in text.split(separator: "&") {
            let equals = pair.firstIndex(of: "=")
            let name = try decode(pair[..<(equals ?? pair.endIndex)], scheme)
            guard let equals else {
                throw malformed("has the parameter '\(name)' without a value", scheme, hint: "write \(name)=…")
            }
            if parameters.contains(where: { $0.name == name }) {
                throw malformed("has the parameter '\(name)' twice", scheme, hint: "keep one of them")
            }
            let value = try decode(pair[pair.index(after: equals)...], scheme)
            parameters.append((name, scalar(value, secrets)))
        }
        return parameters
    }

    private static func isScheme(_ text: Substring) -> Bool {
        guard let first = text.first, first.isASCII, first.isLetter else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+.-_".contains($0)) }
    }

    static func malformed(_ what: String, _ scheme: String?, hint: String?) -> SluiceError {
        SluiceError(.invalidConfiguration, "the \(scheme.map { "\($0): " } ?? "")URL \(what)", hint: hint)
    }

    // MARK: Secrets inside

    /// A character of a private plane stands for each secret while the text is taken apart.
    private static let firstMark: UInt32 = 0x10_0000
    private static let lastMark: UInt32 = 0x10_fffd

    private static func marked(_ url: Scalar) throws(SluiceError) -> String {
        var text = ""
        var count: UInt32 = 0
        for part in url.parts {
            switch part {
            case .literal(let piece):
                if piece.unicodeScalars.contains(where: { $0.value >= firstMark }) {
                    throw SluiceError(
                        .invalidConfiguration, "the URL holds a character of Unicode's private plane 16",
                        hint: "percent-encode it")
                }
                text += piece
            case .secret:
                guard let mark = Unicode.Scalar(firstMark + count), firstMark + count <= lastMark else { break }
                text.unicodeScalars.append(mark)
                count += 1
            }
        }
        return text
    }

    private func decoded(_ text: Substring, _ secrets: [SecretReference]) throws(SluiceError) -> Scalar {
        ConnectionURL.scalar(try ConnectionURL.decode(text, scheme), secrets)
    }

    private static func scalar(_ text: String, _ secrets: [SecretReference]) -> Scalar {
        var parts: [Scalar.Part] = []
        var literal = ""
        for character in text.unicodeScalars {
            guard character.value >= firstMark, Int(character.value - firstMark) < secrets.count else {
                literal.unicodeScalars.append(character)
                continue
            }
            if !literal.isEmpty { parts.append(.literal(literal)) }
            literal = ""
            parts.append(.secret(secrets[Int(character.value - firstMark)]))
        }
        if !literal.isEmpty || parts.isEmpty { parts.append(.literal(literal)) }
        return Scalar(parts: parts, isPlain: true)
    }

    // MARK: Percent-encoding

    private static func decode(_ text: Substring, _ scheme: String?) throws(SluiceError) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexDigit), let low = rest.popFirst().flatMap(hexDigit) else {
                throw malformed(
                    "has a '%' without two hexadecimal digits behind it", scheme, hint: "write %25 for a '%'")
            }
            bytes.append(high << 4 | low)
        }
        // A decoded character must not pass for the mark of a secret.
        func marks(_ text: some StringProtocol) -> Int { text.unicodeScalars.count { $0.value >= firstMark } }
        guard let decoded = String(validating: bytes, as: UTF8.self), !bytes.contains(0), marks(decoded) == marks(text)
        else {
            throw malformed("has percent-encoded bytes that are not UTF-8 text", scheme, hint: nil)
        }
        return decoded
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
