public import Support

/// Typed reading of a mapping that has been checked against its shape.
///
/// What the shape promises is there and has its type, so reading returns plain optionals: nil means not written.
public struct Section: Sendable {
    /// The mapping.
    public let node: Node
    /// Its dotted path in the document.
    public let path: String

    /// A section over `node`, which passed its shape's check.
    public init(_ node: Node, path: String = "") {
        self.node = node
        self.path = path
    }

    private func value(_ key: String) -> Node? {
        guard let value = node[key], !value.isNull else { return nil }
        return value
    }

    /// Whether `key` is written with a value.
    public func has(_ key: String) -> Bool { value(key) != nil }

    /// Where `key`'s value stands; where the section begins, when it is not written.
    public func mark(_ key: String) -> Diagnostic.Mark { node[key]?.mark ?? node.mark }

    /// The text of `key`, when it holds no secret.
    public func text(_ key: String) -> String? { value(key)?.scalar?.literal }

    /// The text of `key`, with secrets still unresolved.
    public func scalar(_ key: String) -> Scalar? { value(key)?.scalar }

    /// The whole number of `key`.
    public func integer(_ key: String) -> Int? { text(key).flatMap { Int($0) } }

    /// The truth of `key`.
    public func boolean(_ key: String) -> Bool? { text(key).map { $0 == "true" } }

    /// The duration of `key`.
    public func duration(_ key: String) -> Duration? { text(key).flatMap(Quantities.duration) }

    /// The size of `key` in bytes.
    public func size(_ key: String) -> Int? { text(key).flatMap(Quantities.bytes) }

    /// The texts of a list, or the one text that stands in its place.
    public func texts(_ key: String) -> [String]? {
        guard let value = value(key) else { return nil }
        if let single = value.scalar?.literal { return [single] }
        return value.items.compactMap { $0.scalar?.literal }
    }

    /// The mapping under `key`.
    public func section(_ key: String) -> Section? {
        guard let value = value(key), case .mapping = value.content else { return nil }
        return Section(value, path: path.child(key))
    }

    /// The names in this mapping, in order, each with its section; values that are not mappings are left out.
    public var sections: [(name: String, section: Section)] {
        node.entries.compactMap { entry in
            guard case .mapping = entry.value.content else { return nil }
            return (entry.key, Section(entry.value, path: path.child(entry.key)))
        }
    }

    /// The texts in this mapping by name; values that are not text are left out.
    public var textsByName: [String: String] {
        var result: [String: String] = [:]
        for entry in node.entries { result[entry.key] = entry.value.scalar?.literal }
        return result
    }
}
