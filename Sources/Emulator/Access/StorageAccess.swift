import Azure
import HTTPServer
import Support

/// Finds out who asks a storage service, and whether that is allowed.
struct StorageAccess: Sendable {
    /// The services whose requests it checks.
    static let services: Set<String> = ["blob", "dfs", "queue"]

    let issuer: TokenIssuer
    let directory: Directory

    /// What came of it.
    enum Outcome {
        case allowed(Caller)
        case refused(ServerResponse)
    }

    func check(_ request: EmulatedRequest, _ service: any EmulatedService) async -> Outcome {
        let refusals = Refusals(request: request, service: service.name, tenant: issuer.tenant)
        guard AccountKeys.isName(request.account) else {
            return .refused(
                refusals.error(
                    400, "OutOfRangeInput", "The specified account name is not one: 3 to 24 letters and digits."))
        }
        var outcome: Outcome
        let credential: String
        if let authorization = request.server.headers["Authorization"], !authorization.isEmpty {
            if authorization.lowercased().hasPrefix("bearer ") {
                credential = "token"
                outcome = byToken(request, String(authorization.dropFirst("bearer ".count)), refusals)
            } else {
                credential = "key"
                outcome = byKey(request, authorization, refusals)
            }
        } else if let signature = SharedAccessSignature(items: request.server.query) {
            credential = "sas"
            var policy: StoredPolicy?
            if let id = signature["si"] { policy = await service.storedPolicy(id, for: request) }
            outcome = SignatureCheck(
                request: request, service: service.name, signature: signature, policy: policy, issuer: issuer
            ).check(refusals)
        } else {
            credential = "none"
            outcome = await service.isPublic(request) ? .allowed(.anonymous) : .refused(refusals.nobody)
        }
        if case .allowed(let caller) = outcome {
            var known = request
            known.caller = caller
            if let code = directory.denial(known, service: service.name, credential: credential) {
                outcome = .refused(refusals.denied(code))
            }
        }
        return outcome
    }

    private func byKey(_ request: EmulatedRequest, _ authorization: String, _ refusals: Refusals) -> Outcome {
        guard let (account, signature) = SharedKey.parse(authorization: authorization) else {
            return .refused(
                refusals.error(
                    400, "InvalidAuthenticationInfo",
                    "Authentication information is not given in the correct format. Check the value of Authorization header."
                ))
        }
        if request.account == "onelake" { return .refused(refusals.denied("KeyBasedAuthenticationNotPermitted")) }
        guard account == request.account else {
            return .refused(
                refusals.unauthentic(
                    "The account '\(account)' that signed is not '\(request.account)', which was asked."))
        }
        let date = request.server.headers["x-ms-date"] ?? request.server.headers["Date"] ?? ""
        guard let moment = Moment(httpDate: date) else {
            return .refused(refusals.unauthentic("Request date header not specified or not valid: '\(date)'"))
        }
        guard abs(moment.seconds - request.now.seconds) <= 900 else {
            return .refused(refusals.unauthentic("Request date header too old: '\(date)'"))
        }
        let text = SharedKey.stringToSign(
            method: request.server.method, account: account, path: request.server.path,
            query: request.server.rawQuery.isEmpty ? nil : request.server.rawQuery, headers: request.server.headers)
        guard (try? AccountKeys.signing(account).isSignature(signature, of: text)) == true else {
            return .refused(
                refusals.unauthentic(
                    "The MAC signature found in the HTTP request '\(signature)' is not the same as any computed signature. Server used following string to sign: '\(text)'."
                ))
        }
        return .allowed(.accountKey)
    }

    private func byToken(_ request: EmulatedRequest, _ token: String, _ refusals: Refusals) -> Outcome {
        let version = request.server.headers["x-ms-version"] ?? ""
        guard version >= "2017-11-09" else {
            return .refused(
                refusals.unauthentic("Authentication scheme Bearer is not supported in this version: '\(version)'"))
        }
        let own = ["blob", "dfs", "queue"].map { "https://\(request.account).\($0).core.windows.net" }
        let accepted = Set(["https://storage.azure.com"] + own)
        let caller = issuer.caller(
            of: token,
            audiences: { audience in
                accepted.contains(audience.hasSuffix("/") ? String(audience.dropLast()) : audience)
                    || audience == "e406a681-f3d4-42a8-90b6-c2b029497af1"
            }, now: request.now)
        switch caller {
        case .success(let caller): return .allowed(caller)
        case .failure(let problem): return .refused(refusals.untrusted(problem.reason))
        }
    }

