import HTTPServer
import Support

/// Why a secret of a job has no value.
struct SecretProblem: Error {
    let message: String
}

/// Finds out what a job may see: the values of its secrets, those of vaults among them, and the images of registries.
struct JobSecrets: Sendable {
    let vaults: VaultStore
    let directory: Directory

    /// The values of all secrets by their names.
    func values(of job: Resource) async throws(SecretProblem) -> [String: String] {
        var all: [String: String] = [:]
        for secret in job.hidden.at("secrets")?.items ?? [] {
            let name = secret.at("name")?.text ?? ""
            if let value = secret.at("value")?.text {
                all[name] = value
            } else {
                all[name] = try await value(
                    secret.at("keyVaultUrl")?.text ?? "", identity: secret.at("identity")?.text ?? "", of: name)
            }
        }
        return all
    }

    private func value(_ url: String, identity: String, of name: String) async throws(SecretProblem) -> String {
        let failure = "Failed to get the value of secret '\(name)' from '\(url)' using Managed identity '\(identity)'"
        guard let address = try? WebAddress(url) else { throw SecretProblem(message: "\(failure): it is no URL") }
        let labels = address.host.split(separator: ".")
        let parts = address.path.split(separator: "/").map(String.init)
        guard labels.count > 1, labels[1] == "vault", parts.count == 2 || parts.count == 3, parts[0] == "secrets" else {
            throw SecretProblem(message: "\(failure): it is no secret of a key vault")
        }
        let vault = String(labels[0])
        let caller = try client(identity, failure)
        if denies("keyvault", vault, address.path, caller) {
            throw SecretProblem(
                message: "\(failure): Caller is not authorized to perform action on resource (ForbiddenByRbac)")
        }
        let found: VaultStore.Version?
        do throws(SluiceError) {
            found = try await vaults.find(vault, parts[1], version: parts.count == 3 ? parts[2] : nil)
        } catch { throw SecretProblem(message: "\(failure): \(error.description)") }
        guard let found, found.isEnabled else {
            throw SecretProblem(message: "\(failure): SecretNotFound: there is no such secret, or it is disabled")
        }
        Redactor.shared.protect(found.value)
        return found.value
    }

    /// Makes sure that a job may pull an image.
    func checkPull(_ image: String, for job: Resource) async throws(ImageProblem) {
        guard let reference = ImageShelf.Reference(image), let registry = reference.registry,
            reference.host.contains("azurecr")
        else { return }
        let entry = JobDocument(document: job.document).configuration.at("registries")?.items?.first {
            $0.at("server")?.text?.lowercased() == reference.host
        }
        let unauthorized = ImageProblem(
            message:
                "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://\(reference.host)/oauth2/token: 401 Unauthorized"
        )
        guard let entry else { throw unauthorized }
        guard let identity = entry.at("identity")?.text, !identity.isEmpty else { return }
        let caller: Caller
        do throws(SecretProblem) { caller = try client(identity, "Failed to get a token for \(reference.host)") } catch
        {
            throw ImageProblem(message: error.message)
        }
        if denies("acr", registry, "/v2/\(reference.name)/manifests/\(reference.version)", caller) {
            throw unauthorized
        }
    }

    private func client(_ identity: String, _ failure: String) throws(SecretProblem) -> Caller {
        let choice = ManagedIdentities(directory: directory).choose(
            client: nil, object: nil, resource: identity.lowercased() == "system" ? nil : identity)
        switch choice {
        case .one(let found):
            return .identity(objectID: found.object, clientID: found.client, tenant: EmulatorOptions.defaultTenant)
        case .none, .several: throw SecretProblem(message: "\(failure): the identity does not exist")
        }
    }

    /// Whether the directory denies what the platform asks in an identity's name.
    private func denies(_ service: String, _ account: String, _ path: String, _ caller: Caller) -> Bool {
        var request = EmulatedRequest(
            server: ServerRequest(method: "GET", target: path), id: "", now: .now, endpoint: .other, account: account,
            path: path, baseURL: "", isPathStyle: false)
        request.caller = caller
        return directory.denial(request, service: service, credential: "token") != nil
    }
}
