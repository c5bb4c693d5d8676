/// Whose a path is and who may do what with it; kept and told, not enforced.
struct AccessControl: Sendable, Equatable {
    var owner: String
    var group: String
    /// `user::rwx,group::r-x,other::---`, and entries of named ones.
    var acl: String

    /// What a new directory has.
    static let standard = AccessControl(
        owner: "$superuser", group: "$superuser", acl: "user::rwx,group::r-x,other::---")
    /// What a new file has.
    static let standardFile = AccessControl(
        owner: "$superuser", group: "$superuser", acl: "user::rw-,group::r--,other::---")

    /// The rights in nine letters, with a `+` where named ones have some too.
    var permissions: String {
        let entries = Self.entries(acl)
        func rights(_ who: String) -> String { entries.first { $0.who == who }?.rights ?? "---" }
        let isExtended = entries.contains { !["user::", "group::", "other::"].contains($0.who) }
        let group = isExtended && entries.contains { $0.who == "mask::" } ? rights("mask::") : rights("group::")
        return rights("user::") + group + rights("other::") + (isExtended ? "+" : "")
    }

    /// The entries of an access control list: `user:name:` and `rwx`.
    static func entries(_ acl: String) -> [(who: String, rights: String)] {
        acl.split(separator: ",").compactMap { item in
            guard let colon = item.lastIndex(of: ":") else { return nil }
            return (String(item[...colon]), String(item[colon...].dropFirst()))
        }
    }

    /// The list as it is kept, or nil when `text` is none.
    static func list(_ text: String) -> String? {
        let entries = entries(text)
        guard !entries.isEmpty, entries.count == text.split(separator: ",", omittingEmptySubsequences: false).count
        else { return nil }
        for (who, rights) in entries {
            let parts = who.split(separator: ":", omittingEmptySubsequences: false)
            let kind = parts.first == "default" ? parts.dropFirst().first : parts.first
            let isKind = ["user", "group", "other", "mask"].contains(kind ?? "")
            let isRights =
                rights.utf8.count == 3
                && zip(rights, "rwx").allSatisfy { $0 == $1 || $0 == "-" || ($1 == "x" && "tT".contains($0)) }
            guard isKind, isRights, parts.count == (parts.first == "default" ? 4 : 3) else { return nil }
        }
        return text
    }

    /// The list for rights in nine letters or four octal digits; nil when `text` is neither.
    static func list(permissions text: String) -> String? {
        var letters = text
        if let number = Int(text, radix: 8), (3...4).contains(text.utf8.count) {
            letters = ""
            for shift in [6, 3, 0] {
                for (bit, letter) in [(4, "r"), (2, "w"), (1, "x")] {
                    letters += number >> shift & bit != 0 ? letter : "-"
                }
            }
        }
        if letters.hasSuffix("+") { letters.removeLast() }
        guard letters.utf8.count == 9 else { return nil }
        let all = Array(letters)
        let thirds = [0, 3, 6].map { String(all[$0..<$0 + 3]) }
        return list("user::\(thirds[0]),group::\(thirds[1]),other::\(thirds[2])")
    }

    /// Takes entries in, or takes them out, as `setAccessControlRecursive` does.
    mutating func merge(_ change: String, removes: Bool) {
        var entries = Self.entries(acl)
        if removes {
            let gone = Set(change.split(separator: ",").map { $0.hasSuffix(":") ? String($0) : String($0) + ":" })
            entries.removeAll { gone.contains($0.who) }
        } else {
            for (who, rights) in Self.entries(change) {
                if let index = entries.firstIndex(where: { $0.who == who }) {
                    entries[index].rights = rights
                } else {
                    entries.append((who, rights))
                }
            }
        }
        acl = entries.map { $0.who + $0.rights }.joined(separator: ",")
    }
}
