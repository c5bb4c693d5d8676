/// What paths look like: parts with wildcards, of which some have names.
///
///     {device}/{message}/{yyyy}/{mm}/{dd}/*.parquet
public struct PathShape: Sendable, Hashable {
    /// A piece of a part.
    public enum Token: Sendable, Hashable {
        /// These very characters.
        case text(String)
        /// Any characters: at least one where they have a name.
        case any(String?)
        /// One byte, whichever.
        case one
    }

    /// What stands between two slashes.
    public enum Part: Sendable, Hashable {
        /// Any number of folders, none included.
        case deep
        /// These pieces.
        case tokens([Token])

        /// These very characters.
        public static func text(_ text: String) -> Part { .tokens([.text(text)]) }
    }

    /// The parts, between slashes.
    public var parts: [Part]

    /// A shape of these parts.
    public init(_ parts: [Part]) { self.parts = parts }

    /// The names of its wildcards, in their order.
    public var names: [String] {
        parts.flatMap { part -> [String] in
            guard case .tokens(let tokens) = part else { return [] }
            return tokens.compactMap { token in if case .any(let name?) = token { name } else { nil } }
        }
    }

    /// Its wildcards in their order, each with its name if it has one.
    public var wildcards: [String?] {
        parts.flatMap { part -> [String?] in
            switch part {
            case .deep: [nil]
            case .tokens(let tokens):
                tokens.compactMap { token -> String?? in
                    switch token {
                    case .text: nil
                    case .any(let name): .some(name)
                    case .one: .some(nil)
                    }
                }
            }
        }
    }

    /// Whether a star stands in it that is no wildcard.
    public var hasStars: Bool {
        parts.contains { part in
            guard case .tokens(let tokens) = part else { return false }
            return tokens.contains {
                if case .text(let text) = $0 { text.utf8.contains(UInt8(ascii: "*")) } else { false }
            }
        }
    }

    /// Whether it has folders at any depth.
    public var isDeep: Bool { parts.contains(.deep) }

    /// What the named wildcards stand for in `path`; nil when it does not fit.
    public func match(_ path: String) -> [String: String]? {
        var found: [String: String] = [:]
        let names = path.split(separator: "/", omittingEmptySubsequences: false).map { Array($0.utf8) }
        return PathShape.match(names[...], parts[...], &found) ? found : nil
    }

    private static func match(
        _ names: ArraySlice<[UInt8]>, _ parts: ArraySlice<Part>, _ found: inout [String: String]
    ) -> Bool {
        guard let part = parts.first else { return names.isEmpty }
        switch part {
        case .deep:
            // Of several `**`, the first that fits counts; a pattern has at most two.
            for start in names.startIndex...names.endIndex {
                // What a try that fails has found is forgotten.
                var attempt = found
                guard match(names[start...], parts.dropFirst(), &attempt) else { continue }
                found = attempt
                return true
            }
            return false
        case .tokens(let tokens):
            guard let name = names.first, fit(name, tokens, &found) else { return false }
            return match(names.dropFirst(), parts.dropFirst(), &found)
        }
    }

    /// Whether a name fits the pieces of a part. The last wildcard alone is stretched when something behind it does not
    /// fit, which is enough to find a fit where there is one, and takes no longer than length times length.
    private static func fit(_ name: [UInt8], _ tokens: [Token], _ found: inout [String: String]) -> Bool {
        var (n, t) = (0, 0)
        var stars: [(token: Int, start: Int, end: Int)] = []
        while true {
            if t < tokens.count {
                switch tokens[t] {
                case .text(let text):
                    if name[n...].starts(with: text.utf8) {
                        n += text.utf8.count
                        t += 1
                        continue
                    }
                case .one:
                    if n < name.count {
                        n += 1
                        t += 1
                        continue
                    }
                case .any(let label):
                    let least = label == nil ? 0 : 1
                    if n + least <= name.count {
                        stars.append((t, n, n + least))
                        n += least
                        t += 1
                        continue
                    }
                }
            } else if n == name.count {
                break
            }
            guard var last = stars.popLast(), last.end < name.count else { return false }
            last.end += 1
            stars.append(last)
            (n, t) = (last.end, last.token + 1)
        }
        for star in stars {
            guard case .any(let label?) = tokens[star.token] else { continue }
            let value = String(decoding: name[star.start..<star.end], as: UTF8.self)
            // A name that stands twice has to mean the same.
            if let known = found[label], known != value { return false }
            found[label] = value
        }
        return true
    }

    /// The same shape where some names stand for what they are known to be.
    public func filled(with values: [String: String]) -> PathShape {
        PathShape(
            parts.map { part in
                guard case .tokens(let tokens) = part else { return part }
                return .tokens(
                    tokens.map { token in
                        guard case .any(let name?) = token, let value = values[name] else { return token }
                        return .text(value)
                    })
            })
    }

    /// The same shape in a language that has no wildcard but the star: of those that stand side by side, one stays.
    public var withStarsOnly: PathShape {
        PathShape(
            parts.map { part in
                guard case .tokens(let tokens) = part else { return part }
                var result: [Token] = []
                for token in tokens {
                    let star: Token = token == .one ? .any(nil) : token
                    if star == .any(nil), result.last == .any(nil) { continue }
                    result.append(star)
                }
                return .tokens(result)
            })
    }

    /// The folders at its beginning that have no wildcard.
    public var folder: String {
        var names: [String] = []
        for part in parts.dropLast() {
            guard case .tokens(let tokens) = part, let text = PathShape.literal(tokens) else { break }
            names.append(text)
        }
        return names.joined(separator: "/")
    }

    static func literal(_ tokens: [Token]) -> String? {
        var text = ""
        for token in tokens {
            guard case .text(let piece) = token else { return nil }
            text += piece
        }
        return text
    }

    /// The path pattern, each piece written by `write`, and `**` for folders at any depth.
    public func pattern(_ write: (Token) -> String) -> String {
        parts.map { part in
            switch part {
            case .deep: "**"
            case .tokens(let tokens): tokens.map(write).joined()
            }
        }.joined(separator: "/")
    }
}
