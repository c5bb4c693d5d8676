import Azure
import HTTPServer
import Support

/// Batch: pools, jobs and tasks, which really run here. Every name is an account.
struct BatchService: EmulatedService {
    let world: BatchWorld
    let issuer: TokenIssuer
    let directory: Directory
    let switches: BatchSwitches
    let name = "batch"

    /// The account that local addresses mean when nobody signs for another.
    static let defaultAccount = "devbatch"
    /// The interface's versions that are played.
    static let versions: Set<String> = [
        "2022-10-01.16.0", "2023-05-01.17.0", "2023-11-01.18.0", "2024-02-01.19.0", "2024-07-01.20.0", "2025-06-01",
    ]

    static func open(
        _ folder: EmulatorFolder, _ issuer: TokenIssuer, _ directory: Directory, _ workloads: Workloads
    ) async throws(SluiceError) -> BatchService {
        let switches = BatchSwitches()
        let path = try folder.folder("batch")
        let house = BatchHouse(
            workloads: workloads, identities: BatchIdentities(issuer: issuer, directory: directory),
            home: EmulatorFolder.absolute(try workloads.home("batch")))
        let world = BatchWorld(
            // Programs get these paths, and begin elsewhere.
            store: try await BatchStore.open(folder.item("batch.sqlite")), folder: EmulatorFolder.absolute(path),
            switches: switches, house: house)
        try await world.load()
        return BatchService(world: world, issuer: issuer, directory: directory, switches: switches)
    }

    func close() async { await world.close() }
    func listens(_ host: EmulatorHost) async { await world.listen(host) }
    func accepts(_ request: EmulatedRequest) -> Bool { request.endpoint == .batch }

    func administer(_ request: ServerRequest) async throws(SluiceError) -> ServerResponse? {
        switch (request.method, request.path) {
        case ("GET", "/_sluice/batch"): return .json(switches.json)
        case ("PUT", "/_sluice/batch"):
            try switches.set(try JSONText.parse(try await request.collect()))
            await world.switched()
            return .json(switches.json)
        default: return nil
        }
    }

    func respond(to request: EmulatedRequest) async -> ServerResponse {
        do throws(BatchFault) {
            let (account, caller) = try authenticated(request)
            var known = request
            known.caller = caller
            let credential = if case .accountKey = caller { "key" } else { "token" }
            if let code = directory.denial(known, service: name, credential: credential) {
                throw BatchFault(
                    403, code == "AuthorizationPermissionMismatch" ? "PermissionDenied" : code,
                    "Server failed to authorize the request.")
            }
            try checkVersion(request)
            return try await world.answer(try await BatchCall(known, account: account))
        } catch {
            var response = error.response(request)
            if error.status == 401 {
                response.headers["WWW-Authenticate"] =
                    "Bearer authorization_uri=\"https://login.microsoftonline.com/\(issuer.tenant)\", resource_id=\"https://batch.core.windows.net/\""
            }
            return response
        }
    }

    private func checkVersion(_ request: EmulatedRequest) throws(BatchFault) {
        guard let version = request.server[query: "api-version"], !version.isEmpty else {
            throw BatchFault(
                400, "MissingRequiredQueryParameter",
                "A query parameter that's mandatory for this request is not specified.",
                ["QueryParameterName": "api-version"])
        }
        guard Self.versions.contains(version) else {
            throw BatchFault(
                400, "InvalidQueryParameterValue",
                "An invalid value was specified for one of the query parameters in the request URI.",
                [
                    "QueryParameterName": "api-version", "QueryParameterValue": version,
                    "Reason": "The emulator plays \(Self.versions.sorted().joined(separator: ", ")).",
                ])
        }
    }

    // MARK: Who asks

    private func authenticated(_ request: EmulatedRequest) throws(BatchFault) -> (account: String, Caller) {
        func refused(_ detail: String) -> BatchFault {
            BatchFault(
                401, "AuthenticationFailed",
                "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.",
                ["AuthenticationErrorDetail": detail])
        }
        guard let authorization = request.server.headers["Authorization"], !authorization.isEmpty else {
            throw refused("The Authorization header is missing.")
        }
        if authorization.lowercased().hasPrefix("bearer ") {
            let caller = issuer.caller(
                of: String(authorization.dropFirst("bearer ".count)),
                audiences: {
                    // Without its slash the audience is another one, as many have found out.
                    [
                        "https://batch.core.windows.net/", "https://batch.core.usgovcloudapi.net/",
                        "https://batch.chinacloudapi.cn/", "ddbf3205-c6bd-46ae-8127-60eb93363864",
                    ].contains($0)
                }, now: request.now)
            switch caller {
            case .success(let caller): return (request.account, caller)
            case .failure(let problem): throw refused(problem.reason)
            }
        }
        guard let (account, signature) = SharedKey.parse(authorization: authorization) else {
            throw refused("The Authorization header is neither SharedKey nor Bearer.")
        }
        guard AccountKeys.isName(account), request.isPathStyle || account == request.account else {
            throw refused("The account '\(account)' that signed is not '\(request.account)', which was asked.")
        }
        let date = request.server.headers["ocp-date"] ?? request.server.headers["Date"] ?? ""
        guard let moment = Moment(httpDate: date), abs(moment.seconds - request.now.seconds) <= 900 else {
            throw refused("The date '\(date)' is missing, or more than 15 minutes away.")
        }
        let text = Self.stringToSign(request.server, account: account)
        guard (try? AccountKeys.signing(account).isSignature(signature, of: text)) == true else {
            throw refused(
                "The MAC signature found in the HTTP request '\(signature)' is not the same as any computed signature. Server used following string to sign: '\(text)'."
            )
        }
        return (account, .accountKey)
    }

    /// What is signed with the account's key.
    static func stringToSign(_ request: ServerRequest, account: String) -> String {
        let headers = request.headers
        let isReading = request.method == "GET" || request.method == "HEAD"
        let length = headers["Content-Length"] ?? (isReading ? "" : "0")
        var lines = [
            request.method, headers["Content-Encoding"] ?? "", headers["Content-Language"] ?? "", length,
            headers["Content-MD5"] ?? "", headers["Content-Type"] ?? "", headers["Date"] ?? "",
        ]
        lines += ["If-Modified-Since", "If-Match", "If-None-Match", "If-Unmodified-Since", "Range"].map {
            headers[$0] ?? ""
        }
        let own = headers.map { ($0.name.lowercased(), $0.value) }.filter { $0.0.hasPrefix("ocp-") && !$0.1.isEmpty }
            .sorted { $0 < $1 }.map { "\($0.0):\($0.1)\n" }
        var query: [String: String] = [:]
        for (name, value) in request.query where query[name] == nil && !value.isEmpty { query[name] = value }
        let parameters = query.sorted { $0.key < $1.key }.map { "\n\($0.key):\($0.value)" }
        return lines.joined(separator: "\n") + "\n" + own.joined() + "/\(account)\(request.path)" + parameters.joined()
    }
}
