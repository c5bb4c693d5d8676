/// A small XML document as a tree: what Azure's storage services speak. Namespaces are not told apart, and there are no
/// document types, so that no entity can grow or reach outside.
public struct XMLNode: Sendable, Equatable {
    /// The element's name.
    public var name: String
    /// Its attributes in their order.
    public var attributes: [String: String]
    /// The elements in it.
    public var children: [XMLNode]
    /// The text directly in it.
    public var text: String

    /// An element.
    public init(_ name: String, text: String = "", attributes: [String: String] = [:], children: [XMLNode] = []) {
        self.name = name
        self.text = text
        self.attributes = attributes
        self.children = children
    }

    /// The first element in this one that is called `name`.
    public subscript(name: String) -> XMLNode? { children.first { $0.name == name } }

    /// All elements in this one that are called `name`.
    public func all(_ name: String) -> [XMLNode] { children.filter { $0.name == name } }

    /// The document with this root.
    public func write() -> String {
        var text = "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
        write(to: &text)
        return text
    }

    private func write(to result: inout String) {
        result += "<" + name
        for (key, value) in attributes.sorted(by: { $0.key < $1.key }) {
            result += " \(key)=\"\(XMLNode.escaped(value))\""
        }
        if children.isEmpty && text.isEmpty {
            result += " />"
            return
        }
        result += ">" + XMLNode.escaped(text)
        for child in children { child.write(to: &result) }
        result += "</\(name)>"
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            // As they are, a reader would take them for a line's end or a blank.
            case "\r", "\n", "\t": result += "&#\(scalar.value);"
            // XML has no way at all to write these.
            case "\u{0}"..."\u{1f}", "\u{fffe}", "\u{ffff}": result.unicodeScalars.append("\u{fffd}")
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
