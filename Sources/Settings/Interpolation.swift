public import Support

/// Replaces `${…}` in every scalar of a document. One syntax, everywhere:
///
/// | written | becomes |
/// | --- | --- |
/// | `${var.x}` | the variable `x` |
/// | `${env.X}`, `${env.X:-default}` | the environment's `X`, or the default when it is unset or empty |
/// | `${secret.name}`, `${secret.vault/name}` | a reference, looked up where it is used |
/// | `${project.dir}`, `${environment}` | what they say |
/// | `$$` | a dollar sign |
public struct Interpolation {
    /// Where `${env.X}` looks.
    public let environmentVariables: [String: String]
    /// The variables and where they were written; a value may itself refer to others.
    public let variables: [String: Node]
    /// The names of all variables, of those too that have no value in the document.
    public let declaredVariables: Set<String>
    /// Values of variables that were given; they win over `variables`.
    public let overrides: [String: String]
    /// `${project.dir}`.
    public let projectFolder: String
    /// `${environment}`; nil when none is chosen.
    public let environmentName: String?
    /// Whether a variable that `${env.X}` does not find stops the work.
    public let unsetVariables: Diagnostic.Severity

    /// An interpolation with all that `${…}` can refer to.
    public init(
        environmentVariables: [String: String], variables: [String: Node] = [:],
        declaredVariables: Set<String> = [], overrides: [String: String] = [:],
        projectFolder: String, environmentName: String? = nil, unsetVariables: Diagnostic.Severity = .error
    ) {
        self.environmentVariables = environmentVariables
        self.variables = variables
        self.declaredVariables = declaredVariables
        self.overrides = overrides
        self.projectFolder = projectFolder
        self.environmentName = environmentName
        self.unsetVariables = unsetVariables
    }

    /// `node` with every `${…}` replaced, and what could not be. What cannot be replaced stays as it was written.
    public func apply(to node: Node) -> (node: Node, problems: [Diagnostic]) {
        var problems: [Diagnostic] = []
        return (replaced(node, path: "", &problems), problems)
    }

    private func replaced(_ node: Node, path: String, _ problems: inout [Diagnostic]) -> Node {
        var node = node
        switch node.content {
        case .scalar(let scalar):
            var reader = ReferenceReader(interpolation: self, mark: node.mark, path: path)
            node.content = .scalar(Scalar(parts: reader.expand(scalar), isPlain: scalar.isPlain))
            problems += reader.problems
        case .sequence(let items):
            node.content = .sequence(
                items.enumerated().map { replaced($1, path: "\(path)[\($0)]", &problems) })
        case .mapping(let entries):
            node.content = .mapping(
                entries.map { entry in
                    var entry = entry
                    entry.value = replaced(entry.value, path: path.child(entry.key), &problems)
                    return entry
                })
        }
        return node
    }
}

/// Expands the references in one scalar, following variables to their end.
private struct ReferenceReader {
    let interpolation: Interpolation
    let mark: Diagnostic.Mark
    let path: String
    var problems: [Diagnostic] = []
    /// The variables that are being expanded, outermost first: meeting one of them again is a cycle.
    private var chain: [String] = []

    init(interpolation: Interpolation, mark: Diagnostic.Mark, path: String) {
        self.interpolation = interpolation
        self.mark = mark
        self.path = path
    }

    mutating func expand(_ scalar: Scalar) -> [Scalar.Part] {
        var parts: [Scalar.Part] = []
        for part in scalar.parts {
            switch part {
            case .secret: parts.append(part)
            case .literal(let text): parts += expand(text)
            }
        }
        return merged(parts)
    }

