import Glibc
public import Settings
public import Storage
public import Support

/// What connections are made in: the project's folder, the environment, the secrets.
public struct ConnectionContext: Sendable {
    /// The folder that relative paths start from.
    public var folder: String
    /// The environment's variables, `.env` laid under them.
    public var environment: [String: String]
    /// Where secrets are looked up.
    public var secrets: any SecretSource
    /// Opens the stores that URLs name.
    public var stores: any StoreOpener
    /// Who says to databases who one is in Azure; nil where nobody does.
    public var tokens: (any DatabaseTokenSource)?

    /// A context; secrets are looked up in `environment` unless said otherwise.
    public init(
        folder: String, environment: [String: String] = [:], secrets: (any SecretSource)? = nil,
        stores: any StoreOpener = LocalStores(), tokens: (any DatabaseTokenSource)? = nil
    ) {
        self.folder = folder
        self.environment = environment
        self.secrets = secrets ?? EnvironmentSecrets(environment)
        self.stores = stores
        self.tokens = tokens
    }
}

extension ConnectorRegistry {
    // A value is taken from the last of these layers that has it: what is written (a section of sluice.yaml, a URL or
    // a config file), environment variables PREFIX_KEY, explicit arguments.

    /// The connection `name` as a section of a project file describes it.
    ///
    /// - parameter arguments: Values that win over all others; nil for what is not given.
    public func settings(
        name: String, section: Section, in context: ConnectionContext, arguments: [String: String?] = [:]
    ) throws(SluiceError) -> ConnectionSettings {
        var layers = Layers(name: name, prefix: section.text("prefix") ?? name, context: context)
        layers.add(section.node)
        return try settings(layers, arguments)
    }

    /// The connection that `url` describes: `postgres://…`, `sqlite:…`, `file:…`, or a bare path, which is a database when
    /// it ends in `.db`, `.sqlite` or `.sqlite3`, and a folder or files otherwise.
    ///
    /// - parameter name: The connection's name, whose environment variables are looked at; nil for a URL without one.
    public func settings(
        name: String? = nil, url: Scalar, in context: ConnectionContext, arguments: [String: String?] = [:]
    ) async throws(SluiceError) -> ConnectionSettings {
        var url = url
        // What begins with a secret does not show its protocol.
        if case .secret? = url.parts.first {
            url = Scalar(try await context.secrets.text(of: url))
        }
        if let text = url.literal, case .stored(let store, let path)? = try ConnectorRegistry.stored(text, context) {
            var layers = Layers(name: name ?? "", prefix: name, context: context)
            layers.protocolName = "file"
            layers.shown = store.url(path)
            layers.values["path"] = url
            return try settings(layers, arguments)
        }
        let parsed = try ConnectionURL(url)
        let entry: Entry
        if let scheme = parsed.scheme {
            do throws(SluiceError) { entry = try self.entry(scheme) } catch {
                var error = error
                error.hint = (error.hint ?? "") + "; for a file of that name write ./\(scheme):…"
                throw error
            }
        } else {
            let path = parsed.path?.literal ?? ""
            let isDatabase = [".db", ".sqlite", ".sqlite3"].contains { path.lowercased().hasSuffix($0) }
            entry = try self.entry(isDatabase ? "sqlite" : "file")
        }
        if let password = parsed.password?.literal { Redactor.shared.protect(password) }
        let values = try entry.readURL(parsed)
        var layers = Layers(name: name ?? "", prefix: name, context: context)
        layers.protocolName = entry.name
        layers.shown = parsed.shown(entry.name)
        for (key, value) in values { layers.values[key] = value }
        return try settings(layers, arguments)
    }

    /// The place in a store that `text` names; nil when it is no store's URL.
    private static func stored(_ text: String, _ context: ConnectionContext) throws(SluiceError) -> FilePlace? {
        guard context.stores.isURL(text), standard.entries.allSatisfy({ !$0.isScheme(of: text) }) else { return nil }
        do throws(SluiceError) {
            return try context.stores.place(of: text)
        } catch {
            // Nobody's URL: whoever knows all protocols says so.
            if error.code == .unsupported { return nil }
            throw error
        }
    }

    /// The connection that a YAML or JSON file describes, or environment variables alone when `file` is nil.
    ///
    /// - parameter prefix: What the environment variables begin with: `ORDERS_DB` for `ORDERS_DB_PASSWORD`.
    public func settings(
        name: String, configFile file: String?, prefix: String?, in context: ConnectionContext,
        arguments: [String: String?] = [:]
    ) throws(SluiceError) -> ConnectionSettings {
        var layers = Layers(name: name, prefix: prefix ?? name, context: context)
        if let file { layers.add(try ConnectorRegistry.document(file, context)) }
        return try settings(layers, arguments)
    }

    private static func document(_ file: String, _ context: ConnectionContext) throws(SluiceError) -> Node {
        let (node, problems) = parseDocument(try readText(file), file: file)
        guard let node, problems.isEmpty else {
            let problem = problems.first
            throw SluiceError(
                .invalidConfiguration, problem?.message ?? "the file is empty",
                place: .init(file: file, line: problem?.mark.line), hint: problem?.hint)
        }
        guard case .mapping = node.content else {
            throw SluiceError(
                .invalidConfiguration, "a mapping from keys to values was expected", place: .init(file: file),
                hint: "begin with \"protocol: postgres\"")
        }
        let interpolation = Interpolation(
            environmentVariables: context.environment, projectFolder: context.folder)
        let (resolved, unresolved) = interpolation.apply(to: node)
        if let problem = unresolved.first {
            throw SluiceError(
                .invalidConfiguration, problem.message, place: .init(file: file, line: problem.mark.line),
                hint: problem.hint)
        }
        return resolved
    }

