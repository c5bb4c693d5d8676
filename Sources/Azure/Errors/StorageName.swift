public import Support

/// What storage accounts, containers, queues and blobs may be called. Names are checked before anything is sent.
public enum StorageName {
    /// Holds an account's name against the rule.
    public static func check(account name: String) throws(SluiceError) {
        let isFine = 3...24 ~= name.utf8.count && name.utf8.allSatisfy { isLower($0) || isDigit($0) }
        if isFine { return }
        throw refused("a storage account", name, "its name has 3 to 24 lower-case letters and digits")
    }

    /// Holds a container's name against the rule.
    public static func check(container name: String) throws(SluiceError) {
        if ["$root", "$web", "$logs", "$blobchangefeed"].contains(name) || isWord(name) { return }
        throw refused("a container", name, rule)
    }

    /// Holds a queue's name against the rule.
    public static func check(queue name: String) throws(SluiceError) {
        if isWord(name) { return }
        throw refused("a queue", name, rule)
    }

    /// Holds a blob's name, or a file's path in its container, against the rule.
    public static func check(path: String) throws(SluiceError) {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        let count = path.unicodeScalars.count
        guard 1...1024 ~= count else {
            throw refused(
                "a blob", String(path.prefix(40)) + (count > 40 ? "…" : ""),
                "its name has 1 to 1024 characters")
        }
        guard segments.count <= 254 else {
            throw refused("a blob", String(path.prefix(40)) + "…", "its path has at most 254 parts")
        }
        if path.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f || $0 == "\\" }) {
            throw refused(
                "a blob", path, "control characters and backslashes become something else on the way")
        }
        for segment in segments where segment == "." || segment == ".." || segment.hasSuffix(".") {
            throw refused(
                "a blob", path,
                "no part of its path is . or .., or ends in a dot: the service drops such dots")
        }
    }

    private static let rule =
        "its name has 3 to 63 lower-case letters, digits and single hyphens, and begins and ends with a letter or digit"

    private static func isWord(_ name: String) -> Bool {
        let letters = Array(name.utf8)
        return 3...63 ~= letters.count && letters.allSatisfy { isLower($0) || isDigit($0) || $0 == 45 }
            && letters.first != 45 && letters.last != 45 && !name.contains("--")
    }

    private static func refused(_ what: String, _ name: String, _ rule: String) -> SluiceError {
        SluiceError(.invalidConfiguration, "\(what) cannot be called \"\(name)\"", hint: rule)
    }

    private static func isLower(_ byte: UInt8) -> Bool { 97...122 ~= byte }
    private static func isDigit(_ byte: UInt8) -> Bool { 48...57 ~= byte }
}
