import Settings
public import Support

extension Project {
    /// Reads a project file as one environment sees it, and reports everything that is wrong with it at once.
    ///
    /// The order is: parse, check every environment's own text, lay the chosen environment over the file, replace
    /// `${…}`, check the result, check names that refer to others, look for circles.
    ///
    /// - returns: The project, unless there is an error among the problems.
    public static func parse(
        _ text: String, file: String, vocabulary: Vocabulary, inputs: ProjectInputs
    ) -> (project: Project?, problems: [Diagnostic]) {
        var (document, problems) = parseDocument(text, file: file)
        guard let document else {
            if problems.isEmpty {
                let start = Diagnostic.Mark(file: file, line: 1, column: 1)
                problems = [Diagnostic(.error, "the file is empty", at: start, hint: "begin with \"project: NAME\"")]
            }
            return (nil, problems)
        }
        let shape = Shape.object(vocabulary.projectShape)
        let chosen = overlaid(document, inputs: inputs, problems: &problems)
        let variables = Variables(of: chosen, inputs: inputs)
        problems += variables.problems
        let interpolation = Interpolation(
            environmentVariables: inputs.environmentVariables, variables: variables.standards,
            declaredVariables: Set(variables.declared.map(\.name)), overrides: variables.given,
            projectFolder: inputs.folder, environmentName: inputs.environment,
            unsetVariables: inputs.unsetVariables)
        let (resolved, unresolved) = interpolation.apply(to: chosen)
        problems += unresolved
        // A place that could not be resolved has been reported; what it would have been is not known.
        let reported = Set(unresolved.map(\.mark))
        problems += shape.check(resolved).filter { !reported.contains($0.mark) }
        problems += variables.standardProblems(in: resolved)
        problems += overlayProblems(document, shape: vocabulary.projectShape)
        problems += danglingNames(in: resolved, shape: shape).filter { !reported.contains($0.mark) }
        problems += unknownWarehouse(in: resolved).filter { !reported.contains($0.mark) }
        problems += unknownPlatforms(in: resolved).filter { !reported.contains($0.mark) }
        problems += jobProblems(in: resolved, vocabulary: vocabulary, beside: problems) + circles(in: resolved)
        problems = unique(problems)
        guard !problems.contains(where: { $0.severity == .error }) else { return (nil, problems) }
        let given = Dictionary(
            variables.given.map { (Variables.environmentName(of: $0.key), $0.value) }, uniquingKeysWith: { $1 })
        return (Project(Section(resolved), given: given, vocabulary: vocabulary, inputs: inputs), problems)
    }

    /// The names under `section` of a project file, in its order, whatever else is wrong with it: `jobs`, `environments`.
    public static func names(under section: String, in text: String, file: String) -> [String] {
        parseDocument(text, file: file).node?[section]?.entries.map(\.key) ?? []
    }

    // MARK: Environments and variables

    /// The document with the chosen environment over it. The text of the other environments stays to be checked, but
    /// is not interpolated: it may name what is only set where it is used.
    private static func overlaid(_ document: Node, inputs: ProjectInputs, problems: inout [Diagnostic]) -> Node {
        guard let name = inputs.environment else { return document.withoutValues(of: "environments") }
        let environments = document["environments"]?.entries ?? []
        guard let overlay = environments.first(where: { $0.key == name }) else {
            let names = environments.map(\.key)
            let hint =
                nearestWord(to: name, among: names).map { "did you mean \"\($0)\"?" }
                ?? (names.isEmpty ? "the file declares none" : "declared: \(names.joined(separator: ", "))")
            problems.append(Diagnostic(.error, "no environment is called \"\(name)\"", at: document.mark, hint: hint))
            return document.withoutValues(of: "environments")
        }
        return document.withoutValues(of: "environments").overlaid(by: overlay.value)
    }

