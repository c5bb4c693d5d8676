import Synchronization

/// Where the emulator itself listens, which is known once it does: what programs that it runs are told.
final class LocalAddress: Sendable {
    private let base = Mutex<String?>(nil)

    /// `http://127.0.0.1:10000`; nil as long as nobody listens.
    var current: String? { base.withLock { $0 } }

    func set(_ new: String) { base.withLock { $0 = new } }

    /// What a program has to know to find the emulated services instead of Azure's own.
    ///
    /// - parameter identityHeader: What it has to show to be given tokens; nil when it has no identity.
    func environment(identityHeader: String?) -> [String: String] {
        guard let current else { return [:] }
        var all = ["SLUICE_AZURE_EMULATOR": current]
        if let identityHeader {
            all["IDENTITY_ENDPOINT"] = "\(current)/msi/token"
            all["IDENTITY_HEADER"] = identityHeader
        }
        return all
    }
}
