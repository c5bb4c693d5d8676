import Support

/// Holds a job's document against the rules of Container Apps, and fills in what the service does.
struct JobValidation {
    let id: ResourceID
    let call: ManagementCall
    let identities: ManagedIdentities

    /// The document as it is kept and the secrets as they are hidden.
    ///
    /// - parameter old: The secrets of before, for a patch that says nothing of them.
    func check(_ body: JSONText, keeping old: JSONText? = nil) async throws(ManagementFault) -> (JSONText, JSONText) {
        try checkName()
        guard body.at("location")?.text?.isEmpty == false else {
            throw .invalid("LocationRequired", "The location property is required for this definition.")
        }
        let job = JobDocument(document: body)
        try await checkEnvironment(job)
        try checkTrigger(job)
        let containers = (body.at("properties.template.containers")?.items ?? []).map(ContainerDocument.init)
        let secrets = try secrets(job, old)
        try check(containers, job, secrets)
        for container in (body.at("properties.template.initContainers")?.items ?? []).map(ContainerDocument.init) {
            try checkContainer(container, job, secrets)
        }
        try checkRegistries(job, secrets)
        return (filled(body, job), ["secrets": .array(secrets)])
    }

    // MARK: Rules

    private func invalid(_ code: String, _ message: String) -> ManagementFault { .invalid(code, message) }

