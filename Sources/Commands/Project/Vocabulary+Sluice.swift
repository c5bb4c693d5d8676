import Connectors
import Ingest
import Project
import Settings

extension Vocabulary {
    /// What a `sluice.yaml` may say to this program.
    static let sluice = Vocabulary(
        protocols: ConnectorRegistry.standard.protocols + missing,
        kinds: [(IngestKeys.kind, IngestKeys.keys)],
        jobChecks: [IngestKeys.kind: IngestKeys.check])

    private static let missing: [(name: String, keys: [KeyShape])] = [
        ("sqlite", [KeyShape("path", .text, "The database file")]),
        (
            "postgres",
            [
                KeyShape("host", .text, "The server"), KeyShape("port", .integer(1...65_535), "Its port"),
                KeyShape("database", .text, "The database"), KeyShape("username", .text, "Who asks"),
                KeyShape("password", .text, "Their password, as ${secret.name}"),
                KeyShape("schema", .text, "The schema of tables that are named without one"),
            ]
        ),
    ].filter { entry in !ConnectorRegistry.standard.entries.contains { $0.name == entry.0 } }
}
