public import Support

/// A storage account's name and one of its two keys. The key is never shown, and is protected from the moment it is known.
public struct StorageAccountKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The account.
    public let account: String
    private let key: [UInt8]

    /// The account and key that everybody knows: what a local emulator accepts.
    public static let development = StorageAccountKey(
        account: "devstoreaccount1",
        key: Base64.decode(
            "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==") ?? [])

    private init(account: String, key: [UInt8]) {
        self.account = account
        self.key = key
    }

    /// The key of `account` as the portal shows it.
    ///
    /// - throws: `SluiceError` when `key` is not Base64.
    public init(account: String, key: String) throws(SluiceError) {
        Redactor.shared.protect(key)
        guard let bytes = Base64.decode(key), !bytes.isEmpty else {
            throw SluiceError(
                .invalidConfiguration, "the key of the storage account \"\(account)\" is not Base64",
                hint:
                    "copy it whole, with the = signs at its end: az storage account keys list --account-name \(account)"
            )
        }
        self.init(account: account, key: bytes)
    }

    /// The signature of `text`, in Base64.
    public func sign(_ text: String) throws(SluiceError) -> String {
        Base64.encode(try Digest.authentication(of: text, key: key))
    }

    /// Whether `signature` is that of `text`.
    public func isSignature(_ signature: String, of text: String) throws(SluiceError) -> Bool {
        Digest.areEqual(Base64.decode(signature) ?? [], try Digest.authentication(of: text, key: key))
    }

    /// The account, never the key.
    public var description: String { "key of storage account \(account)" }
    /// The account, never the key.
    public var debugDescription: String { description }
    /// Nothing of the key, which a dump would show.
    public var customMirror: Mirror { Mirror(self, children: ["account": account]) }
}
