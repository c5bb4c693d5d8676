import Support
import Transport

extension AzureServiceError {
    /// As whom the request was made.
    enum Who {
        case nobody
        case identity(TokenClaims?)
        case accountKey
        case signature
    }

    /// One sentence that says what was refused and why, and what to do about it.
    func explained(request: HTTPRequest, as who: Who, settings: AzureSettings) -> SluiceError {
        let target = AzureTarget(request, settings: settings)
        let reason = skew ?? known(target, who, settings) ?? general(target)
        var message =
            "\(target.sentence) failed: \(reason.text) (\(status)\(code.map { " \($0)" } ?? "")"
        if let requestID, requestID.utf8.count <= 100 { message += ", request \(requestID)" }
        return SluiceError(
            reason.code, message + ")", hint: reason.hint,
            isTransient: RetryPolicy.isTransient(status: status))
    }

    /// What a host that does not exist means; nil for hosts that are not Azure's.
    static func unknownHost(_ host: String, settings: AzureSettings) -> SluiceError? {
        let name = host.split(separator: ".").first.map(String.init) ?? host
        let cloud = settings.cloud
        let what =
            host.hasSuffix(".\(cloud.storageSuffix)")
            ? "storage account" : host.hasSuffix(".\(cloud.vaultSuffix)") ? "Key Vault" : nil
        guard let what else { return nil }
        return SluiceError(
            .notFound,
            "there is no \(what) \"\(name)\" in the cloud \"\(cloud.name)\": the host \(host) is unknown",
            hint: "check the name, and AZURE_CLOUD; for a private endpoint, that this network resolves it"
        )
    }

    /// Why, and what to do.
    struct Reason {
        var code: SluiceError.Code
        var text: String
        var hint: String?

        init(_ code: SluiceError.Code, _ text: String, _ hint: String? = nil) {
            self.code = code
            self.text = text
            self.hint = hint
        }
    }

    // MARK: Rules

    /// Signatures and tokens of a machine whose clock is wrong are refused in many words that do not say so.
    private var skew: Reason? {
        guard status == 401 || status == 403, let date else { return nil }
        let difference = date.seconds - Moment.now.seconds
        guard abs(difference) > 600 else { return nil }
        let minutes = "\((abs(difference) + 30) / 60) minutes \(difference > 0 ? "behind" : "ahead")"
        return Reason(
            .permission,
            "this machine's clock is \(minutes), and signatures and tokens are held for invalid",
            "set the clock: timedatectl set-ntp true")
    }

    private func known(_ target: AzureTarget, _ who: Who, _ settings: AzureSettings) -> Reason? {
        if let reason = wrongTenant(target, who) { return reason }
        switch innerCode ?? code {
        case "ForbiddenByRbac"?: return roleMissing(target, who)
        case "ForbiddenByPolicy"?: return policyMissing(target, who)
        case "ForbiddenByFirewall"?, "ForbiddenByConnection"?: return network(target)
        case "SecretDisabled"?:
            return Reason(
                .permission, "the secret is disabled",
                "enable it: az keyvault secret set-attributes --vault-name \(target.name) --name \(target.part) --enabled true"
            )
        default: break
        }
        switch code {
        case "AuthorizationPermissionMismatch"?, "AuthorizationPermissionDenied"?,
            "InsufficientAccountPermissions"?:
            return roleMissing(target, who)
        case "AuthorizationFailure"? where target.kind != .other: return network(target)
        case "AuthorizationFailed"?:
            return Reason(
                .permission, message.isEmpty ? "no role permits it" : message,
                "have a role assigned: az role assignment create --role Contributor \(assignee(who)) --scope SCOPE"
            )
        case "KeyBasedAuthenticationNotPermitted"?:
            return Reason(
                .permission, "\(target.place) does not permit account keys",
                "sign in with an identity instead: leave the key out, and have the role \"\(target.role ?? "")\" assigned"
            )
        case "AuthenticationFailed"?, "InvalidAuthenticationInfo"?:
            return authenticationFailed(target, who)
        case "AuthorizationResourceTypeMismatch"?, "AuthorizationServiceMismatch"?,
            "AuthorizationProtocolMismatch"?,
            "AuthorizationSourceIPMismatch"?:
            return Reason(
                .permission, "the shared access signature is for something else: \(message)",
                "make one whose services, resource types, protocol and addresses include this request")
        case "NoAuthenticationInformation"?, "PublicAccessNotPermitted"?:
            return Reason(
                .permission, "it is not public",
                "sign in with an identity, or use a shared access signature")
        case "AccountIsDisabled"?:
            return Reason(.permission, "\(target.place) is disabled", "ask who owns it")
        default: return missing(target)
        }
    }

    private func missing(_ target: AzureTarget) -> Reason? {
        switch (code, status) {
        case ("ContainerNotFound"?, _), ("FilesystemNotFound"?, _):
            return Reason(
                .notFound, "there is no container \"\(target.part)\" on \(target.place)",
                "create it: az storage container create --account-name \(target.name) --name \(target.part) --auth-mode login"
            )
        case ("QueueNotFound"?, _):
            return Reason(.notFound, "there is no queue \"\(target.part)\" on \(target.place)")
        case ("SecretNotFound"?, _):
            return Reason(
                .notFound, "there is no such secret, or no such version of it",
                "list them: az keyvault secret list --vault-name \(target.name) --query \"[].name\"")
        case (_, 404): return Reason(.notFound, "it is not there", nil)
        case (_, 429), ("ServerBusy"?, _), ("OperationTimedOut"?, _):
            let wait =
                retryAfter.map { ", and asks to be left alone for \($0.components.seconds) s" } ?? ""
            return Reason(
                .inputOutput, "\(target.place) has more to do than it can\(wait)",
                "run less at the same time, or later")
        default: return nil
        }
    }

