public import Settings
public import Support

/// What may be written of a job's deployment.
public enum DeploymentKeys {
    /// The keys that every job may have.
    public static let jobKeys = [
        KeyShape("platform", .text, "Where it runs: one of the platforms, or local", standard: "the project's"),
        KeyShape("deploy", .object(shape), "What it needs where it is deployed"),
    ]

    /// `deploy:`
    public static let shape = ObjectShape(
        "deployment",
        keys: [
            KeyShape("name", .text, "What the platform is to call it, instead of the name by the rule"),
            KeyShape("image", .text, "The image to run from: registry/repository:tag", standard: "the platform's"),
            KeyShape(
                "size", .choice(["small", "medium", "large"]),
                "Processors and memory: 0.25 and 0.5 GiB, 0.5 and 1 GiB, 1 and 2 GiB", standard: "small"),
            KeyShape("cpu", .decimal(0...64), "Processors, instead of a size: 0.75"),
            KeyShape("memory", .size, "Memory, instead of a size: 1.5GiB"),
            KeyShape("timeout", .duration, "How long a run may take", standard: "30m"),
            KeyShape(
                "retries", .integer(0...10), "How often the platform tries a run that failed again", standard: "0"),
            KeyShape("parallelism", .integer(1...100), "How many copies run at the same time", standard: "1"),
            KeyShape(
                "completions", .integer(1...100), "How many copies have to succeed", standard: "what parallelism is"),
            KeyShape(
                "inputs_per_task", .integer(1...10_000),
                "How many files a task takes, where a run is divided into tasks", standard: "1"),
            KeyShape("schedule", .text, "When it is started: five fields of cron, in UTC"),
            KeyShape("event", .object(event), "What has to wait so that it is started"),
            KeyShape("env", .map(.text, of: "texts"), "Variables; one that is a ${secret.…} stays in Key Vault"),
            KeyShape("secrets", .map(.text, of: "texts"), "Variables from Key Vault: NAME: secret, or vault/secret"),
            KeyShape("tags", .map(.text, of: "texts"), "Tags, beside those of the platform"),
            KeyShape("purpose", .text, "What it is for, in a word of its name", standard: "the job's name"),
            KeyShape("category", .text, "What it belongs to: database, infrastructure, data"),
        ])

    private static let event = ObjectShape(
        "event",
        keys: [
            KeyShape("type", .text, "The kind of scaler: azure-queue", required: true),
            KeyShape("metadata", .map(.text, of: "texts"), "The scaler's settings"),
            KeyShape("secrets", .map(.text, of: "texts"), "What it signs in with, instead of the job's identity"),
            KeyShape("min", .integer(0...1000), "How many runs there are at least", standard: "0"),
            KeyShape("max", .integer(1...1000), "How many runs there are at most", standard: "10"),
            KeyShape("interval", .duration, "How often it is looked", standard: "30s"),
        ])

    /// What is wrong with the keys of a job's deployment taken together.
    public static func check(_ job: Section) -> [Diagnostic] {
        guard let section = job.section("deploy") else { return [] }
        var problems: [Diagnostic] = []
        func tell(_ key: String, _ message: String, _ hint: String) {
            problems.append(
                Diagnostic(.error, message, at: section.mark(key), path: "\(section.path).\(key)", hint: hint))
        }
        if section.has("size"), section.has("cpu") || section.has("memory") {
            tell("size", "a size says what cpu and memory say", "write the one or the other")
        }
        if section.has("cpu") != section.has("memory") {
            let (is_, isNot) = section.has("cpu") ? ("cpu", "memory") : ("memory", "cpu")
            tell(is_, "\(is_) is given without \(isNot)", "write both, or a size")
        }
        if section.has("schedule"), section.has("event") {
            tell("event", "a job is started by a clock or by events", "write schedule or event")
        }
        if let text = section.text("schedule"), let problem = CronFields.problem(text) {
            tell("schedule", "the schedule \"\(text)\" \(problem)", CronFields.hint)
        }
        if let event = section.section("event"), let most = event.integer("max"), (event.integer("min") ?? 0) > most {
            tell("event", "there are to be more runs at least than at most", "min is no more than max")
        }
        return problems
    }
}

extension DeploymentNeeds {
    /// What a section that passed the check says.
    public init(_ section: Section?) throws(SluiceError) {
        self.init()
        guard let section else { return }
        name = section.text("name")
        image = section.text("image")
        resources = section.text("size").flatMap(RunResources.named)
        if let cpu = section.text("cpu").flatMap(Double.init), let memory = section.size("memory") {
            resources = RunResources(millicores: Int((cpu * 1000).rounded()), memory: memory)
        }
        timeout = section.duration("timeout")
        retries = section.integer("retries") ?? 0
        parallelism = section.integer("parallelism") ?? 1
        completions = section.integer("completions") ?? parallelism
        inputsPerTask = section.integer("inputs_per_task") ?? 1
        if let cron = section.text("schedule") {
            trigger = .schedule(cron.split(separator: " ").joined(separator: " "))
        } else if let event = section.section("event") {
            var made = EventTrigger(
                type: event.text("type") ?? "", metadata: event.section("metadata")?.textsByName ?? [:])
            made.secrets = try DeploymentNeeds.secrets(event.section("secrets"))
            made.least = event.integer("min") ?? made.least
            made.most = event.integer("max") ?? made.most
            made.interval = event.duration("interval") ?? made.interval
            trigger = .event(made)
        }
        secrets = try DeploymentNeeds.secrets(section.section("secrets"))
        for entry in section.section("env")?.node.entries ?? [] {
            guard let scalar = entry.value.scalar else { continue }
            if let text = scalar.literal {
                environment[entry.key] = text
            } else {
                secrets[entry.key] = try DeploymentNeeds.secret(scalar, "env.\(entry.key)")
            }
        }
        tags = section.section("tags")?.textsByName ?? [:]
        purpose = section.text("purpose")
        category = section.text("category")
    }

    private static func secrets(_ section: Section?) throws(SluiceError) -> [String: SecretReference] {
        var secrets: [String: SecretReference] = [:]
        for entry in section?.node.entries ?? [] {
            guard let scalar = entry.value.scalar else { continue }
            if let text = scalar.literal {
                let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
                guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }) else {
                    throw SluiceError(
                        .invalidConfiguration, "\"\(text)\" is no secret of Key Vault",
                        hint: "write its name, or vault/name")
                }
                secrets[entry.key] = SecretReference(
                    vault: parts.count > 1 ? parts[0] : nil, name: parts[parts.count - 1])
            } else {
                secrets[entry.key] = try secret(scalar, "secrets.\(entry.key)")
            }
        }
        return secrets
    }

    /// The one secret that a word is: a platform hands over secrets whole.
    private static func secret(_ scalar: Scalar, _ path: String) throws(SluiceError) -> SecretReference {
        if scalar.parts.count == 1, let secret = scalar.secrets.first { return secret }
        throw SluiceError(
            .invalidConfiguration, "deploy.\(path) is \"\(scalar)\": more than a secret",
            hint: "platforms hand over secrets whole: keep the whole text in Key Vault, and write ${secret.name}")
    }
}
