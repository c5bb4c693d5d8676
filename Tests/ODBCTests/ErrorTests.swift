import Support
import Testing

@testable import ODBC

@Suite struct ErrorTests {
    private func error(_ state: String, _ number: Int, _ text: String, connecting: Bool) -> SluiceError {
        ODBCErrors.error([.init(state: state, number: number, text: text)], server: "db", connecting: connecting)
    }

    @Test(arguments: [
        // Azure SQL: waking up, moved, busy.
        ("HY000", 40613, true), ("08001", 40197, true), ("42000", 40501, true), ("42000", 49918, true),
        ("42000", 10928, true), ("HY000", 42108, true),
        // Nothing of which waiting would change: a database that is not there, a wrong password, an unknown host.
        ("42000", 4060, false), ("28000", 18456, false), ("08001", 0, false), ("HYT00", 0, false), ("IM002", 0, false),
    ])
    func onlyWhatTheServerSaysWillPassIsWaitedFor(_ state: String, _ number: Int, _ mayPass: Bool) {
        #expect(ODBCErrors.sayThatItPasses([.init(state: state, number: number, text: "x")]) == mayPass)
    }

    @Test(arguments: [
        ("28000", 18456, "Login failed for user 'x'.", SluiceError.Code.permission, false),
        ("42000", 33_557_097, "role \"x\" does not exist", .permission, false),
        ("42000", 33_557_097, "database \"x\" does not exist", .notFound, false),
        ("08S01", 20009, "Unable to connect: Adaptive Server is unavailable or does not exist", .inputOutput, true),
        ("08004", 0, "Cannot open database", .notFound, false),
        ("42000", 4060, "Cannot open database \"x\" requested by the login.", .notFound, false),
        ("HYT00", 0, "Login timeout expired", .inputOutput, true),
        ("08001", 0, "TCP Provider: Error code 0x274D, connection refused", .inputOutput, true),
        ("08001", -1, "SSL Provider: certificate verify failed:self signed certificate", .permission, false),
        ("HY000", 40613, "Database 'x' is not currently available.", .inputOutput, true),
        ("IM002", 0, "Data source name not found and no default driver specified", .invalidConfiguration, false),
    ])
    func aRefusedLoginIsToldByItsCause(
        _ state: String, _ number: Int, _ text: String, _ code: SluiceError.Code, _ isTransient: Bool
    ) {
        let error = error(state, number, text, connecting: true)
        #expect(error.code == code)
        #expect(error.isTransient == isTransient)
        #expect(error.message.contains(text))
        #expect(error.message.contains(state))
    }

    @Test(arguments: [
        ("40001", 1205, SluiceError.Code.inputOutput, true), ("08S01", 0, .inputOutput, true),
        ("42S02", 208, .notFound, false), ("42000", 229, .permission, false), ("HY008", 0, .cancelled, false),
        ("22003", 8115, .conversion, false), ("23000", 2627, .invalidData, false),
        ("42000", 102, .invalidConfiguration, false),
        ("07002", 0, .invalidConfiguration, false), ("HY000", 2013, .inputOutput, true),
        ("57014", 0, .cancelled, false),
    ])
    func aFailedStatementIsToldByItsCause(
        _ state: String, _ number: Int, _ code: SluiceError.Code, _ isTransient: Bool
    ) {
        let error = error(state, number, "it failed", connecting: false)
        #expect(error.code == code)
        #expect(error.isTransient == isTransient)
    }

    @Test(arguments: [
        ("relation \"e2e_dbo.sluice_ledger\" does not exist", SluiceError.Code.notFound, false),
        ("column \"nix\" does not exist", .notFound, false),
        ("permission denied for table orders", .permission, false),
        ("duplicate key value violates unique constraint \"x\"", .invalidData, false),
        ("null value in column \"id\" of relation \"t\" violates not-null constraint", .invalidData, false),
        ("deadlock detected", .inputOutput, true), ("could not extend file \"x\"", .inputOutput, false),
        ("invalid input syntax for type integer: \"a\"", .conversion, false),
        ("integer out of range", .conversion, false), ("canceling statement due to user request", .cancelled, false),
        ("syntax error near 'FROM'", .invalidConfiguration, false),
    ])
    func aFailureWithoutANumberOfItsOwnIsToldByItsWords(
        _ text: String, _ code: SluiceError.Code, _ isTransient: Bool
    ) {
        let found = error("42000", 33_557_097, text, connecting: false)
        #expect(found.code == code)
        #expect(found.isTransient == isTransient)
        // Words count for that number only: anybody may name a thing so.
        #expect(error("42000", 102, text, connecting: false).code == .invalidConfiguration)
    }

    @Test func aWarningBeforeTheErrorIsPassedOver() {
        let all: [ODBCErrors.Diagnostic] = [
            .init(state: "01000", number: 5701, text: "Changed database context"),
            .init(state: "42S02", number: 208, text: "Invalid object name 'x'"),
        ]
        let error = ODBCErrors.error(all, server: "db", connecting: false)
        #expect(error.message == "Invalid object name 'x' [42S02, 208]")
    }
}
