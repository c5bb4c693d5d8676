public import Support
public import Transport

/// What an Azure service says when it refuses, whichever of Azure's forms it says it in.
public struct AzureServiceError: Sendable {
    /// The status code.
    public let status: Int
    /// The service's word for it: `AuthorizationPermissionMismatch`.
    public let code: String?
    /// A narrower word, where there is one: `ForbiddenByRbac`.
    public let innerCode: String?
    /// What the service says, in one line.
    public let message: String
    /// What it adds, for those who sign.
    let detail: String
    /// The service's id of the request, for support.
    public let requestID: String?
    /// The tenant that a challenge names.
    public let challengedTenant: String?
    /// What time it is there.
    public let date: Moment?
    /// How long it asks to be left alone.
    public let retryAfter: Duration?

    /// The error in an answer.
    public init(_ response: HTTPResponse, body: Buffer) {
        status = response.status
        let headers = response.headers
        var found = Words()
        let first = body.withUnsafeBytes { bytes in bytes.first { $0 > 32 && $0 < 0x80 } }
        if first == UInt8(ascii: "<") {
            found.readXML(body)
        } else if first == UInt8(ascii: "{"), let json = try? JSONText.parse(body) {
            found.readJSON(json)
        }
        code = headers["x-ms-error-code"] ?? found.code
        innerCode = found.innerCode
        let lines = found.message.split(whereSeparator: \.isNewline)
        message = String((lines.first ?? "").prefix(400))
        detail = String(found.detail.prefix(2000))
        requestID =
            headers["x-ms-request-id"] ?? headers["x-ms-correlation-request-id"] ?? headers["request-id"]
            ?? found.requestID
        challengedTenant =
            headers.all("WWW-Authenticate").compactMap { AuthenticationChallenge($0)?.tenant }.first
        date = headers["Date"].flatMap { Moment(httpDate: $0) }
        retryAfter = response.retryAfter
    }

    /// The words in a body.
    private struct Words {
        var code: String?
        var innerCode: String?
        var message = ""
        var detail = ""
        var requestID: String?

        /// `<Error><Code/><Message/></Error>`
        mutating func readXML(_ body: Buffer) {
            // Some begin with a byte order mark.
            let start =
                body.withUnsafeBytes { bytes in bytes.firstIndex { $0 == UInt8(ascii: "<") } } ?? 0
            guard let root = try? XMLNode.parse(body[start..<body.count]) else { return }
            code = root["Code"]?.text
            message = root["Message"]?.text ?? ""
            detail = root["AuthenticationErrorDetail"]?.text ?? ""
        }

        /// ARM's and Key Vault's `{error: {code, message, innererror}}`, Batch's `{code, message: {value}}`, Fabric's
        /// `{errorCode, message, requestId}`, Databricks' `{error_code, message}`, .NET's `{Message}`, OAuth's
        /// `{error, error_description}`.
        mutating func readJSON(_ json: JSONText) {
            let error =
                json["error"]?.members == nil ? json["odata.error"] ?? json : json["error"] ?? json
            code =
                error["code"]?.text ?? error["errorCode"]?.text ?? error["error_code"]?.text
                ?? json["error"]?.text
            message =
                error["message"]?.text ?? error["message"]?["value"]?.text ?? error["Message"]?.text
                ?? json["error_description"]?.text ?? ""
            innerCode = error["innererror"]?["code"]?.text ?? error["innerError"]?["code"]?.text
            requestID = json["requestId"]?.text ?? json["TraceId"]?.text
            if let first = error["details"]?.items?.first ?? error["moreDetails"]?.items?.first {
                if let text = first["message"]?.text, !text.isEmpty, text != message {
                    message += ": \(text)"
                }
                if innerCode == nil { innerCode = first["code"]?.text ?? first["errorCode"]?.text }
            }
            for value in error["values"]?.items ?? [] {
                if let text = value["value"]?.text { detail += "\(value["key"]?.text ?? ""): \(text); " }
            }
        }
    }
}

/// What a service answers to those who do not say who they are: where tokens come from, and for what.
public struct AuthenticationChallenge: Sendable {
    /// The parameters by lower-case name.
    public let parameters: [String: String]

    /// The challenge in a `WWW-Authenticate` header; nil when it asks for something else than a token.
    public init?(_ header: String) {
        guard header.lowercased().hasPrefix("bearer") else { return nil }
        var parameters: [String: String] = [:]
        var rest = header.dropFirst("bearer".count)
        while true {
            rest = rest.drop { $0 == " " || $0 == "," }
            guard let equals = rest.firstIndex(of: "=") else { break }
            let name = rest[..<equals].lowercased()
            rest = rest[rest.index(after: equals)...]
            if rest.first == "\"" {
                rest = rest.dropFirst()
                let end = rest.firstIndex(of: "\"") ?? rest.endIndex
                parameters[name] = String(rest[..<end])
                rest = end == rest.endIndex ? "" : rest[rest.index(after: end)...]
            } else {
                let end = rest.firstIndex { $0 == " " || $0 == "," } ?? rest.endIndex
                parameters[name] = String(rest[..<end])
                rest = rest[end...]
            }
        }
        self.parameters = parameters
    }

    /// Where tokens come from.
    public var authority: String? { parameters["authorization"] ?? parameters["authorization_uri"] }

    /// The directory: the first part of the authority's path.
    public var tenant: String? {
        guard let authority, let address = try? WebAddress(authority) else { return nil }
        let tenant = address.path.split(separator: "/").first.map(String.init)
        return tenant == "common" || tenant == "organizations" ? nil : tenant
    }

    /// What tokens have to be for, as a scope of version 2.
    public var scope: String? {
        if let scope = parameters["scope"] { return scope }
        return (parameters["resource"] ?? parameters["resource_id"]).map { resource in
            resource.hasSuffix("/") ? "\(resource.dropLast())/.default" : "\(resource)/.default"
        }
    }
}
