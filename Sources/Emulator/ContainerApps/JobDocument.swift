import Support

/// What a job's document says, as far as running it needs that.
struct JobDocument: Sendable {
    let document: JSONText

    enum Trigger: Sendable, Equatable {
        case manual
        case schedule
        case event
    }

    /// The pairs of CPU and memory that can be had: a quarter of a core and half a gibibyte, up to sixteen times that.
    static let sizes = (1...16).map { (cpu: Double($0) / 4, memory: Double($0) / 2) }

    var configuration: JSONText { document.at("properties.configuration") ?? .object([]) }

    var trigger: Trigger {
        switch configuration.at("triggerType")?.text?.lowercased() {
        case "schedule": .schedule
        case "event": .event
        default: .manual
        }
    }

    /// Of a run: how many replicas at once, and how many have to succeed.
    var counts: (parallelism: Int, completions: Int) {
        let key =
            switch trigger {
            case .manual: "manualTriggerConfig"
            case .schedule: "scheduleTriggerConfig"
            case .event: "eventTriggerConfig"
            }
        return (
            configuration.at("\(key).parallelism")?.integer ?? 1,
            configuration.at("\(key).replicaCompletionCount")?.integer ?? 1
        )
    }

    var timeout: Int { configuration.at("replicaTimeout")?.integer ?? 1800 }
    var retries: Int { configuration.at("replicaRetryLimit")?.integer ?? 0 }
    var cron: String? { configuration.at("scheduleTriggerConfig.cronExpression")?.text }
    var environmentID: ResourceID? {
        (document.at("properties.environmentId") ?? document.at("properties.managedEnvironmentId"))?.text
            .flatMap { ResourceID($0) }
    }
    var isSuspended: Bool { document.at("properties.runningState")?.text == "Suspended" }

    /// The identities that are attached, as they are written.
    var identities: [String] { (document.at("identity.userAssignedIdentities")?.members ?? []).map(\.key) }
    var hasSystemIdentity: Bool { document.at("identity.type")?.text?.lowercased().contains("systemassigned") == true }
    var hasIdentity: Bool { hasSystemIdentity || !identities.isEmpty }

    /// Whether an identity that something names is attached.
    func has(identity: String) -> Bool {
        if identity.lowercased() == "system" { return hasSystemIdentity }
        return identities.contains { $0.lowercased() == identity.lowercased() }
    }
}

/// A container of a template.
struct ContainerDocument: Sendable {
    let document: JSONText

    var name: String { document.at("name")?.text ?? "" }
    var image: String { document.at("image")?.text ?? "" }
    /// What takes the place of the image's entry point; nil to keep it.
    var command: [String]? { texts("command") }
    /// What takes the place of the image's command; nil to keep it.
    var arguments: [String]? { texts("args") }
    var cpu: Double? { document.at("resources.cpu")?.decimal }
    /// Memory in gibibytes.
    var memory: Double? { document.at("resources.memory")?.text.flatMap { ContainerDocument.gibibytes($0) } }
    var environment: [JSONText] { document.at("env")?.items ?? [] }
    var mounts: [JSONText] { document.at("volumeMounts")?.items ?? [] }

    private func texts(_ key: String) -> [String]? {
        guard let items = document.at(key)?.items, !items.isEmpty else { return nil }
        return items.compactMap(\.text)
    }

    /// `0.5Gi`, `512Mi`
    static func gibibytes(_ text: String) -> Double? {
        for (unit, factor) in [("Gi", 1.0), ("Mi", 1.0 / 1024)] where text.hasSuffix(unit) {
            guard let number = Double(text.dropLast(2)), number.isFinite, number > 0 else { return nil }
            return number * factor
        }
        return nil
    }
}
