public import Settings
public import Support

/// A folder with a `sluice.yaml`: what there is to read from, where it goes, and the jobs that do it, as one
/// environment sees them.
///
///     let (project, problems) = Project.parse(text, file: "sluice.yaml", vocabulary: vocabulary, inputs: inputs)
public struct Project: Sendable {
    /// The project's name.
    public let name: String
    /// The folder that relative paths start from.
    public let folder: String
    /// The environment that was chosen; nil for the file as it stands.
    public let environment: String?
    /// Where staged files lie: a folder or a store's URL.
    public let lake: Scalar
    /// The database that rows end in.
    public let warehouse: Endpoint
    /// The connection that the warehouse is, when the file names one; its environment variables hold then.
    public let warehouseConnection: String?
    /// The named sources.
    public let connections: [String: Endpoint]
    /// The jobs, in the order of the file.
    public let jobs: [Job]
    /// The variables that somebody has given a value, by the name of the environment variable that gives it: what a run
    /// elsewhere has to be started with to see the same project.
    public let givenVariables: [String: String]
    /// What the file says of a cloud or another part of the world: the sections that the vocabulary adds, by name.
    public let sections: [String: Section]
    /// The places where jobs may run, by name.
    public let platforms: [String: Section]
    /// Where jobs run that say nothing else; nil for this machine.
    public let platform: String?

    /// A source or database: by URL, or setting by setting.
    public enum Endpoint: Sendable {
        /// `postgres://…`, `sqlite:…`
        case url(Scalar, at: Diagnostic.Mark)
        /// A mapping with a `protocol`.
        case settings(Section)
    }

    /// One job as it is written.
    public struct Job: Sendable {
        /// Its name.
        public let name: String
        /// What kind of work it is: `ingest`.
        public let kind: String
        /// Its settings.
        public let settings: Section
    }

    /// The job called `name`.
    public func job(_ name: String) -> Job? { jobs.first { $0.name == name } }

    /// The platform that `job` runs on: its own, else the project's, else this machine.
    public func platform(of job: Job) -> String { job.settings.text("platform") ?? platform ?? Project.thisMachine }

    /// The platform that every project has.
    public static let thisMachine = "local"
}

/// What connections and jobs there can be: each protocol and kind with its keys, as the connectors and job kinds
/// declare them.
public struct Vocabulary: Sendable {
    /// The protocols of connections and warehouses.
    public let protocols: [(name: String, keys: [KeyShape])]
    /// The kinds of jobs.
    public let kinds: [(name: String, keys: [KeyShape])]
    /// Further sections of the file: `azure`.
    public let sections: [(name: String, shape: ObjectShape, summary: String)]
    /// What is wrong with the keys of a job taken together, by kind; called for jobs whose keys are right one by one.
    public let jobChecks: [String: @Sendable (Section) -> [Diagnostic]]
    /// The types of platforms.
    public let platforms: [(name: String, keys: [KeyShape])]
    /// Keys that every job may have, whatever its kind.
    public let jobKeys: [KeyShape]

    /// A vocabulary of `protocols` and `kinds`.
    public init(
        protocols: [(name: String, keys: [KeyShape])], kinds: [(name: String, keys: [KeyShape])],
        sections: [(name: String, shape: ObjectShape, summary: String)] = [],
        jobChecks: [String: @Sendable (Section) -> [Diagnostic]] = [:],
        platforms: [(name: String, keys: [KeyShape])] = [], jobKeys: [KeyShape] = []
    ) {
        self.platforms = platforms
        self.jobKeys = jobKeys
        self.protocols = protocols
        self.kinds = kinds
        self.sections = sections
        self.jobChecks = jobChecks
    }
}

/// What a project file is seen with, besides its own text.
public struct ProjectInputs: Sendable {
    /// The environment to see it as.
    public var environment: String?
    /// The folder that it lies in.
    public var folder: String
    /// The process's environment variables, `.env` laid under them.
    public var environmentVariables: [String: String]
    /// Variables from the command line.
    public var variables: [String: String]
    /// A file with values for variables, which those of the environment and the command line win over.
    public var variablesFile: VariablesFile?
    /// Whether an environment variable that is not set here is an error, or a warning since it is set elsewhere.
    public var unsetVariables = Diagnostic.Severity.error

    /// A file with a name and a value a line, as YAML or JSON.
    public struct VariablesFile: Sendable {
        /// What it is called in messages.
        public let name: String
        /// What it says.
        public let text: String

        /// The file called `name`.
        public init(name: String, text: String) {
            self.name = name
            self.text = text
        }
    }

    /// The inputs for a file in `folder`.
    public init(
        folder: String, environment: String? = nil, environmentVariables: [String: String] = [:],
        variables: [String: String] = [:]
    ) {
        self.folder = folder
        self.environment = environment
        self.environmentVariables = environmentVariables
        self.variables = variables
    }
}
