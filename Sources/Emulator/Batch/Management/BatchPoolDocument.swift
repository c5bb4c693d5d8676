import Autoscale
import Support

/// A pool as the two interfaces write it: the same facts, called and placed otherwise.
enum BatchPoolDocument {
    /// What only Resource Manager has, or places elsewhere.
    private static let placed: Set<String> = [
        "deploymentconfiguration", "scalesettings", "internodecommunication", "provisioningstate",
        "provisioningstatetransitiontime", "allocationstate", "allocationstatetransitiontime", "creationtime",
        "lastmodified", "currentdedicatednodes", "currentlowprioritynodes", "autoscalerun", "resizeoperationstatus",
        "taskschedulingpolicy",
    ]

    /// Resource Manager's document as the data plane has it.
    static func data(_ document: JSONText) -> JSONText {
        let properties = document.at("properties") ?? [:]
        var all = JSONText.object((properties.members ?? []).filter { !placed.contains($0.key.lowercased()) })
        func set(_ name: String, _ value: JSONText?) { if let value { all = all.replacing(.object([(name, value)])) } }
        if let machine = properties.at("deploymentConfiguration.virtualMachineConfiguration") {
            let members = (machine.members ?? []).map { key, value in
                switch key.lowercased() {
                case "nodeagentskuid": (key: "nodeAgentSKUId", value: value)
                case "containerconfiguration":
                    (key: key, value: value.at("type").map { value.setting("type", cased($0, upper: false)) } ?? value)
                default: (key: key, value: value)
                }
            }
            set("virtualMachineConfiguration", .object(members))
        }
        if let auto = properties.at("scaleSettings.autoScale") {
            set("enableAutoScale", true)
            set("autoScaleFormula", auto.at("formula"))
            set("autoScaleEvaluationInterval", auto.at("evaluationInterval"))
        } else if let fixed = properties.at("scaleSettings.fixedScale") {
            set("enableAutoScale", false)
            set("targetDedicatedNodes", fixed.at("targetDedicatedNodes") ?? 0)
            set("targetLowPriorityNodes", fixed.at("targetLowPriorityNodes") ?? 0)
            set("resizeTimeout", fixed.at("resizeTimeout"))
        }
        if let mode = properties.at("interNodeCommunication")?.text {
            set("enableInterNodeCommunication", .bool(mode.lowercased() == "enabled"))
        }
        if let type = properties.at("taskSchedulingPolicy.nodeFillType")?.text {
            set("taskSchedulingPolicy", ["nodeFillType": .string(type.lowercased())])
        }
        set("identity", document.at("identity"))
        return all
    }

