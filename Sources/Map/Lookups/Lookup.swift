import Settings
public import Support

/// A table that a mapping makes itself: of the names in the lake's paths, and of small documents beside them.
///
///     tbl_devices:
///       documents: "{device}/device.json"
///       columns:
///         DeviceId: "{device}"
///         MetaName: ["{document.log_meta} ({device})", "{device}"]
public struct Lookup: Sendable {
    /// A column: of several templates, the first whose parts all have a value counts.
    public struct Column: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// What is in it.
        public var values: [LookupTemplate]

        /// The column `name`.
        public init(_ name: String, _ values: [LookupTemplate]) {
            self.name = name
            self.values = values
        }
    }

    /// How its tables are named. Where parts of paths stand in it, there is a table for each of their values.
    public var name: LookupTemplate
    /// Its columns, in order.
    public var columns: [Column]
    /// The path of the JSON document that belongs to a row; nil where rows have none.
    public var documents: LookupTemplate?
    /// The lake that the documents lie in; nil for the one that is mapped.
    public var lake: String?
    /// The folder of the mapped lake that the tables' files are written into.
    public var folder = Lookup.usualFolder

    /// Where files are written when nothing else is said.
    public static let usualFolder = "sluice-lookups"

    /// A lookup.
    public init(_ name: LookupTemplate, columns: [Column], documents: LookupTemplate? = nil) {
        self.name = name
        self.columns = columns
        self.documents = documents
    }

    /// What may be written of one.
    static let shape = ObjectShape(
        "lookup",
        keys: [
            KeyShape(
                "columns", .map(.list(.text), of: "values"),
                "Columns by name, with what is in them, like {device}; of several, the first whose parts all have a value",
                required: true),
            KeyShape(
                "documents", .text,
                "The JSON document of each row, like {device}/device.json; {document.name} is what it says"),
            KeyShape("lake", .text, "The lake that the documents lie in", standard: "the job's lake"),
            KeyShape(
                "folder", .text, "The folder of the job's lake that its files are written into",
                standard: Lookup.usualFolder),
        ])

    /// The lookup that `section` describes, for tables of the parts `known`.
    ///
    /// - throws: `SluiceError` that says what is wrong, with the key first.
    init(_ section: Section, name: String, parts known: [String]) throws(SluiceError) {
        let documents = section.text("documents")
        self.name = try LookupTemplate(name, key: "its name")
        try self.name.check(known, hasDocument: nil, key: "its name")
        if let documents {
            let template = try LookupTemplate(documents, key: "documents")
            try template.check(known, hasDocument: nil, key: "documents")
            self.documents = template
        } else if section.has("lake") {
            throw SluiceError(
                .invalidConfiguration, "lake: there are no documents to lie in it",
                hint: "write documents too, like \"{device}/device.json\"")
        }
        lake = section.text("lake")
        columns = []
        for entry in section.section("columns")?.node.entries ?? [] {
            let texts =
                entry.value.scalar.map { [$0.literal ?? ""] } ?? entry.value.items.map { $0.scalar?.literal ?? "" }
            let key = "columns.\(Display.safe(entry.key))"
            if entry.key.isEmpty || texts.isEmpty {
                throw SluiceError(.invalidConfiguration, "\(key): a name and something to be in it were expected")
            }
            if columns.contains(where: { $0.name.lowercased() == entry.key.lowercased() }) {
                throw SluiceError(.invalidConfiguration, "\(key): two columns have one name to SQL")
            }
            var values: [LookupTemplate] = []
            for text in texts {
                let template = try LookupTemplate(text, key: key)
                try template.check(known, hasDocument: documents != nil, key: key)
                values.append(template)
            }
            columns.append(Column(entry.key, values))
        }
        if columns.isEmpty {
            throw SluiceError(
                .invalidConfiguration, "columns: there are none",
                hint: "write columns: { name: \"{\(known.first ?? "table")}\" }")
        }
        if let text = section.text("folder") {
            let folders = text.split(separator: "/", omittingEmptySubsequences: false)
            let isFolder = folders.allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") && !$0.hasPrefix("_") }
            if !isFolder || text.utf8.contains(where: { "*?{}\\:".utf8.contains($0) }) {
                throw SluiceError(
                    .invalidConfiguration,
                    "folder: \"\(Display.safe(text))\" is no folder of the lake that engines look into",
                    hint: "write it like aggregations/lookups")
            }
            folder = text
        }
    }

    /// The parts of paths that tell its rows apart.
    var parts: Set<String> {
        var names = Set(name.parts).union(documents?.parts ?? [])
        for column in columns { for value in column.values { names.formUnion(value.parts) } }
        return names
    }
}

