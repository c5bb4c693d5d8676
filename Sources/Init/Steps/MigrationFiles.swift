import Storage
import Support

/// A file of SQL that is to be run once.
struct Migration: Sendable, Equatable {
    /// Its name in the folder.
    var name: String
    /// The SHA-256 of its text, line ends of other systems made ours, so that a checkout elsewhere changes nothing.
    var checksum: String
    /// Its text.
    var text: String
    /// Whether it says of itself that it cannot be run in a transaction.
    var isBare: Bool

    /// The largest file that is taken for one of SQL.
    static let limit = 16 << 20
    /// How much the files of a folder may be together: all of them are looked at, each time.
    static let folderLimit = 256 << 20

    init(name: String, bytes: [UInt8]) throws(SluiceError) {
        var rest = bytes[...]
        if rest.starts(with: [0xef, 0xbb, 0xbf]) { rest = rest.dropFirst(3) }
        guard let text = String(validating: rest, as: UTF8.self), !rest.contains(0) else {
            throw SluiceError(
                .invalidData, "is not UTF-8 text", place: .init(file: name), hint: "save the file as UTF-8")
        }
        self.name = name
        self.text = text.replacing("\r\n", with: "\n")
        let hash = try SHA256()
        Array(self.text.utf8).withUnsafeBytes { hash.update($0) }
        checksum = hash.finish()
        let first = self.text.prefix { $0 != "\n" }
        isBare = first.lowercased().filter { !$0.isWhitespace } == "--sluice:notransaction"
    }

    /// The files of a folder that fit a pattern, in their order.
    static func read(_ folder: String, _ pattern: String) async throws(SluiceError) -> [Migration] {
        let store = FolderStore(folder)
        let glob = try NamePattern(pattern)
        var names: [String] = []
        let listing = try await store.entries("", recursive: false)
        while let page = try await listing.next() {
            for entry in page where !entry.isFolder && glob.fits(entry.name) { names.append(entry.name) }
        }
        names.sort(by: Migration.isBefore)
        for (one, next) in zip(names, names.dropFirst()) where !isBefore(one, next) {
            throw SluiceError(
                .invalidConfiguration, "nothing says which of \(one) and \(next) comes first",
                place: .init(file: folder),
                hint: "number them differently")
        }
        var files: [Migration] = []
        var total = 0
        for name in names {
            let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
            let bytes = try await bytes(store, name, path)
            total += bytes.count
            guard total <= folderLimit else {
                throw SluiceError(
                    .limitExceeded,
                    "the files of SQL have more than \(Quantities.describe(bytes: folderLimit)) together",
                    place: .init(file: folder), hint: "load data with a seed step, or name the files with files:")
            }
            files.append(try Migration(name: name, bytes: bytes))
        }
        return files
    }

    private static func bytes(_ store: FolderStore, _ name: String, _ path: String) async throws(SluiceError) -> [UInt8]
    {
        if let size = try await store.facts(name)?.size, size > limit {
            throw SluiceError(
                .limitExceeded, "has \(Quantities.describe(bytes: size)), and a file of SQL may have 16 MiB",
                place: .init(file: path), hint: "load data with a seed step")
        }
        let file = try await store.open(name)
        return Array(try await file.read(0..<min(file.size, limit)).bytes)
    }

    /// Whether `left` comes first: numbers in names count as numbers, so that `2_` comes before `10_`.
    static func isBefore(_ left: String, _ right: String) -> Bool {
        var (one, other) = (Array(left.utf8)[...], Array(right.utf8)[...])
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        func number(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
            let digits = bytes.prefix(while: isDigit)
            bytes = bytes.dropFirst(digits.count)
            return digits.drop { $0 == UInt8(ascii: "0") }
        }
        while let a = one.first, let b = other.first {
            if isDigit(a), isDigit(b) {
                let (x, y) = (number(&one), number(&other))
                if x.count != y.count { return x.count < y.count }
                if !x.elementsEqual(y) { return x.lexicographicallyPrecedes(y) }
            } else {
                if a != b { return a < b }
                one = one.dropFirst()
                other = other.dropFirst()
            }
        }
        if one.isEmpty != other.isEmpty { return one.isEmpty }
        return false
    }
}

/// A pattern of file names: `*` and `?`.
struct NamePattern {
    private let pattern: [Character]

    init(_ text: String) throws(SluiceError) {
        guard !text.isEmpty, !text.contains("/") else {
            throw SluiceError(
                .invalidConfiguration, "\"\(Display.safe(text))\" is no pattern of file names", hint: "write *.sql")
        }
        pattern = Array(text)
    }

    func fits(_ name: String) -> Bool {
        let name = Array(name)
        var (at, on) = (0, 0)
        var star: (pattern: Int, name: Int)?
        while on < name.count {
            if at < pattern.count, pattern[at] == "?" || (pattern[at] == name[on] && pattern[at] != "*") {
                at += 1
                on += 1
            } else if at < pattern.count, pattern[at] == "*" {
                star = (at, on)
                at += 1
            } else if let back = star {
                star = (back.pattern, back.name + 1)
                at = back.pattern + 1
                on = back.name + 1
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == "*" }
    }
}

/// What is to be done about the files of a folder, given what has been run.
struct MigrationPlan: Equatable {
    /// The files to be run, in their order.
    var pending: [Migration]
    /// How many have been run.
    var applied: Int
    /// What there is to know besides.
    var notes: [String]

    /// - parameter ledger: What has been run: names and checksums.
    /// - throws: `SluiceError` when a file that has been run is another one now, or a new one comes too late.
    init(
        _ files: [Migration], ledger: [(name: String, checksum: String)], folder: String, allowsGaps: Bool
    ) throws(SluiceError) {
        let known = Dictionary(ledger.map { ($0.name, $0.checksum) }) { first, _ in first }
        var changed: [String] = []
        for file in files {
            guard let checksum = known[file.name], checksum != file.checksum else { continue }
            changed.append("\(file.name): run as \(checksum), is now \(file.checksum)")
        }
        if !changed.isEmpty {
            let what =
                changed.count == 1
                ? "a file that has been run has changed" : "\(changed.count) files that have been run have changed"
            throw SluiceError(
                .conflict, what + " since", place: .init(file: folder), details: changed.map { Display.safe($0) },
                hint: "put it back as it was, and write what is to change into a new file")
        }
        pending = files.filter { known[$0.name] == nil }
        applied = files.count - pending.count
        notes = []
        let names = Set(files.map(\.name))
        let gone = ledger.map(\.name).filter { !names.contains($0) }
        if !gone.isEmpty {
            notes.append("run before, and no longer in the folder: \(Display.safe(gone.joined(separator: ", ")))")
        }
        guard let last = ledger.map(\.name).filter(names.contains).max(by: Migration.isBefore) else { return }
        let late = pending.filter { Migration.isBefore($0.name, last) }.map(\.name)
        if late.isEmpty { return }
        let text = Display.safe(late.joined(separator: ", "))
        guard allowsGaps else {
            throw SluiceError(
                .conflict, "new files come before \(Display.safe(last)), which has been run: \(text)",
                place: .init(file: folder),
                hint: "give them numbers behind it, or say that the order does not matter: out_of_order: allow")
        }
        notes.append("out of order, before \(Display.safe(last)): \(text)")
    }
}
