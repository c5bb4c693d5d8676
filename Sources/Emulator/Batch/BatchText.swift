import Glibc
import Support

/// What Batch writes and reads as text: names, durations, command lines.
enum BatchText {
    /// Whether something can be the id of a pool, job or task.
    static func isID(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
                    || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
            }
    }

    /// The seconds of an ISO 8601 duration such as `PT1H30M`, or `P10675199DT2H48M5.4775807S`, which means for ever.
    static func seconds(_ text: String) -> Double? {
        var rest = text[...]
        guard rest.popFirst() == "P", !rest.isEmpty else { return nil }
        var total = 0.0
        var isTime = false
        var count = 0
        while let first = rest.first {
            if first == "T", !isTime {
                isTime = true
                rest.removeFirst()
                continue
            }
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard let value = Double(digits), value.isFinite else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit: Double? =
                switch (rest.popFirst(), isTime) {
                case ("W", false): 604_800
                case ("D", false): 86_400
                case ("H", true): 3600
                case ("M", true): 60
                case ("S", true): 1
                default: nil
                }
            guard let unit else { return nil }
            total += value * unit
            count += 1
        }
        return count > 0 ? total : nil
    }

    /// The words of a command line, which no shell reads: blanks part them, quotes hold them together.
    static func words(_ line: String) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        var isOpen = false
        var quote: UInt8?
        var bytes = Array(line.utf8)[...]
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "\\") where quote != UInt8(ascii: "'"):
                let next = bytes.first
                // In double quotes it escapes only what would end them.
                let escapes = quote == nil ? next != nil : next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\")
                word.append(escapes ? bytes.popFirst() ?? byte : byte)
                isOpen = true
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                if quote == nil {
                    quote = byte
                    isOpen = true
                } else if quote == byte {
                    quote = nil
                } else {
                    word.append(byte)
                }
            case 32, 9, 10, 13:
                if quote != nil {
                    word.append(byte)
                } else if isOpen {
                    words.append(String(decoding: word, as: UTF8.self))
                    word = []
                    isOpen = false
                }
            default:
                word.append(byte)
                isOpen = true
            }
        }
        if isOpen { words.append(String(decoding: word, as: UTF8.self)) }
        return words
    }

    /// A tag for what changes: another one each time.
    static func tag(_ moment: Moment) -> String {
        "0x" + String(UInt64(clamping: moment.microseconds), radix: 16, uppercase: true)
    }

    /// A name of so many letters and digits that nobody has yet.
    static func unique(_ count: Int) -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
        return String(decoding: (0..<count).map { _ in letters[Int.random(in: 0..<letters.count)] }, as: UTF8.self)
    }
}

/// Files of tasks.
enum BatchFiles {
    /// Makes a folder and those above it.
    static func make(_ path: String) -> Bool {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return true }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return false }
        return make(String(path[..<slash])) && (mkdir(path, 0o700) == 0 || errno == EEXIST)
    }

    /// Removes a file, or a folder with all that is in it.
    static func remove(_ path: String) {
        if unlink(path) == 0 || errno == ENOENT { return }
        for name in names(in: path) { remove("\(path)/\(name)") }
        rmdir(path)
    }

    /// What a folder has in it, by name.
    static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Facts of a file, links not followed; nil when it is not there.
    static func facts(_ path: String) -> stat? {
        var facts = stat()
        return lstat(path, &facts) == 0 ? facts : nil
    }

    static func isFolder(_ facts: stat) -> Bool { facts.st_mode & S_IFMT == S_IFDIR }
    static func isFile(_ facts: stat) -> Bool { facts.st_mode & S_IFMT == S_IFREG }

    /// The path of a file below `root` that a URL names; nil for one that would lead elsewhere.
    static func path(_ name: String, below root: String) -> String? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: true)
        guard !parts.isEmpty, !parts.contains(".."), !parts.contains("."), !name.utf8.contains(0) else { return nil }
        var path = root
        for part in parts.dropLast() {
            path += "/\(part)"
            guard let facts = facts(path), isFolder(facts) else { return nil }
        }
        return "\(path)/\(parts[parts.count - 1])"
    }
}
