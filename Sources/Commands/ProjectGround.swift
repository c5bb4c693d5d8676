import Azure
import Connectors
import Emulator
import Platforms
import Project
import Settings
import Sluice
import Stores
import Support

/// What a project stands on in Azure, as one or several of its environments see it.
struct ProjectGround {
    /// What has to be there, in the order in which it is told.
    private(set) var things: [EmulatedGround] = []
    /// The storage accounts that the project speaks to as to lakes.
    private(set) var hierarchical: [String] = []
    /// The subscription that stands in where nobody names one; nil where all is named.
    private(set) var subscription: String?
    /// What could not be found out, and why.
    private(set) var notes: [String] = []
    private var failures: [String: SluiceError] = [:]
    private var settled: Set<String> = []
    /// Secrets, with the variable that gets one where a job is deployed with it.
    private var secrets: [(vault: String, reference: SecretReference, variable: String?)] = []

    /// The subscription of whoever names none.
    private static let usualSubscription = "00000000-0000-0000-0000-000000000000"
    /// What names it otherwise.
    static let subscriptionVariable = "AZURE_SUBSCRIPTION_ID"

    /// What `views` stand on.
    ///
    /// - parameter all: All views that there are: a platform that none of them names as its own is one for `--on`.
    /// - parameter variables: The environment, `.env` laid under it.
    init(_ views: [Project], among all: [Project], variables: [String: String]) async throws(SluiceError) {
        let usual = Set(all.flatMap(Self.platforms))
        for project in views {
            let azure = try AzureSettings(environment: variables, section: project.sections["azure"])
            let own = Self.platforms(of: project)
            for (name, section) in project.platforms.sorted(by: { $0.key < $1.key })
            where own.contains(name) || !usual.contains(name) {
                add(platform: name, section, of: project, variables)
            }
            for job in project.jobs { try add(job, of: project, azure) }
            add(from: project.lake, azure)
            for endpoint in [project.warehouse] + project.connections.values {
                switch endpoint {
                case .url(let url, _): add(from: url, azure)
                case .settings(let section): add(from: section.node, azure)
                }
            }
            let sections = Array(project.sections.values) + project.platforms.values
            for node in project.jobs.map(\.settings.node) + sections.map(\.node) {
                add(from: node, azure)
            }
        }
        notes += failures.filter { !settled.contains($0.key) }.sorted { $0.key < $1.key }.map { _, error in
            error.message + (error.hint.map { "; \($0)" } ?? "")
        }
        await findSecrets(variables)
        let order = EmulatedGround.Kind.allCases
        things.sort {
            let left = order.firstIndex(of: $0.kind) ?? 0
            let right = order.firstIndex(of: $1.kind) ?? 0
            return (left, $0.description) < (right, $1.description)
        }
    }

    private mutating func add(_ thing: EmulatedGround) {
        let isKnown = things.contains { $0.kind == thing.kind && $0.description == thing.description }
        if !isKnown { things.append(thing) }
    }

    // MARK: Platforms

    /// The platforms on which jobs run when nobody says where.
    private static func platforms(of project: Project) -> Set<String> {
        Set(project.jobs.map { project.platform(of: $0) } + [project.platform].compactMap { $0 })
    }

