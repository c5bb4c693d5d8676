import HTTPServer
import Support

extension BatchWorld {
    /// The answer to a call; what it changed is on the disk by then.
    func answer(_ call: BatchCall) async throws(BatchFault) -> ServerResponse {
        let response = try route(call)
        await save()
        return response
    }

    private func route(_ call: BatchCall) throws(BatchFault) -> ServerResponse {
        switch call.parts.first {
        case "pools": return try poolAnswer(call)
        case "jobs": return try jobAnswer(call)
        case "nodecounts" where call.method == "GET": return try nodeCounts(call)
        case "supportedimages" where call.method == "GET": return try supportedImages(call)
        case "applications" where call.method == "GET": return try call.list([], "applications")
        default: throw notPlayed(call)
        }
    }

    func notPlayed(_ call: BatchCall) -> BatchFault {
        BatchFault(
            405, "UnsupportedHttpVerb",
            "The emulator does not play \(call.method) \(call.request.path) of Batch.")
    }

    private func nodeCounts(_ call: BatchCall) throws(BatchFault) -> ServerResponse {
        func counts(_ nodes: [BatchNode]) -> JSONText {
            let names = [
                "creating", "deallocated", "deallocating", "idle", "leavingPool", "offline", "preempted", "rebooting",
                "reimaging", "running", "starting", "startTaskFailed", "unknown", "unusable", "upgradingOS",
                "waitingForStartTask",
            ]
            return .object(
                names.map { name in (name, .number(nodes.count { $0.state.rawValue == name.lowercased() })) }
                    + [("total", .number(nodes.count))])
        }
        let items = pools.filter { $0.key.hasPrefix("\(call.account)/") }.values.map { pool in
            (
                pool.sequence,
                [
                    "poolId": .string(pool.id), "dedicated": counts(pool.nodes.filter(\.isDedicated)),
                    "lowPriority": counts(pool.nodes.filter { !$0.isDedicated }),
                ] as JSONText
            )
        }
        return try call.list(items.map { (sequence: $0.0, json: $0.1) }, "poolnodecounts")
    }

    private func supportedImages(_ call: BatchCall) throws(BatchFault) -> ServerResponse {
        let images = [
            ("microsoft-dsvm", "ubuntu-hpc", "2204", "batch.node.ubuntu 22.04"),
            ("canonical", "0001-com-ubuntu-server-jammy", "22_04-lts", "batch.node.ubuntu 22.04"),
            ("debian", "debian-12", "12", "batch.node.debian 12"),
        ]
        let items = images.enumerated().map { index, image in
            (
                sequence: index,
                json: [
                    "nodeAgentSKUId": .string(image.3),
                    "imageReference": [
                        "publisher": .string(image.0), "offer": .string(image.1), "sku": .string(image.2),
                        "version": "latest",
                    ],
                    "osType": "linux", "capabilities": ["DockerCompatible"], "verificationType": "verified",
                ] as JSONText
            )
        }
        return try call.list(items, "supportedimages")
    }
}
