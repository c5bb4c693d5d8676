import Azure
import CCrypto
import Support
import Synchronization

/// The keys of the emulator's storage accounts: every name is an account, and its key follows from the name.
public enum AccountKeys {
    /// The account that official tools know without being told.
    public static let development = "devstoreaccount1"

    /// The key of an account as the portal would show it.
    ///
    /// It is no secret: whoever reaches the emulator may know it.
    public static func key(of account: String) -> String {
        if account == development {
            return "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
        }
        var digest = [UInt8](repeating: 0, count: 64)
        let text = Array("sluice emulator key of \(account)".utf8)
        SHA512(text, text.count, &digest)
        return Base64.encode(digest)
    }

    private static let known = Mutex<[String: StorageAccountKey]>([:])

    static func signing(_ account: String) throws(SluiceError) -> StorageAccountKey {
        if account == development { return .development }
        if let key = known.withLock({ $0[account] }) { return key }
        let key = try StorageAccountKey(account: account, key: key(of: account))
        known.withLock { known in
            if known.count > 1000 { known = [:] }
            known[account] = key
        }
        return key
    }

    /// Whether an account can have this name.
    static func isName(_ text: String) -> Bool {
        (3...24).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
            }
    }
}
