public import Settings
public import Support

/// What an init job does: steps in their order, each of which may be repeated.
public struct InitJob: Sendable {
    /// The job's name.
    public var name: String
    /// The project's name.
    public var project: String
    /// What it is for, in a word or two: what the banner says.
    public var purpose: String
    /// The connection that steps work on unless they say otherwise; nil for the warehouse.
    public var database: String?
    /// The steps, those of regions once for each region.
    public var entries: [Entry]
    /// How long it may take in all.
    public var timeout: Duration?
    /// How long to wait for another run of it.
    public var lockWait: Duration

    /// A step in its place.
    public struct Entry: Sendable {
        /// Its number, from 1.
        public var number: Int
        /// Its name: that of its kind unless it was given one.
        public var name: String
        /// Which region it is for.
        public var region: String?
        /// The number of the group of regions that it is part of: a region that fails leaves the others alone.
        public var group: Int?
        /// The connection that it works on; nil for the warehouse.
        public var database: String?
        /// How long it may take.
        public var timeout: Duration?
        /// What it does.
        public var step: Step

        /// By which it is told from the others of its job, whatever their order: `seed`, `seed@westeurope`.
        public var key: String { region.map { "\(name)@\($0)" } ?? name }
    }

    /// What a step does.
    public enum Step: Sendable {
        /// Something has to be so.
        case check(CheckStep)
        /// A role may do what it has to.
        case grant(GrantStep)
        /// Files of SQL have been run.
        case migrate(MigrateStep)
        /// Rows of files are in a table.
        case seed(SeedStep)
        /// A program has been run.
        case command(CommandStep)

        /// What it is called in a job.
        public var kind: String {
            switch self {
            case .check: "check"
            case .grant: "grant-roles"
            case .migrate: "migrate"
            case .seed: "seed"
            case .command: "command"
            }
        }
    }

    /// By which locks and ledgers know it: `project.job`.
    public var pipeline: String { project.isEmpty ? name : "\(project).\(name)" }
}

extension InitJob {
    /// The job that `section` of a project describes; it has passed its shape's check and `InitKeys.check`.
    public init(_ section: Section, name: String, project: String) throws(SluiceError) {
        self.name = name
        self.project = project
        purpose = section.text("purpose") ?? name
        database = section.text("on")
        timeout = section.duration("timeout")
        lockWait = section.duration("lock_wait") ?? .zero
        entries = []
        for (index, node) in InitJob.items(section.node["steps"]).enumerated() {
            let step = Section(node, path: "\(section.path).steps[\(index)]")
            guard step.text("step") == "regions" else {
                try add(step, region: nil, group: nil)
                continue
            }
            for region in step.texts("regions") ?? [] {
                var values = step.section("values")?.section(region)?.textsByName ?? [:]
                values["region"] = region
                for (inner, node) in InitJob.items(step.node["steps"]).enumerated() {
                    let placed = Section(node.filled(with: values), path: "\(step.path).steps[\(inner)]")
                    try add(placed, region: region, group: index)
                }
            }
        }
    }

    private mutating func add(_ section: Section, region: String?, group: Int?) throws(SluiceError) {
        guard entries.count < InitJob.stepLimit else {
            throw SluiceError(
                .limitExceeded,
                "job \"\(name)\" has more than \(InitJob.stepLimit) steps, those of regions counted for each",
                place: .init(file: section.node.mark.file, line: section.node.mark.line),
                hint: "make several jobs of it, one after the other")
        }
        let step = try Step(section)
        var entry = Entry(
            number: entries.count + 1, name: section.text("name") ?? step.kind, region: region, group: group,
            database: section.text("on") ?? database, timeout: section.duration("timeout"), step: step)
        // Names tell steps apart in ledgers; of those without one of their own, the second is called after its number.
        if entries.contains(where: { $0.key == entry.key }) { entry.name += "-\(entry.number)" }
        entries.append(entry)
    }

    /// The most steps of a job.
    static let stepLimit = 1000

    /// The items of a list, or the one item that stands in its place.
    static func items(_ node: Node?) -> [Node] {
        guard let node else { return [] }
        if case .mapping = node.content { return [node] }
        return node.items
    }
}

extension InitJob.Step {
    init(_ section: Section) throws(SluiceError) {
        switch section.text("step") {
        case "check": self = .check(CheckStep(section))
        case "grant-roles": self = .grant(try GrantStep(section))
        case "migrate": self = .migrate(try MigrateStep(section))
        case "seed": self = .seed(try SeedStep(section))
        case "command": self = .command(try CommandStep(section))
        default:
            throw SluiceError(
                .invalidConfiguration, "\"\(section.path).step\" is no kind of step that Sluice knows",
                place: .init(file: section.node.mark.file, line: section.node.mark.line))
        }
    }
}

extension Node {
    /// This node with `{name}` replaced by the value of that name, wherever it stands; other braces stay.
    func filled(with values: [String: String]) -> Node {
        var node = self
        switch content {
        case .scalar(var scalar):
            scalar.parts = scalar.parts.map { part in
                guard case .literal(let text) = part else { return part }
                return .literal(text.filled(with: values))
            }
            node.content = .scalar(scalar)
        case .sequence(let items): node.content = .sequence(items.map { $0.filled(with: values) })
        case .mapping(let entries):
            node.content = .mapping(
                entries.map { entry in
                    var entry = entry
                    entry.value = entry.value.filled(with: values)
                    return entry
                })
        }
        return node
    }
}

extension String {
    /// This text with `{name}` replaced by the value of that name, in one pass: what a value says is not looked at again.
    func filled(with values: [String: String]) -> String {
        var result = ""
        var rest = self[...]
        while let open = rest.firstIndex(of: "{") {
            result += rest[..<open]
            rest = rest[open...]
            if let close = rest.firstIndex(of: "}"), let value = values[String(rest[rest.index(after: open)..<close])] {
                result += value
                rest = rest[rest.index(after: close)...]
            } else {
                result.append(rest.removeFirst())
            }
        }
        return result + rest
    }
}

/// How a run of an init job differs from the usual.
public struct InitOptions: Sendable {
    /// The usual.
    public init() {}
}