    private mutating func add(
        platform name: String, _ section: Section, of project: Project, _ variables: [String: String]
    ) {
        let type = section.text("type") ?? Project.thisMachine
        guard type != Project.thisMachine else { return }
        var variables = variables
        if section.text("subscription") == nil, variables[Self.subscriptionVariable, default: ""].isEmpty {
            variables[Self.subscriptionVariable] = Self.usualSubscription
            subscription = Self.usualSubscription
        }
        do throws(SluiceError) {
            // What is wrong with the section is the platform's to say.
            _ = try Workspace(project, environmentVariables: variables).platform(name)
        } catch {
            if failures[name] == nil { failures[name] = error }
            return
        }
        settled.insert(name)
        func word(_ key: String, _ middle: String) -> String? {
            section.text(key) ?? project.environment.map { "\(project.name)-\(middle)-\($0)" }
        }
        guard let group = word("resource_group", "rg"),
            let owner = section.text("subscription") ?? variables[Self.subscriptionVariable]
        else { return }
        let region = section.text("region") ?? section.text("location") ?? "westeurope"
        func resource(_ namespace: String, _ type: String, _ name: String?) {
            guard let name else { return }
            let id =
                name.hasPrefix("/")
                ? ResourceID(name)
                : ResourceID(subscription: owner, group: group, namespace: namespace, types: [type], names: [name])
            if let id { add(.resource(id, region: region)) }
        }
        switch type {
        case "container-apps": resource("Microsoft.App", "managedEnvironments", word("environment", "cae"))
        case "batch": resource("Microsoft.Batch", "batchAccounts", section.text("account"))
        default: return
        }
        resource("Microsoft.ManagedIdentity", "userAssignedIdentities", word("identity", "identity"))
    }

    // MARK: Stores, queues and secrets

    /// Whatever in a part of the file is the URL of a store, or a secret.
    private mutating func add(from node: Node, _ azure: AzureSettings) {
        for entry in node.entries { add(from: entry.value, azure) }
        for item in node.items { add(from: item, azure) }
        if let scalar = node.scalar { add(from: scalar, azure) }
    }

    private mutating func add(from scalar: Scalar, _ azure: AzureSettings) {
        for reference in scalar.secrets { add(reference, of: nil, azure) }
        guard let text = scalar.literal, StoreURL.isURL(text), case .azure(let place)? = try? StoreURL(text),
            !place.isOneLake, !place.container.isEmpty
        else { return }
        add(.container(account: place.account, name: place.container))
        if place.dialect == .dfs, !hierarchical.contains(place.account) { hierarchical.append(place.account) }
    }

    private mutating func add(
        _ job: Project.Job, of project: Project, _ azure: AzureSettings
    ) throws(SluiceError) {
        let needs = try DeploymentNeeds(job.settings.section("deploy"))
        let vault =
            project.platforms[project.platform(of: job)]?.text("vault")
            ?? project.environment.map { "\(project.name)-kv-\($0)" }
        for (variable, reference) in needs.secrets.sorted(by: { $0.key < $1.key }) {
            add(reference, for: variable, of: vault, azure)
        }
        guard case .event(let event) = needs.trigger, event.type == "azure-queue",
            let account = event.metadata["accountName"], let queue = event.metadata["queueName"]
        else { return }
        add(.queue(account: account, name: queue))
    }

    private mutating func add(
        _ reference: SecretReference, for variable: String? = nil, of vault: String?, _ azure: AzureSettings
    ) {
        let root: WebAddress?
        if let name = reference.vault ?? (azure.vault == nil ? vault : nil) {
            root = try? VaultName.address(name, in: azure.cloud)
        } else {
            root = azure.vault
        }
        guard let root, VaultName.isValid(secret: reference.name) else { return }
        let host = String(root.host.prefix { $0 != "." })
        if !secrets.contains(where: { $0.vault == host && $0.reference.name == reference.name }) {
            secrets.append((host, reference, variable))
        }
    }

    /// Finds the values of secrets: by their own names, as runs on this machine find them, or by that of the variable that gets
    /// one.
    private mutating func findSecrets(_ variables: [String: String]) async {
        for (vault, reference, variable) in secrets {
            var value = variable.flatMap { variables[$0] } ?? ""
            var remedy = variable.map { "set \($0) in the environment, or in .env" }
            do throws(SluiceError) {
                value = try await EnvironmentSecrets(variables).value(of: reference)
            } catch {
                remedy = remedy ?? error.hint
            }
            guard !value.isEmpty else {
                notes.append("the secret \(vault)/\(reference.name) is not made: \(remedy ?? "it has no value")")
                continue
            }
            Redactor.shared.protect(value)
            add(.secret(vault: vault, name: reference.name, value: value))
        }
    }
}
