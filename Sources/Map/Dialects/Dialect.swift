import Columns
import LakeTables
import Support

/// The SQL of one kind of engine, as far as names for a lake go.
protocol Dialect: Sendable {
    /// What to call the engine in a message.
    var name: String { get }
    /// Whether two objects may have names that differ in case only.
    var distinguishesCase: Bool { get }
    /// Behind which statements of a script end.
    var terminator: String { get }
    /// How long a name may be, in bytes, or in the engine's own measure.
    var longestName: Int { get }
    /// `name` without what the engine cannot have in one.
    func cleaned(_ name: String) -> String
    /// The length of a name, in what `longestName` counts.
    func length(_ name: String) -> Int
    /// A name as SQL.
    func quote(_ name: String) -> String
    /// A text as SQL.
    func text(_ value: String) -> String
    /// The object for a table; nil with a reason when there can be none.
    func object(_ name: String, for table: LakeTable, in catalogue: LakeCatalogue) -> Result<MapObject, Unmappable>
    /// What puts `object` in place of `known`.
    func replace(_ object: MapObject, _ known: MapInventory.Owned) -> [String]
    /// What removes an object.
    func drop(_ name: String, _ kind: String) -> String
    /// What an object was that a script made by these words: `view`, `table`.
    func kind(of definition: String) -> String
    /// The whole script: whatever a database has of what earlier scripts made, it has what the plan says behind it.
    func script(_ plan: MapPlan) -> [String]
}

/// Why there can be no object for a table.
struct Unmappable: Error {
    /// The reason, to be told.
    var reason: String
}

extension Dialect {
    /// By its first words.
    func kind(of definition: String) -> String {
        definition.prefix(40).contains("TABLE") ? "table" : "view"
    }

    /// `name`, or what is nearest to it and can be a name; `ending` is there in any case.
    func usable(_ name: String, with ending: String = "") -> String {
        var clean = cleaned(name)
        if clean.isEmpty { clean = "unnamed" }
        if length(clean) + length(ending) <= longestName { return clean + ending }
        // What is cut keeps a few digits of its own, or else two long names would be one.
        let mark = (ending.isEmpty ? "_" + MapFingerprint.of(name).prefix(8) : "") + ending
        while length(clean) + length(mark) > longestName, !clean.isEmpty { clean.removeLast() }
        return clean + mark
    }

    /// The length of a name, as engines count it.
    func length(_ text: String) -> Int { text.utf8.count }

    /// Without what would make a line of its own, or act on a terminal.
    func cleaned(_ name: String) -> String { SQLText.cleaned(name) }

    /// A text as SQL, its quotes doubled.
    func text(_ value: String) -> String { "'" + SQLText.doubled(value, "'") + "'" }
}

/// Characters of SQL texts and names.
enum SQLText {
    /// `text` with every `mark` twice. By scalars, not characters: a quote with a combining mark behind it is a quote.
    static func doubled(_ text: String, _ mark: Unicode.Scalar) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(scalar)
            if scalar == mark { result.append(scalar) }
        }
        return String(result)
    }

    /// Without what would make a line of its own, or act on a terminal.
    static func cleaned(_ name: String) -> String {
        String(
            String.UnicodeScalarView(
                name.unicodeScalars.map { scalar in
                    switch scalar {
                    case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{2028}"..."\u{202e}", "\u{2066}"..."\u{2069}": "_"
                    default: scalar
                    }
                }))
    }

    /// A text that may stand in a comment of SQL.
    static func comment(_ text: String) -> String {
        var safe = Display.safe(text)
        for (mark, other) in [("*/", "* /"), ("/*", "/ *"), ("$(", "$ (")] {
            while let range = safe.firstRange(of: mark) { safe.replaceSubrange(range, with: other) }
        }
        return safe
    }
}

/// How paths of a table are written for an engine.
struct TablePaths {
    /// Where the lake is for the engine, without a slash at its end.
    let root: String

    /// The full path of an object.
    func path(_ path: String) -> String { root.isEmpty ? path : root + "/" + path }
}
