import Glibc
public import Support

/// Names with wildcards: `*` and `?` within a name, `[a-z]` and `[!a-z]`, `{a,b}`, `**` for folders at any depth, and a
/// backslash before a character that is meant literally. A name that begins with a dot has to be asked for with a dot.
public enum Glob {
    /// Whether `text` holds a wildcard at all.
    public static func isPattern(_ text: String) -> Bool { text.utf8.contains { "*?[{".utf8.contains($0) } }

    /// The files that `pattern` stands for, sorted; a file that bears the pattern itself as its name wins.
    ///
    /// - throws: `SluiceError` when there is none: an empty result would look like empty data.
    public static func expand(_ pattern: String) throws(SluiceError) -> [String] {
        if !isPattern(pattern) || FileStatus(path: pattern) != nil { return [pattern] }
        let found = try matches(of: pattern)
        if found.isEmpty {
            throw SluiceError(
                .notFound, "no file matches the pattern", place: .init(file: pattern), hint: nearestFolder(to: pattern))
        }
        return found
    }

    /// The files that fit `pattern` today, sorted; none when its folder has none. Backslashes take wildcards' meaning away
    /// even where there is no wildcard.
    ///
    /// - throws: `SluiceError` when a folder that the pattern names without a wildcard does not exist.
    public static func matches(of pattern: String) throws(SluiceError) -> [String] {
        var found: Set<String> = []
        for variant in try alternatives(of: pattern) {
            let isAbsolute = variant.hasPrefix("/")
            let parts = variant.split(separator: "/").map { Array($0.utf8) }
            walk(isAbsolute ? "/" : "", parts[...], into: &found)
        }
        if found.isEmpty, let missing = nearestFolder(to: pattern) {
            throw SluiceError(
                .notFound, "no file matches the pattern", place: .init(file: pattern), hint: missing)
        }
        return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// `name` as a pattern that fits it alone.
    public static func literal(_ name: String) -> String {
        var pattern = ""
        for character in name {
            if "*?[]{}\\".contains(character) { pattern.append("\\") }
            pattern.append(character)
        }
        return pattern
    }

    /// Says which leading folder of a pattern is missing, if one is.
    private static func nearestFolder(to pattern: String) -> String? {
        let parts = pattern.split(separator: "/", omittingEmptySubsequences: false)
        var path = ""
        for part in parts.dropLast() {
            if isPattern(String(part)), !part.contains("\\") { return nil }
            path += part.filter { $0 != "\\" } + "/"
            if path != "/", FileStatus(path: path) == nil { return "The folder '\(path)' does not exist." }
        }
        return nil
    }

    // MARK: - Folders

    private static func walk(_ prefix: String, _ parts: ArraySlice<[UInt8]>, into found: inout Set<String>) {
        guard let part = parts.first else { return }
        let rest = parts.dropFirst()
        if part == Array("**".utf8) {
            // Any number of folders, none included; `**` at the end means every file below.
            walk(prefix, rest.isEmpty ? [Array("*".utf8)] : rest, into: &found)
            for name in listFolder(prefix.isEmpty ? "." : prefix) ?? [] where !name.hasPrefix(".") {
                if isFolder(prefix + name) { walk(prefix + name + "/", parts, into: &found) }
            }
            return
        }
        guard part.contains(where: { "*?[\\".utf8.contains($0) }) else {
            return step(to: prefix + String(decoding: part, as: UTF8.self), rest, into: &found)
        }
        for name in listFolder(prefix.isEmpty ? "." : prefix) ?? [] {
            if name.hasPrefix("."), part.first != UInt8(ascii: ".") { continue }
            if matches(Array(name.utf8), part) { step(to: prefix + name, rest, into: &found) }
        }
    }

    private static func step(to path: String, _ rest: ArraySlice<[UInt8]>, into found: inout Set<String>) {
        guard let status = FileStatus(path: path) else { return }
        if rest.isEmpty {
            if !status.isFolder { found.insert(path) }
        } else if status.isFolder {
            walk(path + "/", rest, into: &found)
        }
    }

    /// Whether `path` is a folder itself, not a link to one: `**` must not run in circles.
    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    // MARK: - Names

    /// Whether `name` fits `pattern`, which holds no braces and no slashes. Takes time in proportion to the product of
    /// their lengths at worst.
    static func matches(_ name: [UInt8], _ pattern: [UInt8]) -> Bool {
        var n = 0
        var p = 0
        // Where to resume when a star has to swallow one more character.
        var star: (pattern: Int, name: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = (p + 1, n)
                p += 1
            } else if p < pattern.count, let (end, width) = matchOne(name, n, pattern, p) {
                p = end
                n += width
            } else if let resume = star {
                n = resume.name + 1
                p = resume.pattern
                star = (p, n)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// Where the pattern goes on when its part at `p` fits the character at `n`, and how many bytes that one has.
    private static func matchOne(_ name: [UInt8], _ n: Int, _ pattern: [UInt8], _ p: Int) -> (end: Int, width: Int)? {
        let (character, width) = scalar(name, n)
        switch pattern[p] {
        case UInt8(ascii: "?"): return (p + 1, width)
        case UInt8(ascii: "["):
            guard let (end, isInside) = matchClass(character, pattern, p) else {
                return name[n] == pattern[p] ? (p + 1, 1) : nil
            }
            return isInside ? (end, width) : nil
        case UInt8(ascii: "\\") where p + 1 < pattern.count:
            return pattern[p + 1] == name[n] ? (p + 2, 1) : nil
        default: return pattern[p] == name[n] ? (p + 1, 1) : nil
        }
    }

    /// Whether `character` is in the class that begins at `p`, and where that ends; nil when it never ends.
    private static func matchClass(
        _ character: UInt32, _ pattern: [UInt8], _ p: Int
    ) -> (end: Int, isInside: Bool)? {
        var i = p + 1
        var isNegated = false
        if i < pattern.count, pattern[i] == UInt8(ascii: "!") || pattern[i] == UInt8(ascii: "^") {
            isNegated = true
            i += 1
        }
        var isInside = false
        var isFirst = true
        while i < pattern.count {
            if pattern[i] == UInt8(ascii: "]"), !isFirst { return (i + 1, isInside != isNegated) }
            isFirst = false
            let (low, width) = scalar(pattern, i)
            i += width
            var high = low
            if i + 1 < pattern.count, pattern[i] == UInt8(ascii: "-"), pattern[i + 1] != UInt8(ascii: "]") {
                let (end, width) = scalar(pattern, i + 1)
                high = end
                i += 1 + width
            }
            if low <= character, character <= high { isInside = true }
        }
        return nil
    }

    /// The character at `i` and its length; a byte that is not UTF-8 stands for itself.
    private static func scalar(_ bytes: [UInt8], _ i: Int) -> (value: UInt32, width: Int) {
        let first = bytes[i]
        let width = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
        if width == 1 || i + width > bytes.count { return (UInt32(first), 1) }
        var value = UInt32(first) & (0x7f >> UInt32(width))
        for byte in bytes[(i + 1)..<(i + width)] { value = value << 6 | UInt32(byte & 0x3f) }
        return (value, width)
    }

    /// `a{b,c}d` as `abd` and `acd`; braces may hold braces.
    static func alternatives(of pattern: String) throws(SluiceError) -> [String] {
        var open = [pattern]
        var done: [String] = []
        while let next = open.popLast() {
            guard let group = firstBraces(in: Array(next.utf8)) else {
                done.append(next)
                continue
            }
            open += group
            if open.count + done.count > 10_000 {
                throw SluiceError(.limitExceeded, "the braces stand for too many names", place: .init(file: pattern))
            }
        }
        return done
    }

    /// The pattern with its first group of braces replaced by each of its choices; nil when it has none.
    private static func firstBraces(in bytes: [UInt8]) -> [String]? {
        var depth = 0
        var start = 0
        var commas: [Int] = []
        var i = 0
        while i < bytes.count {
            switch bytes[i] {
            case UInt8(ascii: "\\"): i += 1
            case UInt8(ascii: "{"):
                if depth == 0 {
                    start = i
                    commas = []
                }
                depth += 1
            case UInt8(ascii: ",") where depth == 1: commas.append(i)
            case UInt8(ascii: "}") where depth > 0:
                depth -= 1
                if depth == 0, !commas.isEmpty {
                    let bounds = [start] + commas + [i]
                    return zip(bounds, bounds.dropFirst()).map { from, to in
                        String(decoding: bytes[..<start] + bytes[(from + 1)..<to] + bytes[(i + 1)...], as: UTF8.self)
                    }
                }
            default: break
            }
            i += 1
        }
        return nil
    }
}
