import ODBC
import Support

/// What a user of an SQL Server's database lacks, and the T-SQL that gives it.
struct TransactGrants {
    private let step: GrantStep
    private let session: ODBCConnection

    init(_ step: GrantStep, _ session: ODBCConnection) {
        self.step = step
        self.session = session
    }

    /// What is missing, a line each.
    func missing() async throws(SluiceError) -> [String] {
        var lines: [String] = []
        for want in try TransactGrants.wants(step) {
            if try await session.query(want.question).single != "1" { lines.append(want.words) }
        }
        return lines
    }

    /// Gives the user what it lacks, in one transaction.
    func grant() async throws(SluiceError) {
        if step.password != nil {
            throw SluiceError(
                .unsupported, "a password would have to be written into the statement",
                place: .init(file: session.name),
                hint: "make a login for it, and name that: login: NAME")
        }
        try await session.query("SET XACT_ABORT ON")
        try await session.setAutocommit(false)
        do throws(SluiceError) {
            for want in try TransactGrants.wants(step) {
                if try await session.query(want.question).single == "1" { continue }
                try await session.query(want.statement)
            }
            try await session.end(committing: true)
            try await session.setAutocommit(true)
        } catch {
            let session = session
            await Task {
                try? await session.end(committing: false)
                try? await session.setAutocommit(true)
            }.value
            throw error
        }
    }

    /// One thing that has to be so: whether it is, how it is told, and what makes it so.
    struct Want: Equatable {
        /// Answers 1 when it is so.
        var question: String
        /// What is done, for people.
        var words: String
        /// What does it.
        var statement: String
    }

    /// All that has to be so.
    static func wants(_ step: GrantStep) throws(SluiceError) -> [Want] {
        let user = try TransactText.quote(step.identity)
        let name = TransactText.literal(step.identity)
        let shown = Display.safe(step.identity)
        var creation = "CREATE USER \(user) FROM EXTERNAL PROVIDER"
        if let login = step.login {
            creation = "CREATE USER \(user) FOR LOGIN \(try TransactText.quote(login))"
        } else if let objectID = step.objectID {
            // By its id, for which the server needs no right to look into the directory.
            let type = step.principalType == "group" ? "X" : "E"
            creation = "CREATE USER \(user) WITH SID = \(sid(objectID)), TYPE = \(type)"
        }
        var wants = [
            Want(
                question: "SELECT CASE WHEN DATABASE_PRINCIPAL_ID(\(name)) IS NULL THEN 0 ELSE 1 END",
                words: "create the user \(shown)", statement: creation)
        ]
        if step.schemas.isEmpty {
            for right in step.rights {
                let role =
                    ["read": "db_datareader", "write": "db_datawriter", "ddl": "db_ddladmin"][right.rawValue] ?? ""
                wants.append(
                    Want(
                        question: "SELECT ISNULL(IS_ROLEMEMBER(N'\(role)', \(name)), 0)",
                        words: "add \(shown) to \(role)", statement: "ALTER ROLE [\(role)] ADD MEMBER \(user)"))
            }
            return wants
        }
        for schema in step.schemas {
            for privilege in privileges(step.rights) {
                wants.append(
                    Want(
                        question: """
                            SELECT COUNT(*) FROM sys.database_permissions WHERE class = 3 AND state IN ('G', 'W')
                            AND major_id = SCHEMA_ID(\(TransactText.literal(schema)))
                            AND grantee_principal_id = DATABASE_PRINCIPAL_ID(\(name))
                            AND permission_name = N'\(privilege)'
                            """,
                        words: "grant \(privilege) on schema \(Display.safe(schema))",
                        statement: "GRANT \(privilege) ON SCHEMA::\(try TransactText.quote(schema)) TO \(user)"))
            }
        }
        if step.rights.contains(.ddl) {
            wants.append(
                Want(
                    question: """
                        SELECT COUNT(*) FROM sys.database_permissions WHERE class = 0 AND state IN ('G', 'W')
                        AND grantee_principal_id = DATABASE_PRINCIPAL_ID(\(name)) AND permission_name = N'CREATE TABLE'
                        """,
                    words: "grant CREATE TABLE", statement: "GRANT CREATE TABLE TO \(user)"))
        }
        return wants
    }

    private static func privileges(_ rights: [GrantStep.Right]) -> [String] {
        rights.flatMap { right -> [String] in
            switch right {
            case .read: ["SELECT"]
            case .write: ["INSERT", "UPDATE", "DELETE"]
            case .ddl: ["ALTER", "REFERENCES"]
            }
        }
    }

    /// An object id as the server keeps it: sixteen bytes, of which the first three numbers are the other way round.
    static func sid(_ objectID: String) -> String {
        let parts = objectID.split(separator: "-").map(String.init)
        func turned(_ text: String) -> String {
            var bytes: [String] = []
            var rest = Substring(text)
            while !rest.isEmpty {
                bytes.append(String(rest.prefix(2)))
                rest = rest.dropFirst(2)
            }
            return bytes.reversed().joined()
        }
        return "0x" + (parts.prefix(3).map(turned) + parts.dropFirst(3)).joined().uppercased()
    }
}