    private func general(_ target: AzureTarget) -> Reason {
        let text = message.isEmpty ? "the service said no more" : message
        switch status {
        case 401, 403: return Reason(.permission, text)
        case 400 where (code ?? "").hasPrefix("Invalid") || code == "OutOfRangeInput":
            return Reason(.invalidConfiguration, text)
        default: return Reason(.inputOutput, text)
        }
    }

    private func roleMissing(_ target: AzureTarget, _ who: Who) -> Reason {
        if case .signature = who {
            return Reason(
                .permission, "the shared access signature does not permit it",
                "make one with the rights that it needs: r reads, l lists, a, c and w write, d deletes")
        }
        guard let role = target.role else {
            return Reason(
                .permission, "\(name(who)) has no role in \(target.place) that permits it",
                "have it made a Contributor of the workspace, and see that service principals may use Fabric's API"
            )
        }
        return Reason(
            .permission, "\(name(who)) has no role that permits it",
            "have the role \"\(role)\" assigned on \(target.place): az role assignment create --role \"\(role)\" "
                + "\(assignee(who)) --scope $(\(target.scopeCommand)); it takes up to 10 minutes to hold")
    }

    private func policyMissing(_ target: AzureTarget, _ who: Who) -> Reason {
        let reads = target.method == .get || target.method == .head
        var object = "OBJECT-ID"
        if case .identity(let claims) = who, let id = claims?.objectID { object = id }
        return Reason(
            .permission, "no access policy of \(target.place) permits it to \(name(who))",
            "az keyvault set-policy --name \(target.name) --object-id \(object) --secret-permissions "
                + (reads ? "get list" : "get list set delete"))
    }

    private func network(_ target: AzureTarget) -> Reason {
        let command =
            target.kind == .vault
            ? "az keyvault network-rule add --name \(target.name) --ip-address ADDRESS"
            : "az storage account network-rule add --account-name \(target.name) --ip-address ADDRESS"
        return Reason(
            .permission, "the network rules of \(target.place) keep this machine out",
            "come from a network that they allow, or add this one: \(command)")
    }

    private func wrongTenant(_ target: AzureTarget, _ who: Who) -> Reason? {
        guard status == 401 || status == 403, case .identity(let claims) = who else { return nil }
        var wanted = challengedTenant
        let all = message + detail
        if wanted == nil, all.contains("AKV10032"),
            let range = all.firstRange(of: "https://sts.windows.net/")
        {
            wanted = String(all[range.upperBound...].prefix { $0 != "/" && $0 != "," })
        }
        let isIssuer = all.contains("Issuer validation failed")
        guard wanted != nil || isIssuer else { return nil }
        if let wanted, wanted.lowercased() == claims?.tenant?.lowercased() { return nil }
        guard claims?.tenant != nil || isIssuer else { return nil }
        let home = claims?.tenant.map { " of the tenant \($0)" } ?? " of another tenant"
        return Reason(
            .permission,
            "\(target.place) belongs to the tenant \(wanted ?? "of its subscription"), \(name(who)) is\(home)",
            "sign in there: az login\(wanted.map { " --tenant \($0)" } ?? ""), or set AZURE_TENANT_ID"
                + (wanted.map { "=\($0)" } ?? ""))
    }

    private func authenticationFailed(_ target: AzureTarget, _ who: Who) -> Reason {
        switch who {
        case .signature:
            if detail.contains("time frame") || detail.contains("Expiry") {
                return Reason(
                    .permission, "the shared access signature is not valid at this time",
                    "it has expired, or does not hold yet: ask for a new one")
            }
            return Reason(
                .permission, "the shared access signature is wrong",
                "it is for another resource, was made with a key that has been renewed, or was not copied whole"
            )
        case .accountKey:
            return Reason(
                .permission, "the account key is wrong",
                "it is another account's, or was renewed: az storage account keys list --account-name \(target.name)"
            )
        case .identity:
            return Reason(
                .permission, "the token is not accepted" + (message.isEmpty ? "" : ": \(message)"),
                "see who signs in: sluice check --identity")
        case .nobody:
            return Reason(.permission, "it is not public", "sign in with an identity")
        }
    }

    private func name(_ who: Who) -> String {
        switch who {
        case .nobody: "whoever does not sign in"
        case .identity(let claims): claims?.shown ?? "the identity"
        case .accountKey: "the account key"
        case .signature: "the shared access signature"
        }
    }

    private func assignee(_ who: Who) -> String {
        guard case .identity(let claims) = who, let claims else { return "--assignee WHO" }
        if let id = claims.objectID {
            return
                "--assignee-object-id \(id) --assignee-principal-type \(claims.isUser ? "User" : "ServicePrincipal")"
        }
        return "--assignee \(claims.applicationID ?? "WHO")"
    }
}