    private mutating func expand(_ text: String) -> [Scalar.Part] {
        guard text.contains("$") else { return [.literal(text)] }
        var parts: [Scalar.Part] = []
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            parts.append(.literal(String(rest[..<dollar])))
            let after = rest[rest.index(after: dollar)...]
            if after.first == "$" {
                parts.append(.literal("$"))
                rest = after.dropFirst()
            } else if after.first == "{" {
                guard let end = after.firstIndex(of: "}") else {
                    report("\"\(text)\" has a \"${\" without its \"}\"", hint: "write $$ for a dollar sign")
                    return [.literal(text)]
                }
                let body = String(after[after.index(after: after.startIndex)..<end])
                parts += reference(body)
                rest = after[after.index(after: end)...]
            } else {
                // A dollar sign before anything else is itself, so that regular expressions and prices need no care.
                parts.append(.literal("$"))
                rest = after
            }
        }
        parts.append(.literal(String(rest)))
        return parts
    }

    private mutating func reference(_ body: String) -> [Scalar.Part] {
        switch body {
        case "project.dir": return [.literal(interpolation.projectFolder)]
        case "environment":
            if let name = interpolation.environmentName { return [.literal(name)] }
            return unresolved(body, "no environment is chosen", hint: "choose one with --environment NAME")
        default: break
        }
        guard let dot = body.firstIndex(of: ".") else { return unknownReference(body) }
        let name = String(body[body.index(after: dot)...])
        switch body[..<dot] {
        case "env": return environmentVariable(name, body)
        case "var": return variable(name, body)
        case "secret": return secret(name, body)
        default: return unknownReference(body)
        }
    }

    private mutating func environmentVariable(_ name: String, _ body: String) -> [Scalar.Part] {
        var key = name
        var standard: String?
        if let split = name.firstRange(of: ":-") {
            key = String(name[..<split.lowerBound])
            standard = String(name[split.upperBound...])
        }
        if let value = interpolation.environmentVariables[key], !value.isEmpty || standard == nil {
            return [.literal(value)]
        }
        if let standard { return [.literal(standard)] }
        let near = nearestWord(to: key, among: interpolation.environmentVariables.keys.sorted())
        return unresolved(
            body, "the environment variable \(key) is not set",
            hint: near.map { "did you mean \($0)?" } ?? "set it, add it to .env, or write ${env.\(key):-default}",
            severity: interpolation.unsetVariables)
    }

    private mutating func variable(_ name: String, _ body: String) -> [Scalar.Part] {
        if let value = interpolation.overrides[name] { return [.literal(value)] }
        guard let node = interpolation.variables[name] else {
            if interpolation.declaredVariables.contains(name) {
                return unresolved(
                    body, "the variable \"\(name)\" has no value", hint: "give it one: --var \(name)=…",
                    severity: interpolation.unsetVariables)
            }
            let near = nearestWord(to: name, among: interpolation.variables.keys.sorted())
            return unresolved(
                body, "no variable is called \"\(name)\"",
                hint: near.map { "did you mean ${var.\($0)}?" } ?? "add it under \"variables\"")
        }
        guard let scalar = node.scalar else {
            return unresolved(body, "the variable \"\(name)\" is \(node.summary), text was expected", hint: nil)
        }
        if let start = chain.firstIndex(of: name) {
            let cycle = (chain[start...] + [name]).joined(separator: " → ")
            return unresolved(body, "the variables refer to each other in a circle: \(cycle)", hint: "break the circle")
        }
        chain.append(name)
        defer { chain.removeLast() }
        return expand(scalar)
    }

    private mutating func secret(_ name: String, _ body: String) -> [Scalar.Part] {
        let pieces = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard !pieces.contains("") else { return unknownReference(body) }
        return [
            .secret(
                pieces.count == 2
                    ? SecretReference(vault: pieces[0], name: pieces[1]) : SecretReference(name: pieces[0]))
        ]
    }

    private mutating func unknownReference(_ body: String) -> [Scalar.Part] {
        let kinds = ["var.", "env.", "secret.", "project.dir", "environment"]
        let head = body.firstIndex(of: ".").map { String(body[...$0]) } ?? body
        let near = nearestWord(to: head, among: kinds)
        return unresolved(
            body, "\"${\(body)}\" refers to nothing",
            hint: near.map { "did you mean ${\($0)…}?".replacing("dir…", with: "dir") }
                ?? "use ${var.x}, ${env.X}, ${secret.name}, ${project.dir} or ${environment}; $$ is a dollar sign")
    }

    private mutating func unresolved(
        _ body: String, _ message: String, hint: String?, severity: Diagnostic.Severity = .error
    ) -> [Scalar.Part] {
        report(message, hint: hint, severity: severity)
        return [.literal("${\(body)}")]
    }

    private mutating func report(_ message: String, hint: String?, severity: Diagnostic.Severity = .error) {
        problems.append(Diagnostic(severity, message, at: mark, path: path, hint: hint))
    }

    private func merged(_ parts: [Scalar.Part]) -> [Scalar.Part] {
        var result: [Scalar.Part] = []
        for part in parts {
            if case .literal(let piece) = part, case .literal(let before)? = result.last {
                result[result.count - 1] = .literal(before + piece)
            } else {
                result.append(part)
            }
        }
        return result
    }
}