/// A text with names in braces: `{device}` is a part of paths, `{document.log_meta}` what a document says.
public struct LookupTemplate: Sendable, Hashable {
    private enum Piece: Sendable, Hashable {
        case text(String)
        case part(String)
        case member([String])
    }

    /// As it was written.
    public let text: String
    private let pieces: [Piece]

    /// Reads a template.
    ///
    /// - parameter key: Where it stands, for an error.
    public init(_ text: String, key: String) throws(SluiceError) {
        self.text = text
        var pieces: [Piece] = []
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            if open > rest.startIndex { pieces.append(.text(String(rest[..<open]))) }
            guard let close = rest[open...].firstIndex(of: "}") else {
                throw SluiceError(
                    .invalidConfiguration, "\(key): a \"{\" of \"\(Display.safe(text))\" is not closed",
                    hint: "write names in braces, like {device}")
            }
            let name = String(rest[rest.index(after: open)..<close])
            if name.hasPrefix("document.") {
                pieces.append(.member(name.split(separator: ".").dropFirst().map(String.init)))
            } else {
                pieces.append(.part(name))
            }
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        self.pieces = pieces
    }

    /// The parts of paths that stand in it.
    var parts: [String] { pieces.compactMap { if case .part(let name) = $0 { name } else { nil } } }

    /// - parameter hasDocument: Whether rows have a document; nil where what it says cannot be meant.
    func check(_ known: [String], hasDocument: Bool?, key: String) throws(SluiceError) {
        for piece in pieces {
            switch piece {
            case .text: break
            case .part(let name):
                if known.contains(name) { continue }
                throw SluiceError(
                    .invalidConfiguration, "\(key): tables have no part \"\(Display.safe(name))\"",
                    hint: nearestWord(to: name, among: known).map { "did you mean {\($0)}?" }
                        ?? "there is \(known.map { "{\($0)}" }.joined(separator: ", "))")
            case .member(let path):
                if hasDocument == true, !path.isEmpty { continue }
                throw SluiceError(
                    .invalidConfiguration,
                    hasDocument == nil
                        ? "\(key): what a document says is for columns only"
                        : path.isEmpty ? "\(key): {document.} names nothing" : "\(key): rows have no document",
                    hint: hasDocument == false ? "write documents, like \"{device}/device.json\"" : nil)
            }
        }
    }

    /// The text with its names replaced; nil when one of them has no value.
    func fill(_ parts: [String: String], _ document: JSONText? = nil) -> String? {
        var result = ""
        for piece in pieces {
            switch piece {
            case .text(let text): result += text
            case .part(let name):
                guard let value = parts[name] else { return nil }
                result += value
            case .member(let path):
                var value = document
                for name in path { value = value?[name] }
                guard let text = value.flatMap(LookupTemplate.text), !text.isEmpty else { return nil }
                result += text
            }
        }
        return result
    }

    /// What a value of a document is as text: nothing, where it is none, or has others in it.
    private static func text(_ value: JSONText) -> String? {
        switch value {
        case .string(let text): text
        case .null, .array, .object: nil
        case .bool, .number, .real, .raw: value.text()
        }
    }
}
