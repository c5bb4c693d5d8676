import Glibc
import Support

/// Whoever signed in on this machine with `az login`.
struct CLILink: IdentityLink {
    let kind = IdentityKind.cli
    let settings: AzureSettings
    /// It is a large program, which takes seconds to start.
    var limit = Duration.seconds(30)
    private static let queue = BlockingQueue("azure-cli")

    func token(for scope: String, tenant: String?) async throws(SluiceError) -> LinkAnswer {
        if settings.emulator != nil {
            return .absent("its tokens are for the real Azure, and an emulator is set")
        }
        guard let path = program() else { return .absent("az is not installed, or not in PATH") }
        let resource = scope.hasSuffix("/.default") ? String(scope.dropLast("/.default".count)) : scope
        var arguments = ["account", "get-access-token", "--output", "json", "--resource", resource]
        if let tenant = tenant ?? settings.tenant { arguments += ["--tenant", tenant] }
        let environment = environment
        let run = arguments
        let limit = limit
        let outcome: LocalProcess.Outcome
        do throws(SluiceError) {
            outcome = try await CLILink.queue.run { () throws(SluiceError) in
                try LocalProcess.run(
                    path, run, environment: environment, folder: "/bin", within: limit, limit: 1 << 20)
            }
        } catch {
            // What it is a script for may not be there.
            if error.code == .notFound || error.code == .permission { return .absent("az cannot be run") }
            throw error
        }
        // What it prints is a token, and is shown nowhere.
        if outcome.status == 0 { return .token(try CLILink.token(outcome.output), by: "az login") }
        let words = String(decoding: outcome.errors, as: UTF8.self)
        if outcome.status == 127 { return .absent("az cannot be run") }
        if words.contains("az login") || words.contains("az account set") {
            return .absent("nobody has signed in: az login")
        }
        let line =
            words.split(whereSeparator: \.isNewline).last { !$0.isEmpty }
            ?? "it ended with \(outcome.status)"
        let tenantHint = tenant ?? settings.tenant
        throw SluiceError(
            .permission, "az: \(line.prefix(300))",
            hint: "az login" + (tenantHint.map { " --tenant \($0)" } ?? ""))
    }

    /// What az is started with: the environment of this process, and of what `.env` adds only what az itself reads. Secrets
    /// are none of its business: it keeps its own.
    private var environment: [String: String] {
        settings.environment.filter { name, value in
            if Redactor.isSecret(key: name) || name.hasPrefix("AZURE_STORAGE_") { return false }
            if CLILink.itsOwn.contains(name.uppercased()) { return true }
            return getenv(name).map { String(cString: $0) == value } ?? false
        }
    }

    private static let itsOwn: Set<String> = [
        "PATH", "HOME", "LANG", "TMPDIR", "AZURE_CONFIG_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
        "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR",
    ]

    /// `az` in a folder of PATH. A folder that is not named from the root could be anybody's, and is left out.
    private func program() -> String? {
        (settings.environment["PATH"] ?? "").split(separator: ":").filter { $0.hasPrefix("/") }
            .map { "\($0)/az" }.first { access($0, X_OK) == 0 }
    }

    private static func token(_ output: [UInt8]) throws(SluiceError) -> AccessToken {
        let answer = try? JSONText.parse(Buffer(output))
        guard let value = answer?["accessToken"]?.text, !value.isEmpty else {
            throw SluiceError(
                .invalidData, "az answered without a token",
                hint: "try it: az account get-access-token --query expiresOn")
        }
        if answer?["expires_on"]?.integer != nil {
            return try TokenAnswer(Buffer(output), from: "az").token
        }
        // Older ones tell the local time only.
        let expiry =
            answer?["expiresOn"]?.text.flatMap(localTime) ?? Moment(seconds: Moment.now.seconds + 300)
        return AccessToken(value, expiresAt: expiry)
    }

    private static func localTime(_ text: String) -> Moment? {
        let numbers = text.split { !$0.isNumber }.prefix(6).compactMap { Int32($0) }
        guard numbers.count == 6 else { return nil }
        var parts = tm()
        parts.tm_year = numbers[0] &- 1900
        parts.tm_mon = numbers[1] &- 1
        parts.tm_mday = numbers[2]
        parts.tm_hour = numbers[3]
        parts.tm_min = numbers[4]
        parts.tm_sec = numbers[5]
        parts.tm_isdst = -1
        let time = mktime(&parts)
        return time < 0 ? nil : Moment(seconds: Int(time))
    }
}
