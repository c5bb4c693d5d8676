import Support
import Testing

@testable import Emulator

@Suite struct CronTests {
    @Test(arguments: [
        ("* * * * *", "2026-11-21T05:32:56Z", true), ("32 5 * * *", "2026-11-21T05:32:56Z", true),
        ("33 5 * * *", "2026-11-21T05:32:56Z", false), ("*/10 * * * *", "2026-11-21T05:30:00Z", true),
        ("*/10 * * * *", "2026-11-21T05:31:00Z", false), ("0-30/15,45 * * * *", "2026-11-21T05:15:00Z", true),
        ("0-30/15,45 * * * *", "2026-11-21T05:45:00Z", true), ("0-30/15,45 * * * *", "2026-11-21T05:44:00Z", false),
        // A Saturday, which is 6, and not the first.
        ("0 5 * * 6", "2026-11-21T05:00:00Z", true), ("0 5 * * SAT", "2026-11-21T05:00:00Z", true),
        ("0 5 1 * 6", "2026-11-21T05:00:00Z", true), ("0 5 1 * 5", "2026-11-21T05:00:00Z", false),
        ("0 5 1 * *", "2026-11-21T05:00:00Z", false), ("0 5 * * 7", "2026-11-22T05:00:00Z", true),
        ("0 5 * * 0", "2026-11-22T05:00:00Z", true), ("0 5 29 2 *", "2028-02-29T05:00:00Z", true),
        ("0 5 * nov-dec *", "2026-11-21T05:00:00Z", true), ("0 5 * jan *", "2026-11-21T05:00:00Z", false),
        ("5/20 * * * *", "2026-11-21T05:45:00Z", true), ("5/20 * * * *", "2026-11-21T05:40:00Z", false),
    ])
    func knowsWhatIsDue(text: String, time: String, isDue: Bool) throws {
        #expect(try CronSchedule(text).isDue(try #require(Moment(iso: time))) == isDue)
    }

    @Test(arguments: [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8",
        "*/0 * * * *", "5-1 * * * *", "a * * * *", "1,,2 * * * *", "-1 * * * *", "1- * * * *",
        "*/99999999999999999999 * * * *",
        "@daily",
    ])
    func refusesWhatIsNone(text: String) {
        #expect(throws: SluiceError.self) { try CronSchedule(text) }
    }
}