    /// The whole of a small text file.
    private static func readText(_ path: String) throws(SluiceError) -> String {
        guard let file = fopen(path, "re") else {
            let reason = String(cString: strerror(errno)).lowercased()
            throw SluiceError(
                errno == ENOENT ? .notFound : .inputOutput, "the config file cannot be read: \(reason)",
                place: .init(file: path))
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= 1 << 20 {
            let count = fread(&block, 1, block.count, file)
            if count == 0 { break }
            bytes += block[..<count]
        }
        guard bytes.count <= 1 << 20, let text = String(validating: bytes, as: UTF8.self) else {
            throw SluiceError(
                .invalidConfiguration, "the config file is not UTF-8 text of at most 1 MiB", place: .init(file: path))
        }
        return text
    }

    // MARK: Layers

    /// What is known of a connection so far.
    private struct Layers {
        let name: String
        /// What environment variables begin with, as somebody wrote it; nil when none are looked at.
        let prefix: String?
        let context: ConnectionContext
        var protocolName: String?
        /// A URL without secrets, in place of the name.
        var shown: String?
        var values: [String: Scalar] = [:]
        /// Where values were written.
        var marks: [String: Diagnostic.Mark] = [:]
        /// What is not a plain value, and is an error.
        var others: [Node.Entry] = []

        mutating func add(_ node: Node) {
            for entry in node.entries where entry.key != "prefix" && !entry.value.isNull {
                guard let scalar = entry.value.scalar else {
                    others.append(entry)
                    continue
                }
                if entry.key == "protocol" {
                    protocolName = scalar.literal
                } else {
                    values[entry.key] = scalar
                    marks[entry.key] = entry.value.mark
                }
            }
        }

        /// The variable that sets `key`.
        func variable(_ key: String) -> String? {
            prefix.map { EnvironmentPrefix.variableName($0) + "_" + key.uppercased() }
        }

        /// What the environment says of `key`. Kubernetes sets `NAME_PORT=tcp://…` for each of its services.
        func environmentValue(_ key: String) -> String? {
            guard let variable = variable(key), let value = context.environment[variable], !value.isEmpty else {
                return nil
            }
            return key == "port" && value.contains("://") ? nil : value
        }
    }

    private func settings(_ layers: Layers, _ arguments: [String: String?]) throws(SluiceError) -> ConnectionSettings {
        var layers = layers
        let word =
            arguments["protocol"].flatMap { $0 } ?? layers.environmentValue("protocol") ?? layers.protocolName
        guard let word else {
            throw SluiceError(
                .invalidConfiguration, "the connection \"\(layers.name)\" has no protocol",
                hint: "add protocol: one of \(entries.map(\.name).joined(separator: ", "))")
        }
        let entry = try entry(word)
        var origins: [String: String] = [:]
        for key in entry.keys {
            guard let value = layers.environmentValue(key.name) else { continue }
            layers.values[key.name] = Scalar(value)
            origins[key.name] = layers.variable(key.name)
        }
        for (key, value) in arguments where key != "protocol" {
            guard let value else { continue }
            layers.values[key] = Scalar(value)
            origins[key] = nil
        }
        try check(layers, entry, origins)
        let shown = layers.name.isEmpty ? layers.shown ?? entry.name : layers.name
        return ConnectionSettings(
            name: shown, protocolName: entry.name, values: layers.values, folder: layers.context.folder,
            secrets: layers.context.secrets, stores: layers.context.stores, tokens: layers.context.tokens)
    }

    /// Holds the values against the protocol's keys, and tells everything that is wrong at once.
    private func check(_ layers: Layers, _ entry: Entry, _ origins: [String: String]) throws(SluiceError) {
        let start = Diagnostic.Mark(file: layers.name, line: 1, column: 1)
        var members = layers.values.sorted { $0.key < $1.key }.map { key, value in
            Node.Entry(
                key: key, keyMark: layers.marks[key] ?? start,
                value: Node(.scalar(value), at: layers.marks[key] ?? start))
        }
        members += layers.others
        let keys = entry.keys.map(\.optional)
        let shape = Shape.object(ObjectShape("\(entry.name) connection", keys: keys))
        let problems = shape.check(Node(.mapping(members), at: start))
        var messages = problems.map(\.message)
        var hints = problems.compactMap { problem in
            origins[problem.path].map { "it comes from the environment variable \($0)" } ?? problem.hint
        }
        let missing = entry.requiredKeys.filter { layers.values[$0] == nil }
        if !missing.isEmpty {
            messages.append("required settings are missing: \(missing.joined(separator: ", "))")
            let variables = missing.compactMap { layers.variable($0) }.joined(separator: ", ")
            hints.append(
                variables.isEmpty
                    ? "a URL that has them looks like \(entry.urlForm)"
                    : "write them in the connection, or set the environment variables \(variables)")
        }
        if messages.isEmpty { return }
        let named = layers.name.isEmpty ? "the \(entry.name) connection" : "the connection \"\(layers.name)\""
        throw SluiceError(
            .invalidConfiguration, "\(named): \(messages.joined(separator: "; "))",
            place: .init(file: layers.marks.values.first?.file),
            hint: hints.isEmpty ? nil : hints.joined(separator: "; "))
    }
}
