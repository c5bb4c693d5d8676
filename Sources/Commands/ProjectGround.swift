import Azure
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
    /// Secrets without a value, with the variable that would give it.
    private var unset: [String: String] = [:]

    /// The subscription of whoever names none.
    private static let usualSubscription = "00000000-0000-0000-0000-000000000000"
    /// What names it otherwise.
    static let subscriptionVariable = "AZURE_SUBSCRIPTION_ID"

    /// What `views` stand on.
    ///
    /// - parameter all: All views that there are: a platform that none of them names as its own is one for `--on`.
    /// - parameter variables: The environment, `.env` laid under it.
    init(_ views: [Project], among all: [Project], variables: [String: String]) throws(SluiceError) {
        let usual = Set(all.flatMap(Self.platforms))
        for project in views {
            let azure = try AzureSettings(environment: variables, section: project.sections["azure"])
            let own = Self.platforms(of: project)
            for (name, section) in project.platforms.sorted(by: { $0.key < $1.key })
            where own.contains(name) || !usual.contains(name) {
                add(platform: name, section, of: project, variables)
            }
            for job in project.jobs { try add(job, of: project, azure, variables) }
            add(from: project.lake, azure, variables)
            for endpoint in [project.warehouse] + project.connections.values {
                switch endpoint {
                case .url(let url, _): add(from: url, azure, variables)
                case .settings(let section): add(from: section.node, azure, variables)
                }
            }
            for node in project.jobs.map(\.settings.node) + project.sections.values.map(\.node) {
                add(from: node, azure, variables)
            }
        }
        notes += failures.filter { !settled.contains($0.key) }.sorted { $0.key < $1.key }.map { _, error in
            error.message + (error.hint.map { "; \($0)" } ?? "")
        }
        for (name, variable) in unset.sorted(by: { $0.key < $1.key }) {
            notes.append("the secret \(name) is not made: set \(variable) in the environment, or in .env")
        }
        let order = ["Container Apps environment", "Batch account", "identity", "container", "queue", "secret"]
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
    private mutating func add(from node: Node, _ azure: AzureSettings, _ variables: [String: String]) {
        for entry in node.entries { add(from: entry.value, azure, variables) }
        for item in node.items { add(from: item, azure, variables) }
        if let scalar = node.scalar { add(from: scalar, azure, variables) }
    }

    private mutating func add(from scalar: Scalar, _ azure: AzureSettings, _ variables: [String: String]) {
        for reference in scalar.secrets { add(reference, vault: nil, nil, azure, variables) }
        guard let text = scalar.literal, StoreURL.isURL(text), case .azure(let place)? = try? StoreURL(text),
            !place.isOneLake, !place.container.isEmpty
        else { return }
        add(.container(account: place.account, name: place.container))
        if place.dialect == .dfs, !hierarchical.contains(place.account) { hierarchical.append(place.account) }
    }

    private mutating func add(
        _ job: Project.Job, of project: Project, _ azure: AzureSettings, _ variables: [String: String]
    ) throws(SluiceError) {
        let needs = try DeploymentNeeds(job.settings.section("deploy"))
        let vault =
            project.platforms[project.platform(of: job)]?.text("vault")
            ?? project.environment.map { "\(project.name)-kv-\($0)" }
        for (variable, reference) in needs.secrets.sorted(by: { $0.key < $1.key }) {
            add(reference, vault: vault, variable, azure, variables)
        }
        guard case .event(let event) = needs.trigger, event.type == "azure-queue",
            let account = event.metadata["accountName"], let queue = event.metadata["queueName"]
        else { return }
        add(.queue(account: account, name: queue))
    }

    /// A secret whose value is known here: by its own name, as runs on this machine find it, or by that of the variable that it
    /// is for.
    private mutating func add(
        _ reference: SecretReference, vault: String?, _ variable: String?, _ azure: AzureSettings,
        _ variables: [String: String]
    ) {
        let root: WebAddress?
        if let name = reference.vault ?? (azure.vault == nil ? vault : nil) {
            root = try? VaultName.address(name, in: azure.cloud)
        } else {
            root = azure.vault
        }
        guard let root, VaultName.isValid(secret: reference.name) else { return }
        let upper = String(
            reference.name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
        let names = [reference.name, upper] + [variable].compactMap { $0 }
        guard let value = names.lazy.compactMap({ variables[$0] }).first(where: { !$0.isEmpty }) else {
            if unset[reference.name] == nil { unset[reference.name] = variable ?? upper }
            return
        }
        unset[reference.name] = nil
        Redactor.shared.protect(value)
        let host = String(root.host.prefix { $0 != "." })
        add(.secret(vault: host, name: reference.name, value: value))
    }
}
