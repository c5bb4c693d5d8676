/// A place in a document as users write it: keys with dots between them, `\.` for a dot in a key.
enum FieldPath {
    /// The keys of `text`; nil when one of them is empty.
    static func parse(_ text: String) -> [String]? {
        var keys: [String] = []
        var key = ""
        var isEscaped = false
        for character in text {
            switch character {
            case _ where isEscaped:
                key.append(character)
                isEscaped = false
            case "\\": isEscaped = true
            case ".":
                keys.append(key)
                key = ""
            default: key.append(character)
            }
        }
        keys.append(key)
        return isEscaped || keys.contains("") ? nil : keys
    }

    /// `keys` as a user would write them.
    static func text(_ keys: [String]) -> String {
        keys.map { $0.replacing("\\", with: "\\\\").replacing(".", with: "\\.") }.joined(separator: ".")
    }

    /// `keys` from an item, when they lead through one of `items`; nil when they do not.
    static func inItem(_ keys: [String], _ items: [[String]]) -> [String]? {
        for path in items where keys.count > path.count && keys.starts(with: path) {
            return Array(keys.dropFirst(path.count))
        }
        return nil
    }
}
