import Ingest
import Project
import Settings

extension Vocabulary {
    /// What a `sluice.yaml` may say to this program.
    static let sluice = Vocabulary(
        protocols: protocols,
        kinds: [(IngestKeys.kind, IngestKeys.keys)],
        jobChecks: [IngestKeys.kind: IngestKeys.check])

    private static let protocols: [(name: String, keys: [KeyShape])] = [
        ("file", [KeyShape("path", .text, "The folder that patterns start from", required: true)]),
        ("sqlite", [KeyShape("path", .text, "The database file", required: true)]),
        (
            "postgres",
            [
                KeyShape("host", .text, "The server"), KeyShape("port", .integer(1...65_535), "Its port"),
                KeyShape("database", .text, "The database"), KeyShape("username", .text, "Who asks"),
                KeyShape("password", .text, "Their password, as ${secret.name}"),
                KeyShape("schema", .text, "The schema of tables that are named without one"),
            ]
        ),
    ]
}
