import Azure
import Packages
import Settings
package import Support

/// A job in the form that Container Apps has it: its body, and its parts by name, of what is declared as of what is there.
package struct ContainerJob: Sendable {
    /// The resource as JSON.
    package var body: JSONText

    /// The name of the one container.
    static let container = "job"
    /// The tags by which Sluice knows its own.
    static let projectTag = "sluice-project"
    static let jobTag = "sluice-job"
    static let environmentTag = "sluice-environment"
    static let releaseTag = "sluice-version"

    /// A job as `body` has it.
    package init(_ body: JSONText) { self.body = body }

    /// What a platform adds to the declaration of a job.
    struct Surroundings {
        var location: String
        var environment: AzureResourceID
        var identity: AzureResourceID
        var clientID: String?
        var profile: String?
        var tags: [String: String]
        var resources: RunResources
        var timeout: Duration
        var registryUser: String?
        var registrySecret: SecretReference?
        /// Where a secret is.
        var address: (SecretReference) throws(SluiceError) -> String
        /// Whether the registry is one of Azure's, which the identity pulls from.
        var pullsByIdentity: Bool
        var registry: String
    }

    /// The job that is declared.
    init(_ job: JobDeployment, image: String, _ around: Surroundings) throws(SluiceError) {
        let needs = job.needs
        var secrets = Secrets(identity: around.identity.text)
        var environment: [(name: String, value: JSONText)] = []
        var variables = needs.environment
        variables[RunRequest.packageVariable] = job.package?.description
        if let id = around.clientID, variables["AZURE_CLIENT_ID"] == nil { variables["AZURE_CLIENT_ID"] = id }
        for (name, value) in variables where needs.secrets[name] == nil {
            environment.append((name, ["name": .string(name), "value": .string(value)]))
        }
        for (name, reference) in needs.secrets.sorted(by: { $0.key < $1.key }) {
            let secret = secrets.add(name, try around.address(reference))
            environment.append((name, ["name": .string(name), "secretRef": .string(secret)]))
        }
        environment.sort { $0.name < $1.name }
        let container: JSONText = [
            "name": .string(Self.container), "image": .string(image),
            "args": .array(job.arguments.map { .string($0) }), "env": .array(environment.map(\.value)),
            "resources": [
                "cpu": .real(Double(around.resources.millicores) / 1000),
                "memory": .string(Self.gibibytes(around.resources.memory)),
            ],
        ]
        var registries: [JSONText] = []
        if around.pullsByIdentity {
            registries = [["server": .string(around.registry), "identity": .string(around.identity.text)]]
        } else if let user = around.registryUser, let secret = around.registrySecret {
            let name = secrets.add("registry-password", try around.address(secret))
            registries = [
                ["server": .string(around.registry), "username": .string(user), "passwordSecretRef": .string(name)]
            ]
        }
        var configuration: [(String, JSONText)] = [
            ("replicaTimeout", .number(Int((around.timeout / .seconds(1)).rounded(.up)))),
            ("replicaRetryLimit", .number(needs.retries)),
        ]
        let copies: [(key: String, value: JSONText)] = [
            ("parallelism", .number(needs.parallelism)), ("replicaCompletionCount", .number(needs.completions)),
        ]
        switch needs.trigger {
        case .manual:
            configuration += [("triggerType", "Manual"), ("manualTriggerConfig", .object(copies))]
        case .schedule(let cron):
            configuration += [
                ("triggerType", "Schedule"),
                ("scheduleTriggerConfig", .object([("cronExpression", .string(cron))] + copies)),
            ]
        case .event(let event):
            var auth: [JSONText] = []
            for (parameter, reference) in event.secrets.sorted(by: { $0.key < $1.key }) {
                let name = secrets.add("event-\(parameter)", try around.address(reference))
                auth.append(["triggerParameter": .string(parameter), "secretRef": .string(name)])
            }
            let metadata = event.metadata.sorted { $0.key < $1.key }.map {
                (key: $0.key, value: JSONText.string($0.value))
            }
            let rule = JSONText.members([
                "name": .string(event.type), "type": .string(event.type), "metadata": .object(metadata),
                "auth": auth.isEmpty ? nil : .array(auth),
                "identity": auth.isEmpty ? .string(around.identity.text) : nil,
            ])
            let scale: JSONText = [
                "minExecutions": .number(event.least), "maxExecutions": .number(event.most),
                "pollingInterval": .number(Int((event.interval / .seconds(1)).rounded(.up))), "rules": [rule],
            ]
            configuration += [("triggerType", "Event"), ("eventTriggerConfig", .object(copies + [("scale", scale)]))]
        }
        configuration += [("registries", .array(registries)), ("secrets", .array(secrets.list))]
        let tags = around.tags.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSONText.string($0.value)) }
        body = .object([
            ("location", .string(around.location)),
            (
                "identity",
                [
                    "type": "UserAssigned",
                    "userAssignedIdentities": .object([(around.identity.text, .object([]))]),
                ]
            ),
            ("tags", .object(tags)),
            (
                "properties",
                .members([
                    "environmentId": .string(around.environment.text),
                    "workloadProfileName": around.profile.map { .string($0) },
                    "configuration": .object(configuration.map { (key: $0.0, value: $0.1) }),
                    "template": ["containers": [container]],
                ])
            ),
        ])
    }

    /// The secrets of a job: names of Container Apps' own for addresses in Key Vault.
    private struct Secrets {
        let identity: String
        private var byName: [String: String] = [:]

        init(identity: String) { self.identity = identity }

        mutating func add(_ variable: String, _ address: String) -> String {
            let words = variable.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
            let plain = words.isEmpty ? "secret" : words.joined(separator: "-")
            var name = plain
            var number = 2
            // Two variables may be written alike there.
            while let other = byName[name], other != address {
                name = "\(plain)-\(number)"
                number += 1
            }
            byName[name] = address
            return name
        }

        var list: [JSONText] {
            byName.sorted { $0.key < $1.key }.map { name, address in
                ["name": .string(name), "keyVaultUrl": .string(address), "identity": .string(identity)]
            }
        }
    }

    /// `0.5Gi`
    static func gibibytes(_ bytes: Int) -> String {
        let hundredths = (bytes * 100 + (1 << 29)) >> 30
        let rest = hundredths % 100
        if rest == 0 { return "\(hundredths / 100)Gi" }
        return "\(hundredths / 100).\(rest % 10 == 0 ? "\(rest / 10)" : (rest < 10 ? "0\(rest)" : "\(rest)"))Gi"
    }

    // MARK: Beside what is there

    /// What is there and not ours to decide: others' tags, and the profile where none is declared.
    mutating func adopt(from other: ContainerJob) {
        guard case .object(var members) = body else { return }
        if let place = members.firstIndex(where: { $0.key == "tags" }), case .object(var tags) = members[place].value {
            for tag in other.body["tags"]?.members ?? [] where !tags.contains(where: { $0.key == tag.key }) {
                if !tag.key.hasPrefix("sluice-") { tags.append(tag) }
            }
            members[place].value = .object(tags.sorted { $0.key < $1.key })
        }
        if let place = members.firstIndex(where: { $0.key == "properties" }),
            case .object(var properties) = members[place].value, body["properties"]?["workloadProfileName"] == nil,
            let profile = other.body["properties"]?["workloadProfileName"], profile.text != nil
        {
            properties.append(("workloadProfileName", profile))
            members[place].value = .object(properties)
        }
        body = .object(members)
    }

    /// The project and the job whose this is, as its tags have it.
    var owner: (project: String?, job: String?, environment: String?) {
        let tags = body["tags"]
        return (tags?[Self.projectTag]?.text, tags?[Self.jobTag]?.text, tags?[Self.environmentTag]?.text)
    }

    /// The one container.
    var main: JSONText? { body["properties"]?["template"]?["containers"]?.items?.first }

    /// How long a run of it may take.
    var timeout: Int? { body["properties"]?["configuration"]?["replicaTimeout"]?.integer }
}
