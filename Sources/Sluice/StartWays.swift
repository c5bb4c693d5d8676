public import Platforms
public import Support

/// The ways to start a job, each with the very commands; and of a way that there is not, why.
public struct StartWays: Sendable {
    /// One way.
    public struct Way: Sendable, Hashable {
        /// What it goes by: `Command line`.
        public var name: String
        /// What to type or press, a line each; empty when there is no such way.
        public var lines: [String]
        /// Why there is no such way.
        public var missing: String?
    }

    /// All four, whether there are they or not.
    public let ways: [Way]

    /// The ways to start `job`.
    ///
    /// - parameter environment: The environment to start it in.
    /// - parameter platform: The ways that its platform has; nil when it runs on this machine.
    public init(job: String, environment: String?, platform: PlatformWays? = nil) {
        let words =
            (platform == nil
                ? ["sluice", "run", StartWays.quoted(job)] : ["sluice", "start", StartWays.quoted(job), "--wait"])
            + (environment.map { ["--environment", StartWays.quoted($0)] } ?? [])
        let command = words.joined(separator: " ")
        let absent = "the project says of no platform that has the job"
        var ways = [Way(name: "Command line", lines: [command])]
        if let platform {
            ways.append(Way(name: "Platform's command line", lines: platform.commands))
            ways.append(Way(name: "Portal", lines: platform.portal))
        } else {
            ways.append(Way(name: "Platform's command line", lines: [], missing: absent))
            ways.append(Way(name: "Portal", lines: [], missing: absent))
        }
        ways.append(
            Way(
                name: "Pipeline",
                lines: ["- name: \(StartWays.scalar("Run \(job)"))", "  run: \(StartWays.scalar(command))"]))
        self.ways = ways
    }

    /// The ways for machines.
    public var json: JSONText {
        .array(
            ways.map { way in
                [
                    "name": .string(way.name), "lines": .array(way.lines.map { .string($0) }),
                    "missing": way.missing.map { .string($0) } ?? .null,
                ]
            })
    }

    /// A word as a shell takes it.
    static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.unicodeScalars.allSatisfy { scalar in
                scalar.isASCII
                    && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                        || "._-/:@".unicodeScalars.contains(scalar))
            }
        return isPlain && !word.hasPrefix("-") ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }

    /// A text as YAML takes it.
    private static func scalar(_ text: String) -> String {
        let isPlain = text.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII
                && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    || " ._-/@".unicodeScalars.contains(scalar))
        }
        if isPlain { return text }
        var quoted = ""
        JSONText.quote(text, to: &quoted)
        return quoted
    }
}