    /// A pool as Resource Manager shows it.
    static func management(_ pool: BatchPool, id: ResourceID) -> JSONText {
        let body = pool.body
        let own: Set<String> = [
            "id", "virtualMachineConfiguration", "enableAutoScale", "autoScaleFormula", "autoScaleEvaluationInterval",
            "targetDedicatedNodes", "targetLowPriorityNodes", "resizeTimeout", "enableInterNodeCommunication",
            "taskSchedulingPolicy", "identity", "taskSlotsPerNode",
        ]
        let machine = (body["virtualMachineConfiguration"]?.members ?? []).map { key, value in
            switch key {
            case "nodeAgentSKUId": (key: "nodeAgentSkuId", value: value)
            case "containerConfiguration":
                (key: key, value: value.at("type").map { value.setting("type", cased($0, upper: true)) } ?? value)
            default: (key: key, value: value)
            }
        }
        let scale: JSONText =
            pool.scalesItself
            ? [
                "autoScale": [
                    "formula": .string(pool.formula),
                    "evaluationInterval": body["autoScaleEvaluationInterval"] ?? "PT15M",
                ]
            ]
            : [
                "fixedScale": [
                    "targetDedicatedNodes": .number(pool.targetDedicated),
                    "targetLowPriorityNodes": .number(pool.targetLowPriority),
                    "resizeTimeout": body["resizeTimeout"] ?? "PT15M",
                ]
            ]
        let head = JSONText.members([
            "lastModified": .string(pool.modified.iso), "creationTime": .string(pool.created.iso),
            "provisioningState": pool.isDeleting ? "Deleting" : "Succeeded",
            "provisioningStateTransitionTime": .string(pool.stateSince.iso),
            "allocationState": cased(.string(pool.allocation.rawValue), upper: true),
            "allocationStateTransitionTime": .string(pool.allocationSince.iso),
            "deploymentConfiguration": ["virtualMachineConfiguration": .object(machine)],
            "currentDedicatedNodes": .number(pool.currentDedicated),
            "currentLowPriorityNodes": .number(pool.currentLowPriority), "scaleSettings": scale,
            "resizeOperationStatus": resizing(pool),
            "autoScaleRun": pool.scalesItself ? pool.evaluation.map(managed) : nil,
            "interNodeCommunication": body["enableInterNodeCommunication"]?.flag == true ? "Enabled" : "Disabled",
            "taskSlotsPerNode": .number(pool.slotsPerNode),
            "taskSchedulingPolicy": [
                "nodeFillType": cased(body["taskSchedulingPolicy"]?["nodeFillType"] ?? "spread", upper: true)
            ],
        ])
        let rest = (body.members ?? []).filter { !own.contains($0.key) }
        return .members([
            "id": .string(id.description), "name": .string(pool.id), "type": "Microsoft.Batch/batchAccounts/pools",
            "etag": .string("W/\"\(BatchText.tag(pool.modified))\""),
            "properties": .object((head.members ?? []) + rest),
            "identity": pool.hasIdentity ? identity(body["identity"]) : nil,
        ])
    }

    /// The resize that is going on, or the last one.
    private static func resizing(_ pool: BatchPool) -> JSONText {
        let options: [AutoscaleResult.Deallocation: String] = [
            .requeue: "Requeue", .terminate: "Terminate", .taskcompletion: "TaskCompletion",
            .retaineddata: "RetainedData",
        ]
        return .members([
            "targetDedicatedNodes": .number(pool.targetDedicated),
            "targetLowPriorityNodes": .number(pool.targetLowPriority),
            "nodeDeallocationOption": options[pool.deallocation].map { .string($0) },
            "resizeTimeout": pool.body["resizeTimeout"] ?? "PT15M",
            "startTime": pool.allocation == .resizing ? .string(pool.allocationSince.iso) : nil,
            "errors": pool.allocation == .steady
                ? pool.resizeError.map { [["code": .string($0.code), "message": .string($0.message)]] } : nil,
        ])
    }

    private static func managed(_ run: JSONText) -> JSONText {
        .members([
            "evaluationTime": run["timestamp"], "results": run["results"],
            "error": run["error"].map { error in
                .members([
                    "code": error["code"], "message": error["message"],
                    "details": error["values"]?.items.map { values in
                        .array(values.map { ["code": $0["name"] ?? "", "message": $0["value"] ?? ""] })
                    },
                ])
            },
        ])
    }

    private static func identity(_ identity: JSONText?) -> JSONText {
        let given = identity?.at("userAssignedIdentities")
        let ids = given?.members?.map(\.key) ?? given?.items?.compactMap { $0["resourceId"]?.text } ?? []
        return [
            "type": "UserAssigned",
            "userAssignedIdentities": .object(
                ids.map { id in
                    let client = Directory.objectID(of: id)
                    return (
                        key: id,
                        value: ["clientId": .string(client), "principalId": .string(Directory.objectID(of: client))]
                    )
                }),
        ]
    }

    /// The first letter as the interface has it: `DockerCompatible` and `dockerCompatible`.
    private static func cased(_ value: JSONText, upper: Bool) -> JSONText {
        guard let text = value.text, let first = text.first else { return value }
        return .string((upper ? first.uppercased() : first.lowercased()) + text.dropFirst())
    }
}
