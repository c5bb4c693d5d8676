import Azure
package import Support

/// What jobs are called on Container Apps: 2 to 32 small letters, digits and single hyphens, the first a letter.
package enum ContainerAppsName {
    /// The longest name that there may be.
    static let longest = 32

    /// The name of a job by the rule: `{project}-init-{purpose}-{environment}` for init jobs, `{job}-{unique id}` where the
    /// platform has such an id, `{project}-{job}-{environment}` else; or the one that is declared.
    ///
    /// - throws: A name that cannot be, before anything is sent, with one that can.
    package static func name(of job: JobDeployment, uniqueID: String?) throws(SluiceError) -> String {
        if let name = job.needs.name {
            try check(name, "deploy.name of the job \(job.job)")
            return name
        }
        var words: [String]
        if job.kind == "init" {
            words = [job.project, "init", job.purpose] + [job.environment].compactMap { $0 }
        } else if let uniqueID {
            words = [job.needs.purpose ?? job.job, uniqueID]
        } else {
            words = [job.project, job.needs.purpose ?? job.job] + [job.environment].compactMap { $0 }
        }
        words = words.map(plain)
        let name = words.joined(separator: "-")
        try check(name, "the name of the job \(job.job)")
        return name
    }

    /// Holds a name against the rule.
    package static func check(_ name: String, _ what: String) throws(SluiceError) {
        if isValid(name) { return }
        let count = name.utf8.count
        throw SluiceError(
            .invalidConfiguration,
            "\(what) would be \"\(name)\" on Container Apps"
                + (count > longest
                    ? ", which has \(count) characters, and \(longest) are allowed" : ", which is not allowed"),
            details: ["names there are 2 to 32 small letters, digits and single hyphens, and begin with a letter"],
            hint: "write under deploy of the job: name: \(suggestion(for: name))")
    }

    /// Whether a job may be called that.
    package static func isValid(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        return 2...longest ~= bytes.count && isLetter(bytes[0]) && bytes[bytes.count - 1] != 45
            && bytes.allSatisfy { isLetter($0) || 48...57 ~= $0 || $0 == 45 } && !name.contains("--")
    }

    /// A name that is allowed, and as like `name` as can be. The same every time; one that was cut differs from others that
    /// are cut to the same.
    package static func suggestion(for name: String) -> String {
        var short = plain(name)
        while let first = short.utf8.first, !isLetter(first) { short.removeFirst() }
        if short.isEmpty { short = "job" }
        if short.utf8.count == 1 { short += "-job" }
        guard short.utf8.count > longest else { return short }
        let mark = (try? Digest.of(Buffer(Array(name.utf8)), .sha256).prefix(3)).map(hex) ?? ""
        short = String(short.prefix(longest - 1 - mark.utf8.count))
        while short.hasSuffix("-") { short.removeLast() }
        return "\(short)-\(mark)"
    }

    /// A word with small letters, digits and single hyphens for all else.
    private static func plain(_ word: String) -> String {
        word.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }.joined(separator: "-")
    }

    private static func isLetter(_ byte: UInt8) -> Bool { 97...122 ~= byte }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
