import Runs
import Settings
import Support

/// How the lines of a run's log are shown to people: `05:32:56 warning: 3 rows rejected`.
struct LogView {
    /// The least that is shown.
    let least: RunLog.Level
    /// Whether lines are shown as they are.
    let isRaw: Bool
    /// Whether fields are shown behind the message.
    let isVerbose: Bool

    /// What members of a line are no fields.
    private static let known: Set<String> = ["time", "level", "run", "job", "event", "message"]

    /// What is shown of a line; nil for one that matters too little.
    func text(of line: String) -> String? {
        if isRaw, least == .debug { return line }
        // JSON is YAML, but for what our own lines never hold.
        guard let node = parseDocument(line, file: "log").node, let message = node["message"]?.scalar?.literal else {
            return isRaw ? line : Display.safe(line)
        }
        let level = node["level"]?.scalar?.literal.flatMap { RunLog.Level(rawValue: $0) } ?? .info
        if level < least { return nil }
        if isRaw { return line }
        var text = node["time"]?.scalar?.literal.map { String($0.dropFirst(11).prefix(8)) + " " } ?? ""
        if level != .info { text += "\(level.rawValue): " }
        text += message
        if isVerbose {
            for entry in node.entries where !Self.known.contains(entry.key) {
                text += "  \(entry.key)=\(entry.value.scalar?.literal ?? "…")"
            }
        }
        return Display.safe(text)
    }
}
