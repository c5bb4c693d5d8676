import Glibc
import ReportPage
import Testing

/// Pages for the tests that look at them in a browser: `SLUICE_TEST_PAGES=folder swift test` leaves them there.
@Suite struct PagesForBrowsers {
    @Test("leaves a page of every kind", .enabled(if: getenv("SLUICE_TEST_PAGES") != nil))
    func pages() throws {
        let folder = String(cString: try #require(getenv("SLUICE_TEST_PAGES")))
        for (name, report) in Specimens.all {
            let file = try #require(fopen("\(folder)/\(name).html", "w"), "\(folder) is no folder to write to")
            fputs(ReportPage.html(of: report), file)
            fclose(file)
        }
    }
}
