public import Support

extension Shape {
    /// Everything in `node` that does not have this shape: unknown names, wrong types, what is missing.
    ///
    /// A value that holds a secret fits wherever text does, since its text is not known yet.
    public func check(_ node: Node, path: String = "") -> [Diagnostic] {
        var problems: [Diagnostic] = []
        check(node, path: path, into: &problems)
        return problems
    }

    fileprivate func check(_ node: Node, path: String, into problems: inout [Diagnostic]) {
        switch self {
        case .anything: return
        case .list(let item):
            if case .sequence(let items) = node.content {
                for (index, child) in items.enumerated() {
                    item.check(child, path: "\(path)[\(index)]", into: &problems)
                }
            } else {
                item.check(node, path: path, into: &problems)
            }
        case .map(let value, _):
            guard case .mapping(let entries) = node.content else { return mismatch(node, path, &problems) }
            for entry in entries { value.check(entry.value, path: path.child(entry.key), into: &problems) }
        case .object(let object):
            guard case .mapping = node.content else { return mismatch(node, path, &problems) }
            object.check(node, path: path, into: &problems)
        case .textOr(let object):
            switch node.content {
            case .mapping: object.check(node, path: path, into: &problems)
            case .scalar where !node.isNull: return
            default: mismatch(node, path, &problems)
            }
        case .text, .reference, .integer, .decimal, .boolean, .duration, .size, .choice:
            guard let scalar = node.scalar, !node.isNull, accepts(scalar) else {
                return mismatch(node, path, &problems)
            }
        }
    }

    private func accepts(_ scalar: Scalar) -> Bool {
        guard let text = scalar.literal else {
            if case .text = self { return true }
            return false
        }
        switch self {
        case .integer(let range): return Int(text).map(range.contains) ?? false
        case .decimal(let range): return Decimals.isDecimal(text, in: range)
        case .boolean: return text == "true" || text == "false"
        case .duration: return Quantities.duration(text) != nil
        case .size: return Quantities.bytes(text) != nil
        case .choice(let words): return words.contains(text)
        default: return true
        }
    }

    private func mismatch(_ node: Node, _ path: String, _ problems: inout [Diagnostic]) {
        var hint: String?
        if case .choice(let words) = self, let text = node.scalar?.literal,
            let near = nearestWord(to: text, among: words)
        {
            hint = "did you mean \"\(near)\"?"
        } else if case .boolean = self, let text = node.scalar?.literal,
            ["yes", "no", "on", "off"].contains(text.lowercased())
        {
            hint = "write \(["yes", "on"].contains(text.lowercased()) ? "true" : "false")"
        } else if case .decimal = self, let text = node.scalar?.literal, Double(text) != nil, !Decimals.isDecimal(text)
        {
            hint = "write it with digits alone, and a point before decimals: 10000 or 0.01"
        } else if node.scalar.map({ !$0.secrets.isEmpty }) ?? false {
            hint = "a secret can only stand where text is expected"
        }
        problems.append(
            Diagnostic(
                .error, "\"\(path)\" is \(node.summary), \(expectation) was expected", at: node.mark, path: path,
                hint: hint))
    }
}

extension ObjectShape {
    func check(_ node: Node, path: String, into problems: inout [Diagnostic]) {
        guard let keys = allowedKeys(node, path: path, into: &problems) else { return }
        for entry in node.entries where entry.key != variants?.key {
            guard let key = keys.first(where: { $0.name == entry.key }) else {
                problems.append(unknown(entry, among: keys, path: path))
                continue
            }
            // A name without a value is the same as no name, unless one is required.
            if entry.value.isNull, !key.isRequired { continue }
            key.shape.check(entry.value, path: path.child(entry.key), into: &problems)
        }
        for key in keys where key.isRequired && node[key.name] == nil {
            problems.append(
                Diagnostic(
                    .error, "\"\(key.name)\" is missing from \(named(path))", at: node.mark, path: path.child(key.name),
                    hint: "add \(key.name): \(key.summary)"))
        }
    }

    /// The keys that may be written here, given what the deciding key says; nil when that is unknown.
    private func allowedKeys(_ node: Node, path: String, into problems: inout [Diagnostic]) -> [KeyShape]? {
        guard let variants else { return keys }
        let names = variants.cases.map(\.name)
        let choices = "one of \(names.joined(separator: ", "))"
        guard let decider = node[variants.key] else {
            problems.append(
                Diagnostic(
                    .error, "\"\(variants.key)\" is missing from \(named(path))", at: node.mark,
                    path: path.child(variants.key), hint: "add \(variants.key): \(choices)"))
            return nil
        }
        guard let word = decider.scalar?.literal, let chosen = variants.cases.first(where: { $0.name == word }) else {
            let near = decider.scalar?.literal.flatMap { nearestWord(to: $0, among: names) }
            problems.append(
                Diagnostic(
                    .error, "\"\(path.child(variants.key))\" is \(decider.summary), \(choices) was expected",
                    at: decider.mark, path: path.child(variants.key), hint: near.map { "did you mean \"\($0)\"?" }))
            return nil
        }
        return keys + chosen.keys
    }

    private func unknown(_ entry: Node.Entry, among keys: [KeyShape], path: String) -> Diagnostic {
        let names = keys.map(\.name)
        let hint: String
        if let called = keys.first(where: { $0.otherNames.contains(entry.key.lowercased()) }) {
            hint = "it is called \"\(called.name)\" here"
        } else if let near = nearestWord(to: entry.key, among: names) {
            hint = "did you mean \"\(near)\"?"
        } else if let other = variants?.cases.first(where: { $0.keys.contains { $0.name == entry.key } }) {
            hint = "it belongs to a \(title) with \(variants?.key ?? ""): \(other.name)"
        } else {
            hint = "valid here: \(names.sorted().joined(separator: ", "))"
        }
        return Diagnostic(
            .error, "\"\(entry.key)\" is not known in \(named(path))", at: entry.keyMark, path: path.child(entry.key),
            hint: hint)
    }

    private func named(_ path: String) -> String { path.isEmpty ? "the \(title)" : "\(title) \"\(path)\"" }
}

extension String {
    /// The path of `name` inside this path.
    func child(_ name: String) -> String { isEmpty ? name : "\(self).\(name)" }
}
