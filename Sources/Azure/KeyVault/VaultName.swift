public import Support

/// What vaults and their secrets may be called. Names are checked before anything is sent.
public enum VaultName {
    /// The address of the vault that `text` is: a name, a host or a URL.
    ///
    /// - throws: `SluiceError` that tells the rule.
    public static func address(_ text: String, in cloud: AzureCloud) throws(SluiceError) -> WebAddress {
        if text.contains("://") || text.contains(".") {
            var address = try WebAddress(text.contains("://") ? text : "https://\(text)")
            guard address.scheme == "https" || isLocal(address.host) else {
                throw SluiceError(
                    .invalidConfiguration, "the vault's URL \(address) is not https",
                    hint: "write https://\(address.host)")
            }
            guard address.path == "/", address.query == nil else {
                throw SluiceError(
                    .invalidConfiguration, "the vault's URL \(address) has a path",
                    hint: "write \(address.origin)")
            }
            if let name = name(in: address.host, of: cloud) { try check(vault: name) }
            address.path = "/"
            return address
        }
        try check(vault: text)
        return WebAddress(host: "\(text.lowercased()).\(cloud.vaultSuffix)")
    }

    /// Holds a vault's name against the rule.
    public static func check(vault name: String) throws(SluiceError) {
        let letters = Array(name.utf8)
        let isFine =
            3...24 ~= letters.count && letters.allSatisfy(isLetterDigitOrHyphen) && isLetter(letters[0])
            && letters.last != 45 && !name.contains("--")
        if isFine { return }
        throw SluiceError(
            .invalidConfiguration, "a Key Vault cannot be called \"\(name)\"",
            hint:
                "its name has 3 to 24 letters, digits and single hyphens, begins with a letter and does not end in a hyphen"
        )
    }

    /// Holds a secret's name against the rule.
    public static func check(secret name: String) throws(SluiceError) {
        if isValid(secret: name) { return }
        let suggestion = suggestion(for: name)
        throw SluiceError(
            .invalidConfiguration, "a secret in Key Vault cannot be called \"\(name)\"",
            hint: "its name has 1 to 127 letters, digits and hyphens"
                + (suggestion.isEmpty ? "" : ": \"\(suggestion)\", for example"))
    }

    /// Whether a secret may be called that.
    public static func isValid(secret name: String) -> Bool {
        1...127 ~= name.utf8.count && name.utf8.allSatisfy(isLetterDigitOrHyphen)
    }

    /// What a variable's name is as a secret's: `AZURE_SQL_PASSWORD` → `azure-sql-password`.
    public static func suggestion(for name: String) -> String {
        let words = name.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        return String(words.joined(separator: "-").prefix(127))
    }

    private static func name(in host: String, of cloud: AzureCloud) -> String? {
        host.hasSuffix(".\(cloud.vaultSuffix)")
            ? String(host.dropLast(cloud.vaultSuffix.count + 1)) : nil
    }

    private static func isLocal(_ host: String) -> Bool {
        host == "localhost" || host == "127.0.0.1" || host == "[::1]"
    }

    private static func isLetter(_ byte: UInt8) -> Bool { 65...90 ~= byte || 97...122 ~= byte }
    private static func isLetterDigitOrHyphen(_ byte: UInt8) -> Bool {
        isLetter(byte) || 48...57 ~= byte || byte == 45
    }
}