    /// What is wrong with any environment's own text, the ones that were not chosen too. Words that hold a reference
    /// are left out, since what they become depends on where the environment is used.
    private static func overlayProblems(_ document: Node, shape: ObjectShape) -> [Diagnostic] {
        guard let environments = document["environments"] else { return [] }
        let only = Node(
            .mapping([
                Node.Entry(
                    key: "project", keyMark: document.mark, value: Node(.scalar(Scalar("x")), at: document.mark)),
                Node.Entry(key: "environments", keyMark: environments.mark, value: environments),
            ]), at: document.mark)
        let open = Set(environments.scalarMarks { $0.description.contains("${") })
        return Shape.object(shape).check(only).filter { !open.contains($0.mark) }
    }

    // MARK: Names

    private static func danglingNames(in document: Node, shape: Shape) -> [Diagnostic] {
        shape.references(in: document).compactMap { reference in
            let names = document[reference.section]?.entries.map(\.key) ?? []
            guard !names.contains(reference.name) else { return nil }
            let singular = String(reference.section.dropLast())
            let isFile = reference.section == "connections" && reference.name.contains(".")
            let hint =
                nearestWord(to: reference.name, among: names).map { "did you mean \"\($0)\"?" }
                ?? (isFile ? "write ./\(reference.name) for a file or folder" : nil)
                ?? (names.isEmpty
                    ? "add it under \"\(reference.section)\"" : "declared: \(names.joined(separator: ", "))")
            return Diagnostic(
                .error, "\"\(reference.path)\" names the \(singular) \"\(reference.name)\", which is not declared",
                at: reference.mark, path: reference.path, hint: hint)
        }
    }

    /// The word under `warehouse` that can only be a connection's name: it has nothing of a URL, a path or a file.
    private static func connectionName(ofWarehouse document: Node) -> String? {
        guard let word = document["warehouse"]?.scalar?.literal, !word.isEmpty else { return nil }
        if document["connections"]?[word] != nil { return word.contains(":") || word.contains("/") ? nil : word }
        return word.contains { ":/.\\".contains($0) } ? nil : word
    }

    private static func unknownWarehouse(in document: Node) -> [Diagnostic] {
        guard let word = connectionName(ofWarehouse: document), let node = document["warehouse"],
            document["connections"]?[word] == nil
        else { return [] }
        let names = document["connections"]?.entries.map(\.key) ?? []
        let near = nearestWord(to: word, among: names).map { "did you mean \"\($0)\"?" }
        return [
            Diagnostic(
                .error, "\"warehouse\" names the connection \"\(word)\", which is not declared", at: node.mark,
                path: "warehouse",
                hint: near
                    ?? "write a URL such as sqlite:./\(word).db, a mapping with a protocol, or the name of a connection"
                    + (names.isEmpty ? "" : "; declared: \(names.joined(separator: ", "))"))
        ]
    }

    /// Platforms that the project or a job names, and nothing declares. This machine need not be declared.
    private static func unknownPlatforms(in document: Node) -> [Diagnostic] {
        let names = (document["platforms"]?.entries ?? []).map(\.key)
        let jobs = document["jobs"]?.entries ?? []
        let places =
            [("platform", document["platform"])] + jobs.map { ("jobs.\($0.key).platform", $0.value["platform"]) }
        return places.compactMap { path, node in
            guard let node, let name = node.scalar?.literal, name != Project.thisMachine, !names.contains(name) else {
                return nil
            }
            return Diagnostic(
                .error, "\"\(path)\" names the platform \"\(name)\", which is not declared", at: node.mark, path: path,
                hint: nearestWord(to: name, among: names + [Project.thisMachine]).map { "did you mean \"\($0)\"?" }
                    ?? "add it under \"platforms\", or write \(Project.thisMachine)")
        }
    }

    /// What is wrong with keys together, in jobs of which every key is right by itself.
    private static func jobProblems(
        in document: Node, vocabulary: Vocabulary, beside problems: [Diagnostic]
    ) -> [Diagnostic] {
        // In a file that is wrong all over, what does not fit together is the least of it.
        guard let jobs = document["jobs"], problems.count < 1000 else { return [] }
        return Section(jobs, path: "jobs").sections.flatMap { _, job -> [Diagnostic] in
            guard let check = vocabulary.jobChecks[job.text("kind") ?? ""],
                !problems.contains(where: { $0.path == job.path || $0.path.hasPrefix(job.path + ".") })
            else { return [] }
            return check(job)
        }
    }

