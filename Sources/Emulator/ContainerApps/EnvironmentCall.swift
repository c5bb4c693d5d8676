import HTTPServer
import Support

/// One call about environments, in which jobs run and whose logs go somewhere.
struct EnvironmentCall {
    let call: ManagementCall
    let issuer: TokenIssuer

    func answer() async throws(ManagementFault) -> ServerResponse {
        switch (call.method, call.action) {
        case ("GET", nil): return call.isCollection ? try await call.list() : try await call.get()
        case ("PUT", nil) where !call.isCollection:
            let body = try await call.body()
            let old = try await call.stored { () async throws(SluiceError) in try await call.store.find(call.id) }
            if let old { try checkIdle(old) }
            let (document, hidden) = try checked(body, old)
            return try await call.put(
                document, hidden: hidden, over: old, operation: "managedEnvironmentOperationStatuses")
        case ("PATCH", nil) where !call.isCollection:
            let old = try await call.found()
            try checkIdle(old)
            let (document, hidden) = try checked(old.document.merged(try await call.body()), old)
            return try await call.patch(
                old, document, hidden: hidden, operation: "managedEnvironmentOperationResults")
        case ("DELETE", nil) where !call.isCollection:
            let jobs = try await call.stored { () async throws(SluiceError) in
                try await call.store.list("microsoft.app/jobs", subscription: call.id.subscription)
            }
            let inside = jobs.filter {
                $0.gone == nil && JobDocument(document: $0.document).environmentID?.key == call.id.key
            }
            guard inside.isEmpty else {
                throw ManagementFault(
                    409, "Conflict",
                    "The environment '\(call.id.name)' cannot be deleted: it has the jobs \(inside.map(\.id.name).joined(separator: ", "))."
                )
            }
            return try await call.delete(operation: "managedEnvironmentOperationResults")
        case ("POST", "getauthtoken"):
            let found = try await call.found()
            return .json(
                try ContainerLogService.token(
                    for: found, type: "Microsoft.App/managedEnvironments/accesstoken", issuer, call))
        default:
            throw ManagementFault(
                405, "MethodNotAllowed", "The requested resource does not support http method '\(call.method)'.")
        }
    }

    private func checkIdle(_ environment: Resource) throws(ManagementFault) {
        guard environment.isBusy(at: call.now) else { return }
        throw ManagementFault(
            409, "ManagedEnvironmentOperationInProgress",
            "Cannot modify the environment '\(environment.id.name)' because there is an operation in progress.")
    }

    private func checked(_ body: JSONText, _ old: Resource?) throws(ManagementFault) -> (JSONText, JSONText) {
        let bytes = Array(call.id.name.utf8)
        let isName = bytes.allSatisfy {
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
                || $0 == UInt8(ascii: "-")
        }
        guard isName, (2...60).contains(bytes.count), bytes.last != UInt8(ascii: "-"), bytes.first != UInt8(ascii: "-")
        else {
            throw .invalid(
                "ManagedEnvironmentInvalidName",
                "Invalid environment name '\(call.id.name)': letters, digits or '-', 2 to 60 of them.")
        }
        guard body.at("location")?.text?.isEmpty == false else {
            throw .invalid("LocationRequired", "The location property is required for this definition.")
        }
        let logs = "properties.appLogsConfiguration"
        let destination = body.at("\(logs).destination")?.text
        var hidden = old?.hidden ?? .object([])
        var document = body
        switch destination {
        case nil, "", "none", "azure-monitor": break
        case "log-analytics":
            let key = body.at("\(logs).logAnalyticsConfiguration.sharedKey") ?? hidden.at("sharedKey")
            guard body.at("\(logs).logAnalyticsConfiguration.customerId")?.text?.isEmpty == false, let key else {
                throw .invalid(
                    "InvalidRequestParameterWithDetails",
                    "AppLogsConfiguration.LogAnalyticsConfiguration is invalid: customerId and sharedKey are required for the destination log-analytics."
                )
            }
            hidden = hidden.setting("sharedKey", key)
            document = document.setting("\(logs).logAnalyticsConfiguration.sharedKey", nil)
        default:
            throw .invalid(
                "InvalidRequestParameterWithDetails",
                "AppLogsConfiguration.Destination '\(destination ?? "")' is invalid: log-analytics, azure-monitor or none."
            )
        }
        let region = call.region(body)
        let number = call.id.key.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        document = document.setting(
            "properties.defaultDomain", .string("emulated-\(String(number, radix: 16)).\(region).azurecontainerapps.io")
        )
        document = document.setting("properties.staticIp", "127.0.0.1")
        document = document.setting(
            "properties.eventStreamEndpoint",
            .string(
                "\(ContainerAppsHost.base(call.request, region))/subscriptions/\(call.id.subscription)/resourceGroups/\(call.id.group ?? "")/managedEnvironments/\(call.id.name)/eventstream"
            ))
        if document.at("properties.workloadProfiles") == nil {
            document = document.setting(
                "properties.workloadProfiles", [["name": "Consumption", "workloadProfileType": "Consumption"]])
        }
        return (document, hidden)
    }
}
