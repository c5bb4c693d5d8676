import Connectors
public import Settings
import Support

/// A role is there, and may do what it has to: now, and with tables that are yet to come.
public struct GrantStep: Sendable {
    /// What a role may do.
    public enum Right: String, Sendable, CaseIterable {
        /// Look at rows.
        case read
        /// Add, change and delete rows.
        case write
        /// Make tables.
        case ddl
    }

    /// The role.
    public var identity: String
    /// What it may do.
    public var rights: [Right]
    /// In which schemas; empty for the usual ones.
    public var schemas: [String]
    /// Whose tables yet to come the rights hold for; nil to find out.
    public var creators: [String]?
    /// In Azure, the identity's object id.
    public var objectID: String?
    /// In Azure: `service`, `user` or `group`.
    public var principalType: String
    /// What the role logs in with, outside of Azure.
    public var password: Scalar?
    /// The login that an SQL Server's user is for.
    public var login: String?

    init(_ section: Section) throws(SluiceError) {
        identity = section.text("identity") ?? ""
        let words = section.texts("rights") ?? []
        rights = Right.allCases.filter { words.contains($0.rawValue) }
        schemas = section.texts("schemas") ?? []
        creators = section.texts("creators")
        objectID = section.text("object_id")
        principalType = section.text("type") ?? "service"
        password = section.scalar("password")
        login = section.text("login")
        guard !identity.isEmpty else {
            throw SluiceError(
                .invalidConfiguration, "\"\(section.path).identity\" is empty, the name of a role was expected")
        }
        if let objectID, !GrantStep.isObjectID(objectID) {
            throw SluiceError(
                .invalidConfiguration,
                "\"\(section.path).object_id\" is \"\(Display.safe(objectID))\", an id was expected",
                hint: "write it as Entra shows it: 00000000-0000-0000-0000-000000000000")
        }
    }

    /// Whether `text` is an id as Entra writes them.
    static func isObjectID(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.count) == [8, 4, 4, 4, 12]
            && parts.allSatisfy { $0.allSatisfy { $0.isASCII && $0.isHexDigit } }
    }
}

struct GrantWork: StepWork {
    let step: GrantStep

    func inspect(_ scene: Scene) async throws(SluiceError) -> Finding {
        try await scene.withDatabase { (session) throws(SluiceError) in
            switch session {
            case .postgres(let session):
                let grants = PostgresGrants(step, session, scene)
                let (missing, notes) = try await grants.missing()
                for note in notes { scene.say("grants", note) }
                return finding(missing, notes)
            case .sqlServer(let session):
                return finding(try await TransactGrants(step, session).missing(), [])
            case .sqlite: throw refusal(session.name)
            }
        }
    }

    private func finding(_ missing: [String], _ notes: [String]) -> Finding {
        if !missing.isEmpty { return .pending(missing + notes) }
        let rights = step.rights.map(\.rawValue).joined(separator: ", ")
        let more = notes.isEmpty ? "" : "; " + notes.joined(separator: "; ")
        return .done("\(Display.safe(step.identity)) has \(rights)\(more)")
    }

    func act(_ scene: Scene) async throws(SluiceError) -> String {
        try await scene.withDatabase { (session) throws(SluiceError) in
            switch session {
            case .postgres(let session): try await PostgresGrants(step, session, scene).grant()
            case .sqlServer(let session): try await TransactGrants(step, session).grant()
            case .sqlite: throw refusal(session.name)
            }
        }
        return "granted \(step.rights.map(\.rawValue).joined(separator: ", ")) to \(Display.safe(step.identity))"
    }

    private func refusal(_ name: String) -> SluiceError {
        SluiceError(
            .unsupported, "SQLite has no roles to grant to", place: .init(file: name),
            hint: "name a connection to PostgreSQL or SQL Server with on:")
    }
}
