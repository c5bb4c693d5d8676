import Support
import Testing

@testable import Init

@Suite struct MigrationTests {
    @Test func numbersInNamesCountAsNumbers() {
        let names = ["10_b.sql", "2_a.sql", "002_b.sql", "1.sql", "a10.sql", "a9.sql", "2_a.sq"]
        #expect(
            names.sorted(by: Migration.isBefore)
                == ["1.sql", "2_a.sq", "2_a.sql", "002_b.sql", "10_b.sql", "a9.sql", "a10.sql"])
        #expect(!Migration.isBefore("01.sql", "1.sql") && !Migration.isBefore("1.sql", "01.sql"))
    }

    @Test func lineEndsAndMarksOfOtherSystemsDoNotChangeAChecksum() throws {
        let ours = try Migration(name: "1.sql", bytes: Array("SELECT 1;\nSELECT 2;\n".utf8))
        let theirs = try Migration(name: "1.sql", bytes: [0xef, 0xbb, 0xbf] + Array("SELECT 1;\r\nSELECT 2;\r\n".utf8))
        #expect(ours.checksum == theirs.checksum && ours.checksum.count == 64)
        #expect(throws: SluiceError.self) { try Migration(name: "1.sql", bytes: [0xff, 0xfe]) }
        #expect(throws: SluiceError.self) { try Migration(name: "1.sql", bytes: Array("a\0b".utf8)) }
        #expect(try Migration(name: "1.sql", bytes: Array("-- Sluice: no transaction\nX".utf8)).isBare)
    }

    private func files(_ names: String...) throws -> [Migration] {
        try names.map { try Migration(name: $0, bytes: Array("-- \($0)".utf8)) }
    }

    @Test func whatHasBeenRunIsNotRunAgain() throws {
        let files = try files("1.sql", "2.sql", "3.sql")
        let plan = try MigrationPlan(
            files, ledger: [("1.sql", files[0].checksum), ("0.sql", "gone")], folder: "m", allowsGaps: false)
        #expect(plan.pending.map(\.name) == ["2.sql", "3.sql"] && plan.applied == 1)
        #expect(plan.notes == ["run before, and no longer in the folder: 0.sql"])
    }

    @Test func aChangedFileIsRefusedWithBothChecksums() throws {
        let files = try files("1.sql", "2.sql")
        let error = try #require(throws: SluiceError.self) {
            try MigrationPlan(files, ledger: [("1.sql", "abc")], folder: "m", allowsGaps: true)
        }
        #expect(error.code == .conflict)
        #expect(error.details == ["1.sql: run as abc, is now \(files[0].checksum)"])
    }

    @Test func aNewFileThatComesTooLateIsToldOrAllowed() throws {
        let files = try files("1.sql", "2.sql")
        let ledger = [("2.sql", files[1].checksum)]
        let error = try #require(throws: SluiceError.self) {
            try MigrationPlan(files, ledger: ledger, folder: "m", allowsGaps: false)
        }
        #expect(error.message == "new files come before 2.sql, which has been run: 1.sql")
        let plan = try MigrationPlan(files, ledger: ledger, folder: "m", allowsGaps: true)
        #expect(plan.pending.map(\.name) == ["1.sql"])
        #expect(plan.notes == ["out of order, before 2.sql: 1.sql"])
    }

    @Test(arguments: [
        ("*.sql", "1.sql", true), ("*.sql", "1.sql.bak", false), ("V*__*.sql", "V1__a.sql", true),
        ("?.sql", "10.sql", false),
        ("**a*", "bac", true), ("a", "A", false),
    ])
    func patternsOfNames(pattern: String, name: String, fits: Bool) throws {
        #expect(try NamePattern(pattern).fits(name) == fits)
    }
}