    private func checkName() throws(ManagementFault) {
        let bytes = Array(id.name.utf8)
        func isLetter(_ byte: UInt8) -> Bool { UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte }
        func isPlain(_ byte: UInt8) -> Bool { isLetter(byte) || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
        guard (2...32).contains(bytes.count), isLetter(bytes[0]), isPlain(bytes[bytes.count - 1]),
            bytes.allSatisfy({ isPlain($0) || $0 == UInt8(ascii: "-") }), !id.name.contains("--")
        else {
            throw invalid(
                "ContainerAppJobInvalidName",
                "Invalid job name '\(id.name)'. A name must consist of lower case alphanumeric characters or '-', start with an alphabetic character, end with an alphanumeric character and cannot have '--'. The length must not be less than 2 or more than 32 characters."
            )
        }
    }

    private func checkEnvironment(_ job: JobDocument) async throws(ManagementFault) {
        guard let environment = job.environmentID else {
            throw invalid(
                "InvalidRequestParameterWithDetails",
                "EnvironmentId is invalid. Job's EnvironmentId is required and has to be the id of a managed environment."
            )
        }
        let found = try await call.stored { () async throws(SluiceError) in try await call.store.find(environment) }
        guard found != nil, environment.type.lowercased() == "microsoft.app/managedenvironments" else {
            throw invalid("ManagedEnvironmentNotFound", "The environment '\(environment)' could not be found.")
        }
    }

    private func checkTrigger(_ job: JobDocument) throws(ManagementFault) {
        let all = job.configuration
        guard let trigger = all.at("triggerType")?.text, ["manual", "schedule", "event"].contains(trigger.lowercased())
        else {
            throw invalid(
                "InvalidRequestParameterWithDetails",
                "Configuration.TriggerType is invalid. It is required, and one of Manual, Schedule, Event.")
        }
        try whole(all.at("replicaTimeout"), "Configuration.ReplicaTimeout", 1...604_800, isRequired: true)
        try whole(all.at("replicaRetryLimit"), "Configuration.ReplicaRetryLimit", 0...1000)
        let key =
            switch job.trigger {
            case .manual: "manualTriggerConfig"
            case .schedule: "scheduleTriggerConfig"
            case .event: "eventTriggerConfig"
            }
        for name in ["parallelism", "replicaCompletionCount"] {
            try whole(all.at("\(key).\(name)"), "Configuration.\(key).\(name)", 1...300)
        }
        switch job.trigger {
        case .manual: break
        case .schedule:
            guard let cron = job.cron else {
                throw invalid(
                    "InvalidRequestParameterWithDetails",
                    "Configuration.ScheduleTriggerConfig.CronExpression is required for a job of trigger type Schedule."
                )
            }
            do throws(SluiceError) { _ = try CronSchedule(cron) } catch {
                throw invalid("InvalidCronExpression", "CronExpression '\(cron)' is invalid: \(error.message)")
            }
        case .event:
            guard let scale = all.at("eventTriggerConfig.scale"), let rules = scale.at("rules")?.items, !rules.isEmpty
            else {
                throw invalid(
                    "InvalidRequestParameterWithDetails",
                    "Configuration.EventTriggerConfig.Scale.Rules is required for a job of trigger type Event.")
            }
            for rule in rules where rule.at("type")?.text?.lowercased() != "azure-queue" {
                throw invalid(
                    "NotPlayed",
                    "The emulator plays the scale rule azure-queue only, not '\(rule.at("type")?.text ?? "")'.")
            }
            try whole(scale.at("minExecutions"), "Scale.MinExecutions", 0...1000)
            try whole(scale.at("maxExecutions"), "Scale.MaxExecutions", 1...1000)
            try whole(scale.at("pollingInterval"), "Scale.PollingInterval", 1...86_400)
        }
    }

    private func whole(
        _ value: JSONText?, _ name: String, _ range: ClosedRange<Int>, isRequired: Bool = false
    ) throws(ManagementFault) {
        guard let value else {
            if isRequired { throw invalid("InvalidRequestParameterWithDetails", "\(name) is required.") }
            return
        }
        guard let number = value.integer, range.contains(number) else {
            throw invalid(
                "InvalidRequestParameterWithDetails",
                "\(name) is invalid: \(value.text()). It has to be a whole number from \(range.lowerBound) to \(range.upperBound)."
            )
        }
    }

    private func secrets(_ job: JobDocument, _ old: JSONText?) throws(ManagementFault) -> [JSONText] {
        guard let items = job.configuration.at("secrets")?.items else { return old?.at("secrets")?.items ?? [] }
        var names: Set<String> = []
        for item in items {
            let name = item.at("name")?.text ?? ""
            guard !name.isEmpty, names.insert(name).inserted else {
                throw invalid("ContainerAppSecretInvalid", "Secret names are required, and have to differ: '\(name)'.")
            }
            let isKept = item.at("keyVaultUrl")?.text != nil && item.at("identity")?.text != nil
            guard item.at("value")?.text?.isEmpty == false || isKept else {
                throw invalid(
                    "ContainerAppSecretInvalid",
                    "Invalid Request: Container app secret(s) with name(s) '\(name)' are invalid: value or keyVaultUrl and identity should be provided."
                )
            }
            if let identity = item.at("identity")?.text, isKept { try checkIdentity(identity, job, "secret '\(name)'") }
        }
        return items
    }

    private func checkIdentity(_ identity: String, _ job: JobDocument, _ what: String) throws(ManagementFault) {
        guard job.has(identity: identity) else {
            throw invalid(
                "IdentityNotAssigned",
                "The identity '\(identity)' that \(what) names is not assigned to the job.")
        }
    }

    private func checkRegistries(_ job: JobDocument, _ secrets: [JSONText]) throws(ManagementFault) {
        for registry in job.configuration.at("registries")?.items ?? [] {
            let server = registry.at("server")?.text ?? ""
            if let identity = registry.at("identity")?.text, !identity.isEmpty {
                try checkIdentity(identity, job, "registry '\(server)'")
            } else {
                try checkReference(registry.at("passwordSecretRef")?.text ?? "", "registry", server, secrets)
            }
        }
    }

    private func checkReference(
        _ name: String, _ what: String, _ owner: String, _ secrets: [JSONText]
    ) throws(ManagementFault) {
        guard secrets.contains(where: { $0.at("name")?.text == name }) else {
            throw invalid(
                "ContainerAppSecretRefNotFound", "SecretRef '\(name)' defined for \(what) '\(owner)' not found.")
        }
    }

    private func check(
        _ containers: [ContainerDocument], _ job: JobDocument, _ secrets: [JSONText]
    ) throws(ManagementFault) {
        guard !containers.isEmpty else {
            throw invalid(
                "ContainerAppContainersRequired", "Template.Containers is required: a job has at least one container.")
        }
        for container in containers { try checkContainer(container, job, secrets) }
        let names = containers.map(\.name)
        guard Set(names).count == names.count else {
            throw invalid("ContainerAppDuplicateContainerName", "The names of containers have to differ: \(names).")
        }
        let given = containers.filter { $0.document.at("resources") != nil }
        guard !given.isEmpty else { return }
        let cpu = given.reduce(0) { $0 + ($1.cpu ?? 0) }
        let memory = given.reduce(0) { $0 + ($1.memory ?? 0) }
        guard JobDocument.sizes.contains(where: { abs($0.cpu - cpu) < 0.001 && abs($0.memory - memory) < 0.001 }) else {
            let list = JobDocument.sizes.map { "[cpu: \($0.cpu), memory: \($0.memory)Gi]" }.joined(separator: "; ")
            throw invalid(
                "ContainerAppInvalidResourceTotal",
                "The total requested CPU and memory resources for this application (CPU: \(cpu), memory: \(memory)) is invalid. Total CPU and memory for all containers defined in a Container App must add up to one of the following CPU - Memory combinations: \(list)"
            )
        }
    }

    private func checkContainer(
        _ container: ContainerDocument, _ job: JobDocument, _ secrets: [JSONText]
    ) throws(ManagementFault) {
        guard !container.name.isEmpty, !container.image.isEmpty else {
            throw invalid(
                "InvalidRequestParameterWithDetails",
                "Template.Containers is invalid: the name and the image of a container are required.")
        }
        let isName = container.name.utf8.allSatisfy {
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
                || $0 == UInt8(ascii: "-")
        }
        guard isName, container.name.utf8.count <= 63 else {
            throw invalid(
                "ContainerAppInvalidContainerName",
                "Invalid container name '\(container.name)': lower case alphanumeric characters or '-', at most 63.")
        }
        for variable in container.environment {
            guard let name = variable.at("name")?.text, !name.isEmpty, !name.contains("=") else {
                throw invalid(
                    "ContainerAppInvalidEnvVarName", "Env variable of container '\(container.name)' has no name.")
            }
            if let secret = variable.at("secretRef")?.text {
                try checkReference(secret, "container", container.name, secrets)
            }
        }
        let volumes = job.document.at("properties.template.volumes")?.items ?? []
        for volume in volumes
        where !["emptydir", "secret"].contains(volume.at("storageType")?.text?.lowercased() ?? "emptydir") {
            throw invalid(
                "NotPlayed",
                "The emulator plays volumes of storageType EmptyDir and Secret, not '\(volume.at("storageType")?.text ?? "")'."
            )
        }
        for mount in container.mounts {
            guard let name = mount.at("volumeName")?.text, let path = mount.at("mountPath")?.text,
                path.hasPrefix("/"), path.utf8.count > 1, RootFolder.parts(path) != nil,
                volumes.contains(where: { $0.at("name")?.text == name })
            else {
                throw invalid(
                    "ContainerAppVolumeMountInvalid",
                    "A volume mount of container '\(container.name)' names no volume of the template, or no path.")
            }
        }
    }

    // MARK: What the service adds

    private func filled(_ body: JSONText, _ job: JobDocument) -> JSONText {
        var document = body
        let (names, all) = (
            [
                "secrets", "triggerType", "replicaTimeout", "replicaRetryLimit", "manualTriggerConfig",
                "scheduleTriggerConfig", "eventTriggerConfig", "registries", "identitySettings", "dapr",
            ],
            job.configuration
        )
        var configuration = JSONText.object(names.map { ($0, all.at($0) ?? .null) })
        for (key, value) in all.members ?? [] where !names.contains(where: { $0.lowercased() == key.lowercased() }) {
            configuration = configuration.setting(key, value)
        }
        let word = ["Manual", "Schedule", "Event"][job.trigger == .manual ? 0 : job.trigger == .schedule ? 1 : 2]
        configuration = configuration.setting("triggerType", .string(word))
        if all.at("identitySettings") == nil { configuration = configuration.setting("identitySettings", .array([])) }
        if all.at("replicaRetryLimit") == nil { configuration = configuration.setting("replicaRetryLimit", 0) }
        let shown = (all.at("secrets")?.items ?? []).map { secret in
            JSONText.members([
                "name": secret.at("name"), "keyVaultUrl": secret.at("keyVaultUrl"), "identity": secret.at("identity"),
            ])
        }
        configuration = configuration.setting("secrets", shown.isEmpty ? .null : .array(shown))
        document = document.setting("properties.configuration", configuration)
        for key in ["containers", "initContainers"] {
            guard let items = body.at("properties.template.\(key)")?.items else { continue }
            document = document.setting("properties.template.\(key)", .array(items.map(Self.filled)))
        }
        document = document.setting("properties.runningStatus", "Ready")
        if job.document.at("properties.workloadProfileName") == nil {
            document = document.setting("properties.workloadProfileName", "Consumption")
        }
        let region = call.region(body)
        document = document.setting(
            "properties.eventStreamEndpoint",
            .string(
                "\(ContainerAppsHost.base(call.request, region))/subscriptions/\(id.subscription)/resourceGroups/\(id.group ?? "")/containerApps/\(id.name)/eventstream"
            ))
        return document.setting("identity", identity(job))
    }

    /// A container as answers have it.
    static func filled(_ container: JSONText) -> JSONText {
        var all = container
        if all.at("imageType") == nil { all = all.setting("imageType", "ContainerImage") }
        let cpu = ContainerDocument(document: container).cpu ?? 0.5
        if all.at("resources.cpu") == nil { all = all.setting("resources.cpu", .real(0.5)) }
        if all.at("resources.memory") == nil { all = all.setting("resources.memory", "1Gi") }
        let storage = cpu <= 0.25 ? "1Gi" : cpu <= 0.5 ? "2Gi" : cpu <= 1 ? "4Gi" : "8Gi"
        return all.setting("resources.ephemeralStorage", .string(storage))
    }

    private func identity(_ job: JobDocument) -> JSONText {
        guard job.hasIdentity else { return ["type": "None"] }
        var identity = job.document.at("identity") ?? .object([])
        for name in job.identities {
            guard case .one(let known) = identities.choose(client: nil, object: nil, resource: name) else { continue }
            let value: JSONText = ["principalId": .string(known.object), "clientId": .string(known.client)]
            var members = identity.at("userAssignedIdentities")?.members ?? []
            if let place = members.firstIndex(where: { $0.key == name }) { members[place].value = value }
            identity = identity.setting("userAssignedIdentities", .object(members))
        }
        if job.hasSystemIdentity {
            identity = identity.setting("principalId", .string(Directory.objectID(of: id.key)))
            identity = identity.setting("tenantId", .string(EmulatorOptions.defaultTenant))
        }
        return identity
    }
}

/// Where logs are streamed from: a host of the region, or this machine's own address.
enum ContainerAppsHost {
    static func base(_ request: EmulatedRequest, _ region: String) -> String {
        request.isPathStyle ? request.baseURL : "https://\(region).azurecontainerapps.dev"
    }
}
