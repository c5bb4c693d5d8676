public import Packages
public import Support

/// What has to change on a platform so that a job stands there as it is declared.
public struct DeploymentPlan: Sendable {
    /// The platform.
    public var platform: String
    /// The job.
    public var job: JobDeployment
    /// What the platform calls the job.
    public var name: String
    /// What becomes of each of its parts; those that stay are among them.
    public var changes: [DeploymentChange]
    /// What will work, and may not be meant.
    public var warnings: [String]
    /// What a run costs, in the units that the platform bills; nil where there is no bill.
    public var cost: String?
    /// What was there when it was planned, so that another state is not taken for it; empty for nothing.
    public var basis: String
    /// What will be sent, in the platform's own form.
    public var content: String

    /// A plan.
    public init(
        platform: String, job: JobDeployment, name: String, changes: [DeploymentChange] = [], warnings: [String] = [],
        cost: String? = nil, basis: String = "", content: String = ""
    ) {
        self.platform = platform
        self.job = job
        self.name = name
        self.changes = changes
        self.warnings = warnings
        self.cost = cost
        self.basis = basis
        self.content = content
    }

    /// Whether everything stays as it is.
    public var isEmpty: Bool { changes.allSatisfy { $0.action == .keep } }

    /// How many parts there are of which this becomes.
    public func count(_ action: DeploymentChange.Action) -> Int { changes.count { $0.action == action } }

    /// The plan for machines. What it sends is not in it.
    public var json: JSONText {
        [
            "platform": .string(platform), "job": .string(job.job), "name": .string(name),
            "environment": job.environment.map { .string($0) } ?? .null,
            "changes": .array(changes.map(\.json)), "warnings": .array(warnings.map { .string($0) }),
            "cost": cost.map { .string($0) } ?? .null, "isEmpty": .bool(isEmpty),
        ]
    }
}

/// What becomes of one part of a job on a platform.
public struct DeploymentChange: Sendable, Hashable {
    /// What is done.
    public enum Action: String, Sendable, Hashable, CaseIterable {
        /// It is made.
        case create
        /// It gets another value.
        case update
        /// It is removed.
        case delete
        /// It stays.
        case keep
    }

    /// What is done.
    public var action: Action
    /// Which part: `job`, `image`, `env.PGHOST`.
    public var path: String
    /// What it is now; nil for nothing, or for what is not shown.
    public var from: String?
    /// What it becomes.
    public var to: String?

    /// A change.
    public init(_ action: Action, _ path: String, from: String? = nil, to: String? = nil) {
        self.action = action
        self.path = path
        self.from = from
        self.to = to
    }

    /// The change for machines.
    public var json: JSONText {
        [
            "action": .string(action.rawValue), "path": .string(path), "from": from.map { .string($0) } ?? .null,
            "to": to.map { .string($0) } ?? .null,
        ]
    }

    /// What becomes of parts that were `before` and are declared as `after`, by their paths; in the order of the paths.
    public static func between(_ before: [String: String], _ after: [String: String]) -> [DeploymentChange] {
        Set(before.keys).union(after.keys).sorted().map { path in
            switch (before[path], after[path]) {
            case (nil, let to): DeploymentChange(.create, path, to: to)
            case (let from, nil): DeploymentChange(.delete, path, from: from)
            case (let from, let to): DeploymentChange(from == to ? .keep : .update, path, from: from, to: to)
            }
        }
    }
}

/// What a platform has of a job.
public struct DeployedJob: Sendable, Hashable {
    /// What the platform calls it.
    public var name: String
    /// The platform's whole name for it: a resource id.
    public var resource: String
    /// The image that it runs from.
    public var image: String?
    /// The package that its runs take the project from.
    public var package: PackageReference?
    /// How it stands, in the platform's word.
    public var word: String
    /// What it is tagged with.
    public var tags: [String: String]

    /// What is there.
    public init(
        name: String, resource: String, image: String? = nil, package: PackageReference? = nil, word: String,
        tags: [String: String] = [:]
    ) {
        self.name = name
        self.resource = resource
        self.image = image
        self.package = package
        self.word = word
        self.tags = tags
    }
}

/// How people start a job by hand on a platform.
public struct PlatformWays: Sendable, Hashable {
    /// The commands of the platform's own tool.
    public var commands: [String]
    /// What to press in its pages.
    public var portal: [String]

    /// The ways.
    public init(commands: [String], portal: [String]) {
        self.commands = commands
        self.portal = portal
    }
}
