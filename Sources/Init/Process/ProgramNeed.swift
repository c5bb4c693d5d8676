import Support

/// A program that has to be there, and how old it may be: `psql`, `python3 >= 3.9`.
struct ProgramNeed: Sendable, Hashable {
    let program: String
    let version: Version?

    /// Reads what a user wrote.
    init(_ text: String) throws(SluiceError) {
        let parts = text.split(separator: ">=", maxSplits: 1).map { String($0).trimmed }
        guard let program = parts.first, !program.isEmpty, !text.hasPrefix(">=") else {
            throw SluiceError(
                .invalidConfiguration, "\"\(Display.safe(text))\" names no program", hint: "write psql >= 15")
        }
        self.program = program
        guard parts.count > 1 else {
            version = nil
            return
        }
        guard let version = Version(parts[1]) else {
            throw SluiceError(
                .invalidConfiguration, "\"\(Display.safe(parts[1]))\" is no version of \(program)",
                hint: "write numbers with points: \(program) >= 3.9")
        }
        self.version = version
    }
}

/// Numbers with points, compared one by one.
struct Version: Sendable, Hashable, Comparable, CustomStringConvertible {
    let numbers: [Int]

    /// `14`, `14.2`, `3.11.4`; nil for anything else.
    init?(_ text: String) {
        var numbers: [Int] = []
        for part in text.split(separator: ".", omittingEmptySubsequences: false) {
            guard !part.isEmpty, part.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(part) else {
                return nil
            }
            numbers.append(number)
        }
        self.numbers = numbers
    }

    /// The first version in what a program says of itself: `psql (PostgreSQL) 15.8 (Debian …)`.
    init?(in text: String) {
        var word = ""
        for character in text + " " {
            if character.isASCII, character.isNumber || (character == "." && !word.isEmpty) {
                word.append(character)
            } else {
                while word.last == "." { word.removeLast() }
                if !word.isEmpty, let found = Version(word) {
                    self = found
                    return
                }
                word = ""
            }
        }
        return nil
    }

    static func < (left: Version, right: Version) -> Bool {
        for index in 0..<max(left.numbers.count, right.numbers.count) {
            let (one, other) = (
                index < left.numbers.count ? left.numbers[index] : 0,
                index < right.numbers.count ? right.numbers[index] : 0
            )
            if one != other { return one < other }
        }
        return false
    }

    var description: String { numbers.map(String.init).joined(separator: ".") }
}

extension String {
    /// Without white space at either end.
    var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace ?? false { text.removeFirst() }
        while text.last?.isWhitespace ?? false { text.removeLast() }
        return String(text)
    }
}
