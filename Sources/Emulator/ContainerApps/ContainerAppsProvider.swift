import HTTPServer
import Support

/// `Microsoft.App`: environments, and jobs that really run.
struct ContainerAppsProvider: ResourceProvider {
    let runner: JobRunner
    let clock: JobClock
    let store: ResourceStore
    let issuer: TokenIssuer
    let directory: Directory

    let namespace = "Microsoft.App"
    static let stable = ["2024-03-01", "2025-01-01", "2025-07-01", "2026-01-01", "2026-07-01"]
    static let previews = ["2023-11-02-preview", "2024-10-02-preview"]
    /// Versions that tell exit codes.
    private static let detailed = ["2026-07-01", "2024-10-02-preview"]
    let types = [
        ResourceType("managedEnvironments", versions: stable + previews, actions: ["getAuthToken"]),
        ResourceType(
            "jobs", versions: stable + previews,
            actions: ["start", "stop", "listSecrets", "getAuthToken", "suspend", "resume"]),
        ResourceType("jobs/executions", versions: stable + previews, actions: ["stop"]),
        ResourceType("jobs/executions/replicas", versions: previews),
    ]

    func close() async {
        clock.stop()
        await runner.close()
    }

    func administer(_ request: ServerRequest) async throws(SluiceError) -> ServerResponse? {
        switch (request.method, request.path) {
        case ("POST", "/_sluice/clock"):
            let body = try JSONText.parse(try await request.collect())
            guard let now = body["now"]?.text.flatMap({ Moment(iso: $0) }) else {
                throw SluiceError(.usage, "the clock needs \"now\", a time such as 2026-11-21T02:00:00Z")
            }
            return .json(["started": .array(try await clock.tick(now).map { .string($0) })])
        case ("POST", "/_sluice/forget"):
            let body = try JSONText.parse(try await request.collect())
            guard let name = body["execution"]?.text else {
                throw SluiceError(.usage, "what is to be forgotten has to be named: {\"execution\": \"NAME\"}")
            }
            let all = try await store.list("microsoft.app/jobs/executions").filter { $0.id.name == name }
            for execution in all { try await store.remove(execution.id) }
            return .json(["forgotten": .number(all.count)])
        default: return nil
        }
    }

    func respond(to call: ManagementCall) async throws(ManagementFault) -> ServerResponse {
        switch call.type {
        case "managedenvironments": return try await EnvironmentCall(call: call, issuer: issuer).answer()
        case "jobs": return try await job(call)
        case "jobs/executions": return try await execution(call)
        default: return try await replicas(call)
        }
    }

    private static func refused(_ call: ManagementCall) -> ManagementFault {
        ManagementFault(
            405, "MethodNotAllowed", "The requested resource does not support http method '\(call.method)'.")
    }

    // MARK: Jobs

    private func job(_ call: ManagementCall) async throws(ManagementFault) -> ServerResponse {
        switch (call.method, call.action) {
        case ("GET", nil):
            guard call.isCollection else { return .json(shown(try await call.found(), call)) }
            let all = try await call.stored { () async throws(SluiceError) in
                try await store.list("microsoft.app/jobs", subscription: call.id.subscription, group: call.id.group)
            }
            return try call.page(all.map { shown($0, call) })
        case ("PUT", nil) where !call.isCollection:
            let body = try await call.body()
            let old = try await call.stored { () async throws(SluiceError) in try await store.find(call.id) }
            if let old { try checkIdle(old, call) }
            let validation = JobValidation(
                id: call.id, call: call, identities: ManagedIdentities(directory: directory))
            let (document, hidden) = try await validation.check(body)
            return try await call.put(
                document, hidden: hidden, over: old, operation: "containerappsjobOperationStatuses")
        case ("PATCH", nil) where !call.isCollection:
            let old = try await call.found()
            try checkIdle(old, call)
            let changed = old.document.merged(try await call.body())
            // Secrets are shown without their values, so that only those in the patch itself are new.
            let patch = changed.at("properties.configuration.secrets")?.items ?? []
            let isSame =
                patch.allSatisfy { $0.at("value") == nil && $0.at("keyVaultUrl") == nil }
                || changed.at(
                    "properties.configuration.secrets") == old.document.at("properties.configuration.secrets")
            let validation = JobValidation(
                id: call.id, call: call, identities: ManagedIdentities(directory: directory))
            let (document, hidden) = try await validation.check(
                isSame ? changed.setting("properties.configuration.secrets", nil) : changed, keeping: old.hidden)
            let secrets = document.setting(
                "properties.configuration.secrets",
                isSame
                    ? old.document.at("properties.configuration.secrets") ?? .null
                    : document.at("properties.configuration.secrets") ?? .null)
            return try await call.patch(
                old, secrets, hidden: hidden, operation: "containerappsjobOperationResults")
        case ("DELETE", nil) where !call.isCollection:
            runner.stopAll(of: call.id)
            return try await call.delete(operation: "containerappsjobOperationResults")
        case ("POST", "start"): return try await start(call)
        case ("POST", "stop"): return try await stop(call)
        case ("POST", "listsecrets"):
            return .json(["value": .array(try await call.found().hidden.at("secrets")?.items ?? [])])
        case ("POST", "getauthtoken"): return try await token(call)
        case ("POST", "suspend"), ("POST", "resume"): return try await suspend(call)
        default: throw Self.refused(call)
        }
    }

