public import Support

/// One part of a document, and where it stands.
public struct Node: Sendable {
    /// What a node is.
    public enum Content: Sendable {
        /// A word, number or text.
        case scalar(Scalar)
        /// An ordered list.
        case sequence([Node])
        /// Names with values, in the order in which they were written.
        case mapping([Entry])
    }

    /// One name with its value.
    public struct Entry: Sendable {
        /// The name.
        public var key: String
        /// Where the name stands.
        public var keyMark: Diagnostic.Mark
        /// The value.
        public var value: Node

        /// The entry `key: value`.
        public init(key: String, keyMark: Diagnostic.Mark, value: Node) {
            self.key = key
            self.keyMark = keyMark
            self.value = value
        }
    }

    /// What this is.
    public var content: Content
    /// Where it begins.
    public var mark: Diagnostic.Mark

    /// A node at `mark`.
    public init(_ content: Content, at mark: Diagnostic.Mark) {
        self.content = content
        self.mark = mark
    }

    /// The value called `key`, when this is a mapping that has it.
    public subscript(key: String) -> Node? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// The names in a mapping; none in anything else.
    public var entries: [Entry] {
        guard case .mapping(let entries) = content else { return [] }
        return entries
    }

    /// The items of a sequence; none in anything else.
    public var items: [Node] {
        guard case .sequence(let items) = content else { return [] }
        return items
    }

    /// The word, when this is a scalar.
    public var scalar: Scalar? {
        guard case .scalar(let scalar) = content else { return nil }
        return scalar
    }

    /// Whether this is an empty or `null` plain scalar.
    public var isNull: Bool {
        guard let scalar, scalar.isPlain, let text = scalar.literal else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// What this is called in a message: `a list`, `the text "x"`.
    public var summary: String {
        switch content {
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .scalar where isNull: "nothing"
        case .scalar(let scalar): "\"\(scalar)\""
        }
    }
}

/// A word of a document. It may hold references to secrets, which are resolved where they are used and nowhere else.
public struct Scalar: Sendable, Hashable, CustomStringConvertible {
    /// A stretch of text, or a secret that stands in it.
    public enum Part: Sendable, Hashable {
        /// Text as it is.
        case literal(String)
        /// A secret to be looked up.
        case secret(SecretReference)
    }

    /// The stretches in order.
    public var parts: [Part]
    /// Whether it was written without quotes, so that `5` is a number and `yes it is` is text.
    public var isPlain: Bool

    /// Text without a secret.
    public init(_ text: String, isPlain: Bool = true) {
        parts = [.literal(text)]
        self.isPlain = isPlain
    }

    /// Text with secrets in it.
    public init(parts: [Part], isPlain: Bool) {
        self.parts = parts
        self.isPlain = isPlain
    }

    /// The text, when there is no secret in it.
    public var literal: String? {
        var text = ""
        for case let part in parts {
            guard case .literal(let piece) = part else { return nil }
            text += piece
        }
        return text
    }

    /// The text with each secret shown as its reference, never its value.
    public var description: String {
        parts.map { part in
            switch part {
            case .literal(let text): text
            case .secret(let reference): "\(reference)"
            }
        }.joined()
    }

    /// The secrets in it.
    public var secrets: [SecretReference] {
        parts.compactMap { if case .secret(let reference) = $0 { reference } else { nil } }
    }

    /// The text with each secret looked up by `resolve`.
    public func resolved<E: Error>(_ resolve: (SecretReference) throws(E) -> String) throws(E) -> String {
        var text = ""
        for part in parts {
            switch part {
            case .literal(let piece): text += piece
            case .secret(let reference): text += try resolve(reference)
            }
        }
        return text
    }
}

/// The name of a secret: `${secret.name}` in the project's vault or the environment, `${secret.vault/name}` in a vault.
public struct SecretReference: Sendable, Hashable, CustomStringConvertible {
    /// The vault; nil for the project's own.
    public let vault: String?
    /// The secret's name.
    public let name: String

    /// A reference to `name` in `vault`.
    public init(vault: String? = nil, name: String) {
        self.vault = vault
        self.name = name
    }

    /// As it is written in a document.
    public var description: String { "${secret.\(vault.map { $0 + "/" } ?? "")\(name)}" }
}
