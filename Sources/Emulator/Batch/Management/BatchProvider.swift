import HTTPServer
import Support

/// `Microsoft.Batch` of Resource Manager: accounts, and the same pools that the data plane has.
struct BatchProvider: ResourceProvider {
    let world: BatchWorld
    let namespace = "Microsoft.Batch"
    static let versions = ["2023-05-01", "2023-11-01", "2024-02-01", "2024-07-01", "2025-06-01"]
    let types = [
        ResourceType(
            "batchAccounts", versions: Self.versions, actions: ["listKeys", "regenerateKeys", "syncAutoStorageKeys"]),
        ResourceType("batchAccounts/pools", versions: Self.versions, actions: ["disableAutoScale", "stopResize"]),
    ]

    func respond(to call: ManagementCall) async throws(ManagementFault) -> ServerResponse {
        if call.type == "batchaccounts" { return try await account(call) }
        guard call.type == "batchaccounts/pools" else { throw Self.verb(call) }
        try await call.checkParent()
        do throws(BatchFault) { return try await pool(call) } catch {
            throw ManagementFault(
                error.status, error.code, error.message + error.values.map { " \($0.key): \($0.value)." }.joined())
        }
    }

    private static func verb(_ call: ManagementCall) -> ManagementFault {
        ManagementFault(
            405, "MethodNotAllowed",
            "The emulator does not play \(call.method) \(call.request.path) of Microsoft.Batch.")
    }

    // MARK: Accounts

    private func account(_ call: ManagementCall) async throws(ManagementFault) -> ServerResponse {
        let name = call.id.name.lowercased()
        switch (call.method, call.action) {
        case ("GET", nil): return call.isCollection ? try await call.list() : try await call.get()
        case ("PUT", nil), ("PATCH", nil):
            let old = try await call.stored { () async throws(SluiceError) in try await call.store.find(call.id) }
            if call.method == "PATCH", old == nil { throw .notFound(call.id) }
            guard AccountKeys.isName(name) else {
                throw .invalid(
                    "InvalidAccountName",
                    "The specified account name '\(name)' is not 3 to 24 small letters and digits.")
            }
            let body = try await call.body()
            let base = call.method == "PATCH" ? old?.document.merged(body) ?? body : body
            guard let location = base.at("location")?.text else {
                throw .invalid("LocationRequired", "The location property is required for this definition.")
            }
            let region = call.region(["location": .string(location)])
            let endpoint = "\(name).\(region).batch.azure.com"
            var document = base
            let given: KeyValuePairs<String, JSONText?> = [
                "accountEndpoint": .string(endpoint),
                "nodeManagementEndpoint": .string("\(region).service.batch.azure.com"),
                "dedicatedCoreQuota": 400, "lowPriorityCoreQuota": 400, "poolQuota": 100,
                "activeJobAndJobScheduleQuota": 300,
                "dedicatedCoreQuotaPerVMFamilyEnforced": false,
            ]
            for (key, value) in given { document = document.setting("properties.\(key)", value) }
            let usual: KeyValuePairs<String, JSONText?> = [
                "poolAllocationMode": "BatchService", "publicNetworkAccess": "Enabled",
                "allowedAuthenticationModes": ["SharedKey", "AAD", "TaskAuthenticationToken"],
            ]
            for (key, value) in usual where document.at("properties.\(key)") == nil {
                document = document.setting("properties.\(key)", value)
            }
            var answer = try await call.put(document, over: old, operation: nil)
            answer.status = 200
            return answer
        case ("DELETE", nil):
            await world.deletePools(account: name, call.now)
            return try await call.delete(operation: "accountOperationResults")
        case ("POST", "listkeys"), ("POST", "regeneratekeys"):
            _ = try await call.found()
            let key = AccountKeys.key(of: name)
            return .json(["accountName": .string(name), "primary": .string(key), "secondary": .string(key)])
        case ("POST", "syncautostoragekeys"):
            _ = try await call.found()
            return ServerResponse(204)
        default: throw Self.verb(call)
        }
    }

    // MARK: Pools

    private func pool(_ call: ManagementCall) async throws(BatchFault) -> ServerResponse {
        let account = (call.id.names.first ?? "").lowercased()
        if call.isCollection {
            guard call.method == "GET" else { throw Self.batchVerb(call) }
            let pools = await world.pools(of: account)
            let values = pools.map { BatchPoolDocument.management($0, id: call.id.child(nil, $0.id)) }
            do throws(ManagementFault) { return try call.page(values) } catch {
                throw BatchFault(400, "InvalidSkipToken", "The provided skip token is not one that was given out.")
            }
        }
        let name = call.id.name
        guard BatchText.isID(name) else { throw .invalid("poolName", name, "letters, digits, hyphens and underscores") }
        switch (call.method, call.action) {
        case ("GET", nil): break
        case ("PUT", nil), ("PATCH", nil):
            let body: JSONText
            do throws(ManagementFault) { body = try await call.body().withoutNulls() } catch {
                throw BatchFault(
                    400, "InvalidRequestContent", "The request content was invalid and could not be deserialized.")
            }
            try checkMatch(call, await world.pool(account, name))
            try await world.manage(
                account, name, BatchPoolDocument.data(body), isPatch: call.method == "PATCH",
                resize: body.at("properties.scaleSettings.fixedScale.nodeDeallocationOption")?.text, call.now)
        case ("DELETE", nil):
            guard await world.deletePool(account, name, call.now) else { return ServerResponse(204) }
            do throws(ManagementFault) {
                return try await call.accepted(
                    "poolOperationResults", ends: call.now.later(call.switches.now.operation), .gone,
                    region: "westeurope")
            } catch { throw BatchFault(500, "InternalServerError", "The operation could not be kept.") }
        case ("POST", "disableautoscale"): try await world.disableAutoscale(account, name, call.now)
        case ("POST", "stopresize"): try await world.stopResize(account, name, call.now)
        default: throw Self.batchVerb(call)
        }
        guard let pool = await world.pool(account, name) else { throw .poolNotFound }
        return .json(
            BatchPoolDocument.management(pool, id: call.id), headers: ["ETag": "W/\"\(BatchText.tag(pool.modified))\""])
    }

    private static func batchVerb(_ call: ManagementCall) -> BatchFault {
        BatchFault(
            405, "MethodNotAllowed",
            "The emulator does not play \(call.method) \(call.request.path) of Microsoft.Batch.")
    }

    private func checkMatch(_ call: ManagementCall, _ pool: BatchPool?) throws(BatchFault) {
        let tag = pool.map { "W/\"\(BatchText.tag($0.modified))\"" }
        let wanted = call.request.server.headers["If-Match"]
        let unwanted = call.request.server.headers["If-None-Match"]
        if let wanted, tag == nil || wanted != "*" && wanted != tag || unwanted == "*" && tag != nil {
            throw BatchFault(412, "PreconditionFailed", "The condition of If-Match is not met.")
        }
        if unwanted == "*", tag != nil { throw BatchFault(412, "PreconditionFailed", "The pool is there already.") }
    }
}
