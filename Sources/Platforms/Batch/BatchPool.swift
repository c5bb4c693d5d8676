import Autoscale
import Azure
import Settings
import Support

/// A pool in the form of Resource Manager, and its parts by name, of what is declared as of what is there.
///
/// A pool is shared by the jobs of a project. Its metadata say whose it is, and which jobs are deployed to it, each with its image.
struct BatchPoolForm: Sendable {
    var body: JSONText

    static let version = "2024-07-01"
    static let projectMark = "sluice-project"
    static let environmentMark = "sluice-environment"
    static let jobMark = "sluice-job."
    static let packageMark = "sluice-package."
    /// What stands for a job's image where it runs from none.
    static let noImage = "none"

    /// A pool as `body` has it.
    init(_ body: JSONText) { self.body = body }

    /// The pool that is declared, with the jobs that are deployed there, each with its image and its package.
    init(
        _ settings: BatchSettings, project: String, environment: String?, jobs: [String: String],
        packages: [String: String], registries: [String]
    ) {
        var machine: [(key: String, value: JSONText)] = [
            (
                "imageReference",
                [
                    "publisher": .string(settings.system[0]), "offer": .string(settings.system[1]),
                    "sku": .string(settings.system[2]), "version": .string(settings.system[3]),
                ]
            ), ("nodeAgentSkuId", .string(settings.agent)),
        ]
        if settings.hasContainers {
            // Images are not fetched beforehand: a job names its image by digest, and its node pulls that one.
            let servers = registries.map { server -> JSONText in
                [
                    "registryServer": .string(server),
                    "identityReference": ["resourceId": .string(settings.identity.text)],
                ]
            }
            machine.append(
                (
                    "containerConfiguration",
                    .members([
                        "type": "DockerCompatible", "containerRegistries": servers.isEmpty ? nil : .array(servers),
                    ])
                ))
        }
        var metadata: [(String, String)] = [(Self.projectMark, project)]
        if let environment { metadata.append((Self.environmentMark, environment)) }
        metadata += jobs.sorted { $0.key < $1.key }.map { (Self.jobMark + $0.key, $0.value) }
        metadata += packages.sorted { $0.key < $1.key }.map { (Self.packageMark + $0.key, $0.value) }
        let properties: JSONText = [
            "vmSize": .string(settings.vmSize), "taskSlotsPerNode": .number(settings.slots),
            "interNodeCommunication": "Disabled", "taskSchedulingPolicy": ["nodeFillType": "Pack"],
            "deploymentConfiguration": ["virtualMachineConfiguration": .object(machine)],
            "scaleSettings": Self.autoScale(settings),
            "metadata": .array(metadata.map { ["name": .string($0.0), "value": .string($0.1)] }),
        ]
        body = [
            "identity": [
                "type": "UserAssigned", "userAssignedIdentities": .object([(settings.identity.text, .object([]))]),
            ],
            "properties": properties,
        ]
    }

    /// That the declared formula decides how many nodes there are.
    static func autoScale(_ settings: BatchSettings) -> JSONText {
        [
            "autoScale": [
                "formula": .string(settings.formula.text),
                "evaluationInterval": .string(BatchSettings.iso(settings.interval)),
            ]
        ]
    }

    /// Whether a formula decides how many nodes there are.
    var isByFormula: Bool { properties["scaleSettings"]?["autoScale"]?["formula"] != nil }

    /// Who decides how many nodes there are.
    var aim: PoolSize.Aim {
        if isByFormula { return .formula }
        let fixed = properties["scaleSettings"]?["fixedScale"]
        return .fixed(
            nodes: fixed?["targetDedicatedNodes"]?.integer ?? 0, spot: fixed?["targetLowPriorityNodes"]?.integer ?? 0)
    }

    /// Whether nodes come or go.
    var isChanging: Bool { (properties["allocationState"]?.text ?? "steady").lowercased() != "steady" }

    /// How many nodes there are, and how many of them are spot.
    var nodes: (dedicated: Int, spot: Int) {
        (properties["currentDedicatedNodes"]?.integer ?? 0, properties["currentLowPriorityNodes"]?.integer ?? 0)
    }

    /// Why it did not get as many nodes as it should.
    var problem: String? {
        guard let error = properties["resizeOperationStatus"]?["errors"]?.items?.first else { return nil }
        return error["message"]?.text ?? error["code"]?.text ?? "Batch says no more"
    }

    var properties: JSONText { body["properties"] ?? .null }

    private var metadata: [(name: String, value: String)] {
        (properties["metadata"]?.items ?? []).map { ($0["name"]?.text ?? "", $0["value"]?.text ?? "") }
    }

    func mark(_ name: String) -> String? { metadata.last { $0.name == name }?.value }

    /// The jobs that are deployed to it, with their images.
    var jobs: [String: String] { marks(Self.jobMark) }

    /// The packages of those that run from one.
    var packages: [String: String] { marks(Self.packageMark) }

    private func marks(_ prefix: String) -> [String: String] {
        var marks: [String: String] = [:]
        for (name, value) in metadata where name.hasPrefix(prefix) {
            marks[String(name.dropFirst(prefix.count))] = value
        }
        return marks
    }

    /// The registries that its nodes pull from.
    var registries: [String] {
        let machine = properties["deploymentConfiguration"]?["virtualMachineConfiguration"]
        return (machine?["containerConfiguration"]?["containerRegistries"]?.items ?? []).compactMap {
            $0["registryServer"]?.text
        }
    }

    /// What cannot be changed once the pool is there.
    static let fixed: Set<String> = ["vm_size", "slots", "system", "agent", "containers", "registries", "identity"]

    /// Its parts as plans show them; those of the jobs but for `job` are left out.
    func parts(_ job: String) -> [String: String] {
        var parts: [String: String] = [:]
        let machine = properties["deploymentConfiguration"]?["virtualMachineConfiguration"]
        let image = machine?["imageReference"]
        parts["vm_size"] = properties["vmSize"]?.text?.lowercased()
        parts["slots"] = (properties["taskSlotsPerNode"]?.integer ?? 1).description
        parts["system"] = ["publisher", "offer", "sku", "version"].map { image?[$0]?.text ?? "" }.joined(separator: ":")
        parts["agent"] = machine?["nodeAgentSkuId"]?.text
        parts["containers"] = machine?["containerConfiguration"]?["type"]?.text?.lowercased() ?? "none"
        if !registries.isEmpty { parts["registries"] = registries.sorted().joined(separator: ", ") }
        parts["identity"] = body["identity"]?["userAssignedIdentities"]?.members?.map { $0.key.lowercased() }.sorted()
            .joined(separator: ", ")
        let scale = properties["scaleSettings"]
        parts["formula"] = scale?["autoScale"]?["formula"]?.text ?? "none"
        if !isByFormula { parts["nodes"] = "\(aim.words), set by hand" }
        parts["interval"] = scale?["autoScale"]?["evaluationInterval"]?.text
        parts["image"] = jobs[job]
        parts["package"] = packages[job]
        return parts
    }
}
