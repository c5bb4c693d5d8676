public import Settings
public import Support
public import Warehouse

/// The protocols that there are, and what each needs: by it `sluice.yaml` is checked, connections are made, and the
/// reference pages are written.
public struct ConnectorRegistry: Sendable {
    /// One protocol.
    public struct Entry: Sendable {
        /// The word by which it is found.
        public let name: String
        /// Other words that mean the same, in URLs as well.
        public let aliases: [String]
        /// What it reaches, as a sentence of a reference page.
        public let summary: String
        /// What may be set; what `isRequired` has to be, in one layer or another.
        public let keys: [KeyShape]
        /// What its URL looks like.
        public let urlForm: String
        /// The values that a URL stands for.
        let readURL: @Sendable (ConnectionURL) throws(SluiceError) -> [String: Scalar]
        /// Makes a source of rows.
        let makeConnector: @Sendable (ConnectionSettings) throws(SluiceError) -> any Connector
        /// Makes a database that rows end in; nil when it cannot be one.
        let makeWarehouse: (@Sendable (ConnectionSettings) async throws(SluiceError) -> any Warehouse)?

        /// Whether rows can end in it.
        public var isWarehouse: Bool { makeWarehouse != nil }
        /// Whether a URL begins with this protocol's word, or one that means the same.
        func isScheme(of url: String) -> Bool {
            ([name] + aliases).contains { url.lowercased().hasPrefix("\($0):") }
        }
        /// The keys that have to be set.
        public var requiredKeys: [String] { keys.filter(\.isRequired).map(\.name) }
    }

    /// The protocols, by name.
    public let entries: [Entry]

    /// All protocols that this build knows; each of them works.
    public static let standard = ConnectorRegistry(
        entries: [.file, .mssql, .mysql, .odbc, .oracle, .postgres, .sqlite])

    /// Each protocol's keys for checking a project. None is required there, since any of them may come from the
    /// environment.
    public var protocols: [(name: String, keys: [KeyShape])] {
        entries.map { entry in
            (entry.name, entry.keys.map(\.optional) + [Self.prefixKey])
        }
    }

    /// Says where a connection's environment variables are, in every protocol.
    static let prefixKey = KeyShape(
        "prefix", .text,
        "Environment variables that begin with this and an underscore win over what is written here: "
            + "ORDERS_DB_PASSWORD for the key password",
        standard: "the connection's name in upper case, with _ for other signs")

    /// The entry called `word`, in any case and with blanks around.
    ///
    /// - throws: `SluiceError` with the nearest word and the list.
    public func entry(_ word: String) throws(SluiceError) -> Entry {
        var found = word.lowercased()[...]
        while found.first?.isWhitespace ?? false { found.removeFirst() }
        while found.last?.isWhitespace ?? false { found.removeLast() }
        if let entry = entries.first(where: { $0.name == found || $0.aliases.contains(String(found)) }) { return entry }
        let names = entries.map(\.name)
        let near = nearestWord(to: String(found), among: names + entries.flatMap(\.aliases))
        throw SluiceError(
            .invalidConfiguration, "there is no protocol \"\(found)\"",
            hint: (near.map { "Did you mean \($0)? " } ?? "") + "Known are: \(names.joined(separator: ", "))")
    }

    /// The source of rows that `settings` describe. Nothing is opened yet.
    public func makeConnector(_ settings: ConnectionSettings) throws(SluiceError) -> any Connector {
        try entry(settings.protocolName).makeConnector(settings)
    }

    /// The warehouse that `settings` describe, its secrets looked up. Nothing is opened yet.
    ///
    /// - throws: `SluiceError` when rows cannot end there, or a secret is missing.
    public func makeWarehouse(_ settings: ConnectionSettings) async throws(SluiceError) -> any Warehouse {
        guard let make = try entry(settings.protocolName).makeWarehouse else {
            let able = entries.filter(\.isWarehouse).map(\.name)
            throw SluiceError(
                .invalidConfiguration, "rows cannot end in \(settings.protocolName)",
                place: .init(file: settings.name), hint: "A warehouse is one of: \(able.joined(separator: ", "))")
        }
        return try await make(settings)
    }
}
