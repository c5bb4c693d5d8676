public import Packages
public import Settings

/// A job as platforms see it: who it is, what its program is told, and what it needs there.
public struct JobDeployment: Sendable, Hashable {
    /// The project.
    public var project: String
    /// The job.
    public var job: String
    /// What kind of work it is: `ingest`, `init`.
    public var kind: String
    /// The environment; nil for the project as it stands.
    public var environment: String?
    /// What the job is for, in words.
    public var description: String?
    /// What its program is told when nothing else is said: `["run", "orders", "--environment", "prod"]`.
    public var arguments: [String]
    /// What it needs.
    public var needs: DeploymentNeeds
    /// The image that it runs from, pinned to its digest; nil where none is named.
    public var image: String?
    /// The package that its runs take the project from; nil where the image or the project's folder has it.
    public var package: PackageReference?
    /// The release of Sluice that deploys it.
    public var release: String

    /// A job.
    public init(
        project: String, job: String, kind: String, environment: String? = nil, description: String? = nil,
        arguments: [String], needs: DeploymentNeeds = DeploymentNeeds(), image: String? = nil,
        package: PackageReference? = nil, release: String = ""
    ) {
        self.project = project
        self.job = job
        self.kind = kind
        self.environment = environment
        self.description = description
        self.arguments = arguments
        self.needs = needs
        self.image = image
        self.package = package
        self.release = release
    }

    /// What it is for, in a word: what is declared, else the job's name.
    public var purpose: String { needs.purpose ?? job }
}

/// What a job needs where it is deployed: `deploy:`.
public struct DeploymentNeeds: Sendable, Hashable {
    /// What the platform is to call it, when it is another name than the rule gives.
    public var name: String?
    /// The image that it runs from, as it is written.
    public var image: String?
    /// Processors and memory; nil for the platform's least.
    public var resources: RunResources?
    /// How long a run may take.
    public var timeout: Duration?
    /// How often the platform tries a run that failed again.
    public var retries: Int
    /// How many copies run at the same time.
    public var parallelism: Int
    /// How many copies have to succeed.
    public var completions: Int
    /// How many inputs a task takes, where a run is divided into tasks.
    public var inputsPerTask = 1
    /// What starts it.
    public var trigger: DeploymentTrigger
    /// Variables.
    public var environment: [String: String]
    /// Variables whose values the platform gets from Key Vault; the value itself passes through nobody's hands.
    public var secrets: [String: SecretReference]
    /// Tags.
    public var tags: [String: String]
    /// What it is for, in a word.
    public var purpose: String?
    /// What it belongs to: `database`, `infrastructure`, `data`.
    public var category: String?

    /// What jobs need as a rule.
    public init(
        name: String? = nil, image: String? = nil, resources: RunResources? = nil, timeout: Duration? = nil,
        retries: Int = 0, parallelism: Int = 1, completions: Int = 1, trigger: DeploymentTrigger = .manual,
        environment: [String: String] = [:], secrets: [String: SecretReference] = [:], tags: [String: String] = [:],
        purpose: String? = nil, category: String? = nil
    ) {
        self.name = name
        self.image = image
        self.resources = resources
        self.timeout = timeout
        self.retries = retries
        self.parallelism = parallelism
        self.completions = completions
        self.trigger = trigger
        self.environment = environment
        self.secrets = secrets
        self.tags = tags
        self.purpose = purpose
        self.category = category
    }
}

/// Processors and memory.
public struct RunResources: Sendable, Hashable {
    /// Thousandths of a processor.
    public var millicores: Int
    /// Bytes of memory.
    public var memory: Int

    /// So much of both.
    public init(millicores: Int, memory: Int) {
        self.millicores = millicores
        self.memory = memory
    }

    /// A quarter of a processor: enough for SQL.
    public static let small = RunResources(millicores: 250, memory: 512 << 20)
    /// Half a processor: enough for migrations and ordinary loads.
    public static let medium = RunResources(millicores: 500, memory: 1 << 30)
    /// A whole processor: for much data.
    public static let large = RunResources(millicores: 1000, memory: 2 << 30)

    /// The resources that a word stands for.
    public static func named(_ word: String) -> RunResources? {
        switch word {
        case "small": .small
        case "medium": .medium
        case "large": .large
        default: nil
        }
    }
}

/// What starts a job that is deployed.
public enum DeploymentTrigger: Sendable, Hashable {
    /// Somebody.
    case manual
    /// A clock: five fields of cron, UTC.
    case schedule(String)
    /// Something that waits to be worked on.
    case event(EventTrigger)
}

/// What has to wait so that a job is started.
public struct EventTrigger: Sendable, Hashable {
    /// The kind of scaler: `azure-queue`.
    public var type: String
    /// Its settings: `queueName`, `accountName`, `queueLength`.
    public var metadata: [String: String]
    /// What it signs in with, by the scaler's name for it, instead of the job's identity.
    public var secrets: [String: SecretReference]
    /// How many runs there are at least, and at most, at a time.
    public var least, most: Int
    /// How often it is looked.
    public var interval: Duration

    /// A trigger.
    public init(
        type: String, metadata: [String: String], secrets: [String: SecretReference] = [:], least: Int = 0,
        most: Int = 10, interval: Duration = .seconds(30)
    ) {
        self.type = type
        self.metadata = metadata
        self.secrets = secrets
        self.least = least
        self.most = most
        self.interval = interval
    }
}