    /// Jobs that wait for each other would wait for ever.
    private static func circles(in document: Node) -> [Diagnostic] {
        let jobs = document["jobs"]?.entries ?? []
        var after: [String: [String]] = [:]
        for job in jobs { after[job.key] = Section(job.value).texts("after") ?? [] }
        var finished: Set<String> = []
        var problems: [Diagnostic] = []
        func visit(_ name: String, _ chain: [String]) {
            if finished.contains(name) { return }
            if let start = chain.firstIndex(of: name) {
                let circle = (chain[start...] + [name]).joined(separator: " → ")
                guard let job = jobs.first(where: { $0.key == name }) else { return }
                problems.append(
                    Diagnostic(
                        .error, "the jobs wait for each other in a circle: \(circle)",
                        at: job.value["after"]?.mark ?? job.keyMark, path: "jobs.\(name).after",
                        hint: "break the circle"))
                return
            }
            for next in after[name] ?? [] { visit(next, chain + [name]) }
            finished.insert(name)
        }
        for job in jobs { visit(job.key, []) }
        return problems
    }

    /// The same problem may be found in the file and in what an environment makes of it.
    private static func unique(_ problems: [Diagnostic]) -> [Diagnostic] {
        var seen: Set<Diagnostic> = []
        let overlays = problems.filter { $0.path.hasPrefix("environments.") }
        return problems.filter { problem in
            seen.insert(problem).inserted
                && !overlays.contains { $0.mark == problem.mark && $0.path.hasSuffix(".\(problem.path)") }
        }.sorted { ($0.mark.line, $0.mark.column) < ($1.mark.line, $1.mark.column) }
    }

    // MARK: The model

    private init(_ section: Section, given: [String: String], vocabulary: Vocabulary, inputs: ProjectInputs) {
        name = section.text("project") ?? ""
        folder = inputs.folder
        environment = inputs.environment
        givenVariables = given
        lake = section.scalar("lake") ?? Scalar("./lake")
        var connections: [String: Endpoint] = [:]
        if let declared = section.section("connections") {
            for entry in declared.node.entries { connections[entry.key] = Endpoint(declared, entry.key) }
        }
        self.connections = connections
        warehouseConnection = Project.connectionName(ofWarehouse: section.node).flatMap {
            connections[$0] != nil ? $0 : nil
        }
        warehouse =
            warehouseConnection.flatMap { connections[$0] } ?? Endpoint(section, "warehouse")
            ?? .url(Scalar("sqlite:./warehouse.db"), at: section.node.mark)
        var sections: [String: Section] = [:]
        for (name, _, _) in vocabulary.sections { sections[name] = section.section(name) }
        self.sections = sections
        var platforms: [String: Section] = [:]
        for (name, settings) in section.section("platforms")?.sections ?? [] { platforms[name] = settings }
        self.platforms = platforms
        platform = section.text("platform")
        jobs = (section.section("jobs")?.sections ?? []).map { name, settings in
            Job(name: name, kind: settings.text("kind") ?? "", settings: settings)
        }
    }
}

extension Project.Endpoint {
    fileprivate init?(_ section: Section, _ key: String) {
        if let settings = section.section(key) {
            self = .settings(settings)
        } else if let url = section.scalar(key) {
            self = .url(url, at: section.mark(key))
        } else {
            return nil
        }
    }
}

extension Node {
    /// Where the scalars stand for which `condition` holds.
    fileprivate func scalarMarks(where condition: (Scalar) -> Bool) -> [Diagnostic.Mark] {
        switch content {
        case .scalar(let scalar): condition(scalar) ? [mark] : []
        case .sequence(let items): items.flatMap { $0.scalarMarks(where: condition) }
        case .mapping(let entries): entries.flatMap { $0.value.scalarMarks(where: condition) }
        }
    }

    /// This mapping without the entry called `key`.
    fileprivate func withoutValues(of key: String) -> Node {
        Node(.mapping(entries.filter { $0.key != key }), at: mark)
    }
}
