public import Support

/// A place in a document that names something which the document declares elsewhere.
public struct Reference: Sendable {
    /// The top-level section that it has to be in: `connections`.
    public let section: String
    /// The name that was written.
    public let name: String
    /// Where.
    public let mark: Diagnostic.Mark
    /// The dotted path of the place.
    public let path: String
}

extension Shape {
    /// All names in `node` that this shape says refer to something else; URLs, paths and interpolated secrets are not
    /// names.
    public func references(in node: Node, path: String = "") -> [Reference] {
        switch self {
        case .reference(let section):
            guard let name = node.scalar?.literal, !node.isNull, Shape.isName(name) else { return [] }
            return [Reference(section: section, name: name, mark: node.mark, path: path)]
        case .list(let item):
            guard case .sequence(let items) = node.content else { return item.references(in: node, path: path) }
            return items.enumerated().flatMap { item.references(in: $1, path: "\(path)[\($0)]") }
        case .map(let value, _):
            return node.entries.flatMap { value.references(in: $0.value, path: path.child($0.key)) }
        case .object(let object), .textOr(let object):
            return node.entries.flatMap { entry in
                object.key(entry.key, in: node)?.shape.references(in: entry.value, path: path.child(entry.key)) ?? []
            }
        default: return []
        }
    }

    /// Whether `text` names something declared, as opposed to a URL, `orders.csv` beside it as `./orders.csv`, a path, or a
    /// name with a `{part}` that is known later.
    public static func isName(_ text: String) -> Bool {
        !text.contains(":") && !text.contains("/") && !text.hasPrefix(".") && !text.contains("{")
    }
}

extension ObjectShape {
    /// What `name` means in `node`, given its variant.
    func key(_ name: String, in node: Node) -> KeyShape? {
        let variant = variants.flatMap { variants in
            variants.cases.first { $0.name == node[variants.key]?.scalar?.literal }
        }
        return (keys + (variant?.keys ?? [])).first { $0.name == name }
    }
}