    /// The answer to whoever asks for a key to sign URLs with; nil for every other request.
    func delegationKey(for request: EmulatedRequest) async -> ServerResponse? {
        guard request.path == "/", request.server.method == "POST",
            request.server[query: "comp"] == "userdelegationkey"
        else { return nil }
        let refusals = Refusals(request: request, service: "blob", tenant: issuer.tenant)
        guard case .identity(let object, _, let tenant) = request.caller else {
            return refusals.unauthentic("Only authentication scheme Bearer is supported")
        }
        guard let body = try? await request.server.collect(limit: 64 << 10), let info = try? XMLNode.parse(body),
            let expiry = info["Expiry"]?.text, let end = Moment(iso: expiry)
        else { return refusals.error(400, "InvalidXmlDocument", "XML specified is not syntactically valid.") }
        let start = info["Start"]?.text ?? request.now.isoSeconds
        guard let begin = Moment(iso: start), end.seconds > begin.seconds,
            end.seconds - max(begin.seconds, request.now.seconds) <= 7 * 86_400 + 300
        else {
            return refusals.error(
                400, "InvalidXmlNodeValue",
                "The key's start and expiry are not at most 7 days apart: \(start), \(expiry)")
        }
        let version = request.server.headers["x-ms-version"] ?? "2023-11-03"
        let terms = [object, tenant, begin.isoSeconds, end.isoSeconds, "b", version]
        guard let key = try? issuer.delegationKey(terms) else {
            return refusals.error(500, "InternalError", "The key could not be made.")
        }
        let names = ["SignedOid", "SignedTid", "SignedStart", "SignedExpiry", "SignedService", "SignedVersion"]
        let children = zip(names, terms).map { XMLNode($0, text: $1) } + [XMLNode("Value", text: Base64.encode(key))]
        return .xml(XMLNode("UserDelegationKey", children: children))
    }
}

/// How a storage service says no.
struct Refusals: Sendable {
    let request: EmulatedRequest
    let service: String
    let tenant: String

    func error(_ status: Int, _ code: String, _ message: String, detail: String? = nil) -> ServerResponse {
        if service == "dfs" { return ServiceErrors.dataLake(status, code, message, for: request) }
        guard let detail else { return ServiceErrors.storage(status, code, message, for: request) }
        return ServiceErrors.storage(
            status, code, message, details: ["AuthenticationErrorDetail": detail], for: request)
    }

    /// The signature is wrong, too old, or for something else.
    func unauthentic(_ detail: String) -> ServerResponse {
        error(
            403, "AuthenticationFailed",
            "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.",
            detail: detail)
    }

    /// The token is none that counts here.
    func untrusted(_ detail: String) -> ServerResponse {
        var response = error(
            401, "InvalidAuthenticationInfo",
            "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
            detail: detail)
        response.headers["WWW-Authenticate"] = challenge
        return response
    }

    /// Nobody said who asks.
    var nobody: ServerResponse {
        var response = error(
            401, "NoAuthenticationInformation",
            "Server failed to authenticate the request. Please refer to the information in the www-authenticate header."
        )
        response.headers["WWW-Authenticate"] = challenge
        return response
    }

    /// Who asks is known, and may not.
    func denied(_ code: String) -> ServerResponse {
        let message =
            switch code {
            case "AuthorizationPermissionMismatch":
                "This request is not authorized to perform this operation using this permission."
            case "KeyBasedAuthenticationNotPermitted":
                "Key based authentication is not permitted on this storage account."
            case "AuthorizationProtocolMismatch":
                "This request is not authorized to perform this operation using this protocol."
            case "AuthorizationSourceIPMismatch":
                "This request is not authorized to perform this operation using this source IP \(request.server.remoteAddress)."
            case "AuthorizationServiceMismatch":
                "This request is not authorized to perform this operation using this service."
            case "AuthorizationResourceTypeMismatch":
                "This request is not authorized to perform this operation using this resource type."
            default: "This request is not authorized to perform this operation."
            }
        return error(403, code, message)
    }

    private var challenge: String {
        "Bearer authorization_uri=https://login.microsoftonline.com/\(tenant)/oauth2/authorize resource_id=https://storage.azure.com"
    }
}