    /// A job as the version shows it that the caller means.
    private func shown(_ job: Resource, _ call: ManagementCall) -> JSONText {
        var shown = job.shown(at: call.now)
        guard call.version == "2026-07-01" else { return shown.setting("properties.runningState", nil) }
        if shown.at("properties.runningState") == nil { shown = shown.setting("properties.runningState", "Ready") }
        return shown
    }

    private func checkIdle(_ job: Resource, _ call: ManagementCall) throws(ManagementFault) {
        guard job.isBusy(at: call.now) else { return }
        throw ManagementFault(
            409, "ContainerAppOperationInProgress",
            "Cannot modify the job '\(job.id.name)' because there is an operation in progress. Try again later.")
    }

    private func start(_ call: ManagementCall) async throws(ManagementFault) -> ServerResponse {
        let job = try await call.found()
        try checkIdle(job, call)
        if JobDocument(document: job.document).isSuspended {
            throw ManagementFault(409, "JobSuspended", "The job '\(job.id.name)' is suspended. Resume it first.")
        }
        let body = try await call.optionalBody()
        var override: JSONText?
        if body.at("containers") != nil {
            for container in (body.at("containers")?.items ?? []).map(ContainerDocument.init) {
                guard !container.name.isEmpty, !container.image.isEmpty else {
                    throw .invalid(
                        "InvalidRequestParameterWithDetails",
                        "Containers is invalid: the name and the image of a container are required.")
                }
            }
            override = body
        }
        let template = override
        let execution = try await call.stored { () async throws(SluiceError) in
            try await runner.start(job, override: template, facts: try await JobClock.facts(of: job, store))
        }
        return .json(["id": .string(execution.id.description), "name": .string(execution.id.name)])
    }

    private func stop(_ call: ManagementCall) async throws(ManagementFault) -> ServerResponse {
        let job = try await call.found()
        if let name = call.argument {
            let id = job.id.child("executions", name)
            _ = try await call.found(id)
            runner.stop(id)
            return ServerResponse(200)
        }
        let all = try await call.stored { () async throws(SluiceError) in
            try await store.list("microsoft.app/jobs/executions", parent: job.id, isNewestFirst: true)
        }
        let going = all.filter { $0.document.at("properties.status")?.text == "Running" }
        runner.stopAll(of: job.id)
        return .json(["value": .array(going.map { execution($0, call) })])
    }

    private func suspend(_ call: ManagementCall) async throws(ManagementFault) -> ServerResponse {
        guard call.version == "2026-07-01" else {
            throw ManagementFault(
                404, "NotFound", "The action '\(call.action ?? "")' is not known to api-version '\(call.version)'.")
        }
        let job = try await call.found()
        try checkIdle(job, call)
        let word = call.action == "suspend" ? "Suspended" : "Ready"
        let ready = call.now.later(call.switches.now.operation)
        _ = try await call.stored { () async throws(SluiceError) in
            try await store.update(job.id) { resource in
                resource.document = resource.document.setting("properties.runningState", .string(word))
                return true
            }
        }
        return try await call.accepted(
            "containerappsjobOperationResults", ends: ready, .resource(job.id), region: call.region(job.document))
    }

