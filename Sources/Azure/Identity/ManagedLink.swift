import Support
import Transport

/// The identity that Azure gave to what the program runs in: the machine's own, or one that a client id names. Which service
/// gives out its tokens, the environment tells.
struct ManagedLink: IdentityLink {
    let kind = IdentityKind.managed
    let settings: AzureSettings
    let http: HTTPClient

    /// Who gives out the tokens.
    private enum Host {
        /// App Service, Functions, Container Apps.
        case appService(endpoint: String, header: String)
        case machineLearning(endpoint: String, secret: String)
        case arc(endpoint: String)
        case cloudShell(endpoint: String)
        /// The metadata service of virtual machines, their scale sets, Batch nodes and AKS.
        case metadata
    }

    private var clientID: String? { settings.managedClientID ?? settings.clientID }

    func token(for scope: String, tenant: String?) async throws(SluiceError) -> LinkAnswer {
        let variables = settings.environment.filter { !$0.value.isEmpty }
        for name in ["IDENTITY_HEADER", "MSI_SECRET"] { variables[name].map(Redactor.shared.protect) }
        let resource = scope.hasSuffix("/.default") ? String(scope.dropLast("/.default".count)) : scope
        switch host(variables) {
        case .appService(let endpoint, let header):
            if variables["IDENTITY_SERVER_THUMBPRINT"] != nil {
                return .absent("Service Fabric's managed identities are not supported")
            }
            return .token(try await appService(endpoint, header, resource), by: "App Service endpoint")
        case .machineLearning(let endpoint, let secret):
            let url = try WebAddress(endpoint).with(query: [
                ("api-version", "2017-09-01"), ("resource", resource), ("clientid", clientID),
            ])
            return .token(
                try await ask(.get, url, ["secret": secret], "msi"), by: "Machine Learning endpoint")
        case .arc(let endpoint): return .token(try await arc(endpoint, resource), by: "Azure Arc")
        case .cloudShell(let endpoint):
            let url = try WebAddress(endpoint)
            let form = "resource=\(resource.percentEncoded)"
            return .token(
                try await ask(.post, url, ["Metadata": "true"], "msi", form: form), by: "Cloud Shell")
        case .metadata: return try await metadata(resource)
        }
    }

    private func host(_ variables: [String: String]) -> Host {
        switch (variables["IDENTITY_ENDPOINT"], variables["MSI_ENDPOINT"]) {
        case (let endpoint?, _):
            if let header = variables["IDENTITY_HEADER"] {
                return .appService(endpoint: endpoint, header: header)
            }
            return variables["IMDS_ENDPOINT"] != nil ? .arc(endpoint: endpoint) : .metadata
        case (nil, let endpoint?):
            return variables["MSI_SECRET"].map { .machineLearning(endpoint: endpoint, secret: $0) }
                ?? .cloudShell(endpoint: endpoint)
        case (nil, nil): return .metadata
        }
    }

    // MARK: App Service and its kin

    private func appService(_ endpoint: String, _ header: String, _ resource: String)
        async throws(SluiceError)
        -> AccessToken
    {
        let url = try WebAddress(endpoint).with(query: [
            ("api-version", "2019-08-01"), ("resource", resource), ("client_id", clientID),
        ])
        return try await ask(.get, url, ["X-IDENTITY-HEADER": header, "Metadata": "true"], "msi")
    }

    /// A question to a service beside the program. It may not listen yet when a job starts: half a minute is allowed for that.
    private func ask(
        _ method: HTTPMethod, _ url: WebAddress, _ headers: HTTPHeaders, _ service: String,
        form: String? = nil
    ) async throws(SluiceError) -> AccessToken {
        var request = HTTPRequest(method, url, headers: headers, service: service)
        if let form {
            request.headers["Content-Type"] = "application/x-www-form-urlencoded"
            request.body = .bytes(Buffer(Array(form.utf8)))
        }
        request.isIdempotent = true
        request.proxy = false
        request.timeouts = HTTPTimeouts(connect: .seconds(2), stall: .seconds(20))
        let retry = RetryPolicy(
            attempts: 30, base: .milliseconds(500), cap: .seconds(2), deadline: .seconds(30))
        let (response, body) = try await http.fetch(request, retry: retry, limit: 1 << 20)
        guard response.isSuccess else { throw refusal(response.status, body) }
        return try TokenAnswer(body, from: url.host).token
    }

    private func refusal(_ status: Int, _ body: Buffer) -> SluiceError {
        let answer = try? JSONText.parse(body)
        let words =
            answer?["error_description"]?.text ?? answer?["message"]?.text ?? answer?["error"]?.text
            ?? answer?["error"]?["message"]?.text
        let who = clientID.map { "the user-assigned identity \($0)" } ?? "the system-assigned identity"
        let hint: String
        switch (status, clientID) {
        case (400, let id?):
            hint =
                "assign the identity \(id) to what this runs in, or correct AZURE_CLIENT_ID, which is its client id"
        case (400, nil):
            hint = "turn on the system-assigned identity, or name one of several by AZURE_CLIENT_ID"
        case (401, _), (403, _):
            hint = "IDENTITY_HEADER belongs to another container: leave it as Azure sets it"
        default: hint = "try again; when it stays so, restart what this runs in"
        }
        return SluiceError(
            status >= 500 || status == 429 ? .inputOutput : .permission,
            "\(who) got no token: status \(status)" + (words.map { ", \($0.prefix(300))" } ?? ""),
            hint: hint,
            isTransient: RetryPolicy.isTransient(status: status))
    }

