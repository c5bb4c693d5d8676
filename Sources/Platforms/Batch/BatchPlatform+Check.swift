import Azure
import Support

extension BatchPlatform {
    /// Walks from the sign-in to the pool and the job, and stops at what is missing for the rest.
    public func check(_ job: JobDeployment?) async -> [PlatformCheck] {
        var walk = CheckWalk()
        await walk.look("sign-in") { () throws(SluiceError) in
            let client = try azure.client()
            for scope in [client.settings.cloud.managementScope, client.settings.cloud.batchScope] {
                _ = try await client.identity.token(for: scope, tenant: nil)
            }
            return "tokens for Azure Resource Manager and Batch"
        }
        await walk.look("account") { () throws(SluiceError) in
            guard let found = try await management().get(settings.accountID.text, version: BatchPoolForm.version) else {
                throw SluiceError(
                    .notFound,
                    "there is no Batch account \"\(settings.account)\" in the resource group \(settings.group)",
                    hint:
                        "make it: az batch account create --name \(settings.account) --resource-group \(settings.group) --location \(settings.region)"
                )
            }
            let endpoint = found["properties"]?["accountEndpoint"]?.text ?? ""
            let host = try batch().host
            guard endpoint.isEmpty || endpoint.lowercased() == host else {
                throw SluiceError(
                    .invalidConfiguration, "the account \(settings.account) is at \(endpoint), and not at \(host)",
                    hint: "correct region under platforms.\(name)")
            }
            return host
        }
        await walk.look("rights") { () throws(SluiceError) in
            _ = try await batch().list("jobs", query: [("maxresults", "1")], limit: 1)
            return "jobs can be listed"
        }
        await walk.look("pool") { () throws(SluiceError) in try await poolFinding() }
        await walk.look(shelf)
        guard let job else { return walk.rows }
        await walk.look("job") { () throws(SluiceError) in
            guard let there = try await deployed(job) else {
                throw SluiceError(
                    .notFound, "the job \(job.job) is not deployed to the pool \(settings.pool)",
                    hint: "'sluice deploy \(job.job)' does it")
            }
            return "\(job.job) on \(there.name)\(there.image.map { ", \($0)" } ?? "")"
        }
        return walk.rows
    }

    private func poolFinding() async throws(SluiceError) -> String {
        guard let pool = try await existing() else {
            throw SluiceError(
                .notFound, "there is no pool \(settings.pool) in the account \(settings.account)",
                hint: "'sluice deploy JOB' makes it")
        }
        let properties = pool.properties
        if let error = properties["autoScaleRun"]?["error"], error.members != nil {
            let details = (error["details"]?.items ?? []).compactMap { $0["message"]?.text }
            throw SluiceError(
                .invalidConfiguration,
                "the formula of the pool \(settings.pool) cannot be evaluated: \(details.first ?? error["message"]?.text ?? "")",
                hint: "correct formula under platforms.\(name), and deploy again")
        }
        if let problem = pool.problem {
            throw SluiceError(
                .inputOutput, "the pool \(settings.pool) gets no nodes: \(problem)",
                hint:
                    "look at the quotas of the account: az batch account show --name \(settings.account) --resource-group \(settings.group)"
            )
        }
        let nodes = pool.nodes.dedicated + pool.nodes.spot
        let hand = pool.isByFormula ? "" : ", \(pool.aim.words) set by hand"
        let state = (properties["allocationState"]?.text ?? "steady").lowercased()
        return "\(settings.pool), \(nodes) nodes now\(hand)\(Self.wish(properties["autoScaleRun"])), \(state)"
    }

    /// How many nodes the formula wanted when it was evaluated last: `, 3 wanted at 10:31:07`.
    private static func wish(_ run: JSONText?) -> String {
        guard let results = run?["results"]?.text else { return "" }
        var wanted = 0.0
        for result in results.split(separator: ";") {
            let parts = result.split(separator: "=", maxSplits: 1)
            if parts.count == 2, parts[0].hasPrefix("$Target"), parts[0].hasSuffix("Nodes") {
                wanted += Double(parts[1]) ?? 0
            }
        }
        let time = moment(run?["evaluationTime"]).map { " at \(Moment(microseconds: $0).iso.dropFirst(11).prefix(8))" }
        return ", \(Int(wanted)) wanted\(time ?? "")"
    }
}