    private func token(_ call: ManagementCall) async throws(ManagementFault) -> ServerResponse {
        guard Self.previews.contains(call.version) else {
            throw ManagementFault(
                404, "NotFound",
                "The action 'getAuthToken' is not known to api-version '\(call.version)'; it is to \(Self.previews.joined(separator: ", "))."
            )
        }
        let job = try await call.found()
        return .json(try ContainerLogService.token(for: job, type: "Microsoft.App/jobs/accesstoken", issuer, call))
    }

    // MARK: Executions

    private func execution(_ call: ManagementCall) async throws(ManagementFault) -> ServerResponse {
        try await call.checkParent()
        switch (call.method, call.action) {
        case ("GET", nil):
            guard call.isCollection else { return .json(execution(try await call.found(), call)) }
            guard let job = call.id.parent else { throw Self.refused(call) }
            let all = try await call.stored { () async throws(SluiceError) in
                try await store.list("microsoft.app/jobs/executions", parent: job, isNewestFirst: true)
            }
            return try call.page(all.map { execution($0, call) })
        case ("POST", "stop"):
            runner.stop(try await call.found().id)
            return ServerResponse(200)
        default: throw Self.refused(call)
        }
    }

    /// An execution as the version shows it that the caller means.
    private func execution(_ resource: Resource, _ call: ManagementCall) -> JSONText {
        var properties = resource.document.at("properties") ?? .object([])
        if Self.detailed.contains(call.version) {
            let live = runner.run(resource.id)?.replicasJSON
            let replicas = (live ?? resource.hidden.at("replicas"))?.items ?? []
            let shown = replicas.map { replica -> JSONText in
                let containers = (replica.at("containers")?.items ?? []).filter { $0.at("isInit")?.flag != true }
                return [
                    "name": replica.at("name") ?? .null,
                    "containers": .array(containers.map { $0.setting("isInit", nil) }),
                ]
            }
            properties = properties.setting("detailedStatus", ["replicas": .array(shown)])
            if call.version == "2026-07-01" {
                for key in ["reason", "message"] {
                    if let value = resource.hidden.at(key) { properties = properties.setting(key, value) }
                }
            }
        }
        return [
            "id": .string(resource.id.description), "name": .string(resource.id.name),
            "type": .string(resource.id.type), "properties": properties,
        ]
    }

    private func replicas(_ call: ManagementCall) async throws(ManagementFault) -> ServerResponse {
        guard call.method == "GET", call.isCollection, let id = call.id.parent else { throw Self.refused(call) }
        let execution = try await call.found(id)
        guard let job = id.parent, let run = runner.run(id) else { return .json(["value": .array([])]) }
        let found = try await call.found(job)
        let base = ContainerAppsHost.base(call.request, call.region(found.document))
        let path =
            "/subscriptions/\(id.subscription)/resourceGroups/\(id.group ?? "")/jobs/\(job.name)/executions/\(execution.id.name)"
        let all = run.replicas.map { replica -> JSONText in
            func shown(_ container: ExecutionRun.Container) -> JSONText {
                let isOn = container.status == "Running"
                let exec = base.replacing("https://", with: "wss://").replacing("http://", with: "ws://")
                return [
                    "name": .string(container.name), "ready": .bool(isOn), "started": .bool(isOn), "restartCount": 0,
                    "runningState": .string(container.status),
                    "runningStateDetails": .string(container.information),
                    "logStreamEndpoint": .string(
                        "\(base)\(path)/replicas/\(replica.name)/containers/\(container.name)/logstream"),
                    "execEndpoint": .string(
                        "\(exec)/subscriptions/\(id.subscription)/resourceGroups/\(id.group ?? "")/containerApps/\(job.name)/revisions/\(job.name)/replicas/\(replica.name)/containers/\(container.name)/exec"
                    ),
                ]
            }
            let isRunning = replica.containers.contains { $0.status == "Running" }
            return [
                "id": .string("\(id)/replicas/\(replica.name)"), "name": .string(replica.name),
                "type": "Microsoft.App/containerapps/revisions/replicas",
                "properties": [
                    "createdTime": .string(replica.created.isoSeconds),
                    "runningState": isRunning ? "Running" : "NotRunning", "runningStateDetails": "",
                    "containers": .array(replica.containers.filter { !$0.isInit }.map(shown)),
                    "initContainers": .array(replica.containers.filter(\.isInit).map(shown)),
                ],
            ]
        }
        return .json(["value": .array(all)])
    }
}