    private func arc(_ endpoint: String, _ resource: String) async throws(SluiceError) -> AccessToken {
        let url = try WebAddress(endpoint).with(query: [
            ("api-version", "2020-06-01"), ("resource", resource),
        ])
        if clientID != nil {
            throw SluiceError(
                .unsupported, "Azure Arc has no user-assigned identities",
                hint: "leave AZURE_CLIENT_ID out there")
        }
        var request = HTTPRequest(.get, url, headers: ["Metadata": "true"], service: "msi")
        request.proxy = false
        let (response, _) = try await http.fetch(request, limit: 1 << 20)
        let challenge = response.headers["WWW-Authenticate"] ?? ""
        guard response.status == 401, let mark = challenge.firstRange(of: "Basic realm=") else {
            throw SluiceError(
                .permission, "Azure Arc did not say where its key lies: status \(response.status)")
        }
        let path = String(challenge[mark.upperBound...].prefix { $0 != "," && $0 != " " }).filter {
            $0 != "\""
        }
        // Whoever answers must not have any file read and sent to him.
        guard path.hasPrefix("/var/opt/azcmagent/tokens/"), path.hasSuffix(".key"), !path.contains("..")
        else {
            throw SluiceError(
                .permission, "Azure Arc named a key outside its own folder", place: .init(file: path))
        }
        let bytes = try readSmallFile(path, limit: 4096, what: "Azure Arc's key")
        let key = String(decoding: bytes, as: UTF8.self)
        Redactor.shared.protect(key)
        return try await ask(.get, url, ["Metadata": "true", "Authorization": "Basic \(key)"], "msi")
    }

    // MARK: The metadata service

    private func metadata(_ resource: String) async throws(SluiceError) -> LinkAnswer {
        let root = settings.environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"].flatMap {
            $0.isEmpty ? nil : $0
        }
        let base = try WebAddress(root ?? "http://\(AzureSettings.metadataHost)")
        // What stands in for the service in some places knows the oldest version only.
        var versions: ArraySlice<String> = ["2023-07-01", "2018-02-01"]
        func url() -> WebAddress {
            base.appending(path: "metadata/identity/oauth2/token").with(query: [
                ("api-version", versions.first), ("resource", resource), ("client_id", clientID),
            ])
        }
        var request = HTTPRequest(.get, url(), headers: ["Metadata": "true"], service: "imds")
        request.proxy = false
        // Elsewhere nobody answers at that address: a second is enough to find out.
        request.timeouts = HTTPTimeouts(connect: .seconds(1), stall: .seconds(10))
        var waits: ArraySlice<Int> = [800, 1600, 3200, 6400]
        // An answer that broke off says that somebody is there; where nobody is, asking again takes no time.
        var again = 2
        while true {
            let response: HTTPResponse
            let body: Buffer
            do throws(SluiceError) {
                (response, body) = try await http.fetch(request, retry: RetryPolicy.none, limit: 1 << 20)
            } catch {
                if error.code == .cancelled { throw error }
                if error.code != .timedOut, again > 0 {
                    again -= 1
                    continue
                }
                return .absent(
                    settings.emulator != nil
                        ? "the emulator cannot be reached: \(error.message)"
                        : "this is no machine of Azure: nobody answers at \(base.host)")
            }
            let answer = try? JSONText.parse(body)
            if response.isSuccess {
                return .token(try TokenAnswer(body, from: base.host).token, by: "metadata service")
            }
            let isAzure = answer != nil || response.headers["Server"]?.contains("IIS") == true
            guard isAzure else {
                return .absent("what answers at \(base.host) is not Azure's metadata service")
            }
            switch response.status {
            case 410 where waits.count == 4:
                // It is being updated, which takes up to 70 seconds.
                waits = [5000, 10_000, 20_000, 40_000]
                fallthrough
            case 404, 410, 429, 500...599:
                guard let wait = waits.popFirst() else { throw refusal(response.status, body) }
                do { try await http.options.clock.sleep(.milliseconds(wait)) } catch {
                    throw SluiceError(.cancelled, "cancelled while waiting for the metadata service")
                }
            case 400 where versions.count > 1 && answer.map({ $0.text().contains("api-version") }) == true:
                versions.removeFirst()
                request.url = url()
                request.service = "msi"
            case 400 where clientID == nil:
                return .absent(
                    "this machine has no managed identity, or several and AZURE_CLIENT_ID is not set")
            case 403
            where String(decoding: body.bytes.prefix(2000), as: UTF8.self).contains("unreachable"):
                return .absent("the metadata service cannot be reached from here")
            default: throw refusal(response.status, body)
            }
        }
    }
}
