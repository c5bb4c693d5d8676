import Settings
import Support
import Testing

@testable import Init

@Suite struct GrantTests {
    private func step(_ text: String) throws -> GrantStep {
        let node = try #require(parseDocument(text, file: "t").node)
        return try GrantStep(Section(node, path: "jobs.g.steps[0]"))
    }

    @Test func rightsOfPostgresAreStatementsOfThatDatabase() throws {
        let statements = try PostgresGrants.statements(
            identity: "a\"b; DROP ROLE x", rights: [.read, .write, .ddl], database: "shop", schemas: ["public"],
            creators: ["owner"])
        #expect(
            statements == [
                #"GRANT CONNECT ON DATABASE "shop" TO "a""b; DROP ROLE x""#,
                #"GRANT USAGE, CREATE ON SCHEMA "public" TO "a""b; DROP ROLE x""#,
                #"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON ALL TABLES IN SCHEMA "public" TO "a""b; DROP ROLE x""#,
                #"ALTER DEFAULT PRIVILEGES FOR ROLE "owner" IN SCHEMA "public" GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON TABLES TO "a""b; DROP ROLE x""#,
                #"GRANT SELECT, USAGE, UPDATE ON ALL SEQUENCES IN SCHEMA "public" TO "a""b; DROP ROLE x""#,
                #"ALTER DEFAULT PRIVILEGES FOR ROLE "owner" IN SCHEMA "public" GRANT SELECT, USAGE, UPDATE ON SEQUENCES TO "a""b; DROP ROLE x""#,
            ])
    }

    @Test func aNameThatTheServerWouldCutIsRefused() {
        #expect(throws: SluiceError.self) {
            try PostgresGrants.statements(
                identity: String(repeating: "x", count: 64), rights: [.read], database: "d", schemas: [], creators: [])
        }
    }

    @Test func usersOfSQLServerAreMadeFromTheDirectoryAndAddedToRoles() throws {
        let wants = try TransactGrants.wants(step("{ identity: \"o'br]ien\", rights: [ddl, read, write] }"))
        #expect(
            wants.map(\.statement) == [
                "CREATE USER [o'br]]ien] FROM EXTERNAL PROVIDER", "ALTER ROLE [db_datareader] ADD MEMBER [o'br]]ien]",
                "ALTER ROLE [db_datawriter] ADD MEMBER [o'br]]ien]", "ALTER ROLE [db_ddladmin] ADD MEMBER [o'br]]ien]",
            ])
        #expect(
            wants.map(\.question) == [
                "SELECT CASE WHEN DATABASE_PRINCIPAL_ID(N'o''br]ien') IS NULL THEN 0 ELSE 1 END",
                "SELECT ISNULL(IS_ROLEMEMBER(N'db_datareader', N'o''br]ien'), 0)",
                "SELECT ISNULL(IS_ROLEMEMBER(N'db_datawriter', N'o''br]ien'), 0)",
                "SELECT ISNULL(IS_ROLEMEMBER(N'db_ddladmin', N'o''br]ien'), 0)",
            ])
    }

    @Test func anObjectIDIsTheUsersIdentifier() throws {
        let wants = try TransactGrants.wants(
            step("{ identity: shop, rights: read, object_id: 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0, schemas: sales }"))
        #expect(
            wants.map(\.statement) == [
                "CREATE USER [shop] WITH SID = 0x3C2D1E0F5A4B78698796A5B4C3D2E1F0, TYPE = E",
                "GRANT SELECT ON SCHEMA::[sales] TO [shop]",
            ])
        #expect(
            try TransactGrants.wants(step("{ identity: u, rights: read, login: l }"))[0].statement
                == "CREATE USER [u] FOR LOGIN [l]")
        #expect(throws: SluiceError.self) { try step("{ identity: shop, rights: read, object_id: '1; DROP' }") }
        #expect(throws: SluiceError.self) {
            try TransactGrants.wants(step("{ identity: \"\(String(repeating: "x", count: 129))\", rights: read }"))
        }
    }
}
