import Azure
import Support

extension ContainerAppsPlatform {
    /// Walks from the sign-in to the job, and stops at what is missing for the rest.
    public func check(_ job: JobDeployment?) async -> [PlatformCheck] {
        var walk = CheckWalk()
        await walk.look("sign-in") { () throws(SluiceError) in
            let client = try azure.client()
            _ = try await client.identity.token(for: client.settings.cloud.managementScope, tenant: nil)
            return "a token for Azure Resource Manager"
        }
        await walk.look("resource group") { () throws(SluiceError) in
            let path = "/subscriptions/\(settings.subscription)/resourceGroups/\(settings.group)"
            guard try await management().get(path, version: "2021-04-01") != nil else {
                throw SluiceError(
                    .notFound, "there is no resource group \"\(settings.group)\"",
                    hint: "make it: az group create --name \(settings.group) --location LOCATION")
            }
            return settings.group
        }
        await walk.look("environment", isGround: false) { () throws(SluiceError) in try await environmentFinding() }
        await walk.look("logs", isGround: false) { () throws(SluiceError) in
            guard let workspace = try await workspace() else {
                throw SluiceError(
                    .notFound,
                    "the environment \(settings.environment.name) keeps no logs: they are gone with each run",
                    hint:
                        "give it a Log Analytics workspace: az containerapp env update --logs-destination log-analytics"
                )
            }
            return "Log Analytics, workspace \(workspace.id)"
        }
        await walk.look("identity", isGround: false) { () throws(SluiceError) in
            "\(settings.identity.name)\(try await clientID().map { ", client id \($0)" } ?? "")"
        }
        await walk.look(shelf)
        guard let job else { return walk.rows }
        await walk.look("job") { () throws(SluiceError) in try await jobFinding(job) }
        return walk.rows
    }

    private func environmentFinding() async throws(SluiceError) -> String {
        guard let found = try await management().get(settings.environment.text, version: Self.version) else {
            throw SluiceError(
                .notFound,
                "there is no Container Apps environment \"\(settings.environment.name)\" in \(settings.environment.group)",
                hint:
                    "make it: az containerapp env create --name \(settings.environment.name) --resource-group \(settings.environment.group)"
            )
        }
        let state = found["properties"]?["provisioningState"]?.text ?? "Unknown"
        guard state == "Succeeded" else {
            throw SluiceError(
                .inputOutput, "the environment \(settings.environment.name) is not ready: \(state)",
                hint:
                    "az containerapp env show --name \(settings.environment.name) --resource-group \(settings.environment.group)"
            )
        }
        return "\(settings.environment.name), \(found["location"]?.text ?? "somewhere")"
    }

    private func jobFinding(_ job: JobDeployment) async throws(SluiceError) -> String {
        guard let there = try await deployed(job) else {
            throw SluiceError(
                .notFound,
                "the job \(job.job) is not deployed: there is no job \(try jobName(job)) in \(settings.group)",
                hint: "'sluice deploy \(job.job)' makes it")
        }
        guard there.word == "Succeeded" else {
            throw SluiceError(
                .inputOutput, "the job \(there.name) is not ready: \(there.word)",
                hint: "'sluice deploy \(job.job)' makes it again")
        }
        guard job.image != nil else { return there.name }
        let plan = try await plan(job)
        guard plan.isEmpty else {
            let paths = plan.changes.filter { $0.action != .keep }.map(\.path)
            throw SluiceError(
                .conflict, "the job \(there.name) is not as it is declared: \(paths.prefix(8).joined(separator: ", "))",
                hint: "'sluice deploy \(job.job)' shows the difference, and makes it so")
        }
        return "\(there.name), as it is declared"
    }
}
