import Testing

@testable import Init

@Suite struct SQLScriptTests {
    @Test(arguments: [
        ("SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';', \"a;b\" -- ;\n; /* ; /* ; */ */ SELECT 2;", ["SELECT ';', \"a;b\" -- ;\n", "SELECT 2"]),
        ("DO $x$ BEGIN; END $x$; SELECT 1", ["DO $x$ BEGIN; END $x$", "SELECT 1"]),
        ("SELECT E'a\\';b'; SELECT 'c\\'; SELECT 3", ["SELECT E'a\\';b'", "SELECT 'c\\'", "SELECT 3"]),
        ("SELECT $1; SELECT a$b$c; SELECT 2", ["SELECT $1", "SELECT a$b$c", "SELECT 2"]),
        ("-- nothing\n;;\n /* here */", []),
    ])
    func statementsAreCutWhereTheServerCutsThem(text: String, pieces: [String]) {
        #expect(SQLScript(text, .postgres).pieces.map(\.text) == pieces)
    }

    @Test func batchesOfTransactSQLEndAtLinesThatSayGo() {
        let text =
            "CREATE TABLE t (a int);\nGO\nSELECT 'x\nGO\ny', [GO\n]\n  go 3 -- three times\n/*\nGO\n*/SELECT 2\nGO"
        #expect(
            SQLScript(text, .transact).pieces == [
                .init(text: "CREATE TABLE t (a int);\n", line: 1),
                .init(text: "SELECT 'x\nGO\ny', [GO\n]\n", line: 3, count: 3),
                .init(text: "SELECT 2\n", line: 10),
            ])
        #expect(SQLScript("SELECT 1\nGOTO x\nGO 5000", .transact).pieces.count == 1)
    }

    @Test(arguments: [
        ("CREATE TABLE t (a int);\n  /* c */ COMMIT;", "COMMIT", 2), ("BEGIN; SELECT 1;", "BEGIN", 1),
        ("begin transaction", "BEGIN", 1), ("ROLLBACK;", "ROLLBACK", 1),
        ("start  transaction;", "START TRANSACTION", 1),
    ])
    func whatWouldEndTheTransactionIsFound(text: String, word: String, line: Int) throws {
        let found = try #require(SQLScript(text, .postgres).transactionControl)
        #expect(found.word == word && found.line == line)
    }

    @Test(arguments: [
        "SELECT 'COMMIT;'", "ROLLBACK TO SAVEPOINT a", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END",
        "DO $$ BEGIN COMMIT; END $$", "-- COMMIT;", "COMMENT ON TABLE t IS 'x'",
        "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END",
    ])
    func whatOnlyLooksLikeItIsLeftAlone(text: String) {
        #expect(SQLScript(text, .postgres).transactionControl == nil)
    }

    @Test func whatIsNotClosedIsTheLastPiece() {
        for text in ["SELECT 'x", "SELECT $$ a; b", "/* x; y", "SELECT \"a;", "SELECT [a;", "$", "'", "--"] {
            for language in [SQLScript.Language.postgres, .sqlite, .transact] {
                #expect(SQLScript(text, language).pieces.count <= 2)
            }
        }
    }
}
