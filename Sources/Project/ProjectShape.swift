public import Settings

extension Vocabulary {
    /// What may be written in a `sluice.yaml`.
    public var projectShape: ObjectShape {
        ObjectShape(
            "project file",
            keys: commonKeys + [
                KeyShape("project", .text, "The project's name", required: true),
                KeyShape(
                    "environments", .map(.object(environmentShape), of: "environments"),
                    "Values laid over the file by --environment NAME: mappings merge, everything else is replaced"),
            ])
    }

    private var commonKeys: [KeyShape] {
        [
            KeyShape("lake", .text, "Where staged files lie: a folder or a store's URL", standard: "./lake"),
            KeyShape(
                "warehouse", .textOr(connectionShape),
                "The database that rows end in: a URL, a mapping, or a connection's name",
                standard: "sqlite:./warehouse.db"),
            KeyShape(
                "variables", .map(.textOr(VariableType.shape), of: "values"),
                "Values for ${var.name}: a default, or a mapping that says more"),
            KeyShape("connections", .map(.textOr(connectionShape), of: "connections"), "Sources by name"),
            KeyShape("jobs", .map(.object(jobShape), of: "jobs"), "What there is to run"),
        ] + platformKeys + sections.map { KeyShape($0.name, .object($0.shape), $0.summary) }
    }

    /// Where jobs run, when there is more than this machine.
    private var platformKeys: [KeyShape] {
        guard !platforms.isEmpty else { return [] }
        return [
            KeyShape(
                "platforms", .map(.object(platformShape), of: "platforms"), "Places where jobs may run, by name"),
            KeyShape(
                "platform", .text, "Where jobs run that do not say: one of the platforms, or local", standard: "local"),
        ]
    }

    /// A platform, setting by setting.
    public var platformShape: ObjectShape {
        ObjectShape(
            "platform", keys: [], variants: .init(by: "type", summary: "What kind of place it is", cases: platforms))
    }

    /// A connection or warehouse, setting by setting.
    public var connectionShape: ObjectShape {
        ObjectShape(
            "connection", keys: [],
            variants: .init(by: "protocol", summary: "What kind of source it is", cases: protocols))
    }

    /// A job.
    public var jobShape: ObjectShape {
        ObjectShape(
            "job",
            keys: [
                KeyShape("description", .text, "What the job is for"),
                KeyShape(
                    "after", .list(.reference(to: "jobs")), "Jobs that must have succeeded before this one starts"),
                KeyShape("retry", .object(Vocabulary.retryShape), "Whether a run that failed is tried again"),
            ] + jobKeys, variants: .init(by: "kind", summary: "What kind of work it is", cases: kinds))
    }

    /// How a job is tried again.
    private static let retryShape = ObjectShape(
        "retry",
        keys: [
            KeyShape("attempts", .integer(1...100), "How often it is tried in all", standard: "3"),
            KeyShape("delay", .duration, "How long to wait before it is tried again", standard: "10s"),
            KeyShape("factor", .decimal(1...100), "How much longer to wait each time", standard: "2"),
            KeyShape("max_delay", .duration, "How long to wait at most", standard: "10m"),
            KeyShape(
                "on", .choice(["transient", "failed"]),
                "After which failures: what may pass by itself, or whatever it was", standard: "transient"),
        ])

    /// What an environment may lay over the file: the same keys, of which each may be given in part.
    private var environmentShape: ObjectShape {
        ObjectShape("environment", keys: commonKeys.map(\.partial))
    }
}

extension KeyShape {
    /// The same key where its value is laid over another, so that nothing inside is required.
    fileprivate var partial: KeyShape {
        KeyShape(name, shape.partial, summary, required: false, standard: standard, otherNames: otherNames)
    }
}

extension Shape {
    fileprivate var partial: Shape {
        switch self {
        case .object(let object): .object(object.partial)
        case .textOr(let object): .textOr(object.partial)
        case .map(let value, let noun): .map(value.partial, of: noun)
        default: self
        }
    }
}

extension ObjectShape {
    /// Any variant's keys at once, none required: the variant may be decided by what lies below.
    fileprivate var partial: ObjectShape {
        var all = keys.map(\.partial)
        if let variants {
            all.append(KeyShape(variants.key, .choice(variants.cases.map(\.name)), variants.summary))
            for key in variants.cases.flatMap(\.keys) where !all.contains(where: { $0.name == key.name }) {
                all.append(key.partial)
            }
        }
        return ObjectShape(title, keys: all)
    }
}
