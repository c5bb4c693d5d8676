import Azure
import Support

/// With what right accounts are used. The first that is there counts:
///
/// 1. the shared access signature in the URL;
/// 2. `AZURE_STORAGE_CONNECTION_STRING`, or else `STORAGE_CONNECTION_STRING`, when it is of this account;
/// 3. `AZURE_STORAGE_KEY`, then `AZURE_STORAGE_SAS_TOKEN`, when `AZURE_STORAGE_ACCOUNT` is this account;
/// 4. the key that everybody knows, of the emulators' `devstoreaccount1`;
/// 5. the identity: environment, workload, managed identity, Azure CLI.
///
/// OneLake takes signatures of its own and identities only.
struct StoreRights: Sendable {
    private let environment: [String: String]
    /// The second is what the jobs are started with that came before `sluice map`.
    private static let connectionStrings = ["AZURE_STORAGE_CONNECTION_STRING", "STORAGE_CONNECTION_STRING"]

    init(environment: [String: String]) { self.environment = environment }

    /// A right, and where it is used.
    struct Right {
        enum Kind {
            case key(StorageAccountKey)
            case signature(SharedAccessSignature)
            case identity
        }

        let kind: Kind
        let endpoint: WebAddress

        /// The signature, where that is the right.
        var signature: String? { if case .signature(let signature) = kind { signature.query } else { nil } }

        func caller(_ cloud: AzureCloud) -> AzureClient.Caller {
            switch kind {
            case .key(let key): .authorizer(SharedKeyAuthorizer(key))
            case .signature(let signature): .authorizer(SASAuthorizer(signature))
            case .identity: .bearer(cloud.storageScope)
            }
        }
    }

    func right(for location: AzureLocation, cloud: AzureCloud) throws(SluiceError) -> Right {
        let endpoint = try address(of: location, cloud)
        if let text = location.signature {
            do throws(SluiceError) {
                return Right(kind: .signature(try SharedAccessSignature(text)), endpoint: endpoint)
            } catch {
                throw error.at(.init(file: location.name))
            }
        }
        if location.isOneLake { return Right(kind: .identity, endpoint: endpoint) }
        let account =
            location.account.hasSuffix("-secondary") ? String(location.account.dropLast(10)) : location.account
        for name in StoreRights.connectionStrings {
            guard let text = value(name) else { continue }
            let string: StorageConnectionString
            do throws(SluiceError) {
                string = try StorageConnectionString(text)
            } catch {
                throw error.at(.init(file: name))
            }
            if string.account == account {
                // Its endpoints count where the URL leaves the host to the settings.
                let given = location.dialect == .blob ? string.blobEndpoint : string.dfsEndpoint
                let place = location.host == nil && location.origin == nil ? given ?? endpoint : endpoint
                switch string.right {
                case .key(let key): return Right(kind: .key(key), endpoint: place)
                case .signature(let signature): return Right(kind: .signature(signature), endpoint: place)
                case .none: break
                }
            }
        }
        if value("AZURE_STORAGE_ACCOUNT") == account {
            if let key = value("AZURE_STORAGE_KEY") {
                return Right(kind: .key(try StorageAccountKey(account: account, key: key)), endpoint: endpoint)
            }
            if let text = value("AZURE_STORAGE_SAS_TOKEN") {
                do throws(SluiceError) {
                    return Right(kind: .signature(try SharedAccessSignature(text)), endpoint: endpoint)
                } catch {
                    throw error.at(.init(file: "AZURE_STORAGE_SAS_TOKEN"))
                }
            }
        }
        if account == StorageAccountKey.development.account {
            return Right(kind: .key(.development), endpoint: endpoint)
        }
        return Right(kind: .identity, endpoint: endpoint)
    }

    private func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

    private func address(of location: AzureLocation, _ cloud: AzureCloud) throws(SluiceError) -> WebAddress {
        if let origin = location.origin { return try WebAddress("\(origin)/\(location.account)") }
        let host = location.host ?? "\(location.account).\(location.dialect.rawValue).\(cloud.storageSuffix)"
        return try WebAddress("https://\(host)")
    }
}
