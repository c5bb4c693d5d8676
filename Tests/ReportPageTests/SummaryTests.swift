import ReportPage
import Sales
import Support
import Testing

@Suite struct SummaryTests {
    @Test("fits a terminal, whatever the report", arguments: PageTests.names)
    func fits(_ name: String) {
        let report = Specimens.named(name)
        for width in [0, 40, 60, 80, 84, 100, 120, 300] {
            for unicode in [true, false] {
                let lines = ReportSummary.text(of: report, width: width, styled: false, unicode: unicode)
                #expect((2...25).contains(lines.count))
                for line in lines {
                    #expect(Display.width(line) <= max(width, 40), "\(width): \(line)")
                    #expect(Display.safe(line) == line)
                    #expect(unicode || line.utf8.allSatisfy { $0 < 0x80 })
                }
            }
        }
    }

    @Test("is the same with styles and without", arguments: PageTests.names)
    func styles(_ name: String) {
        let report = Specimens.named(name)
        let plain = ReportSummary.text(of: report, width: 100, styled: false)
        let styled = ReportSummary.text(of: report, width: 100, styled: true)
        let removed = styled.map { line in
            ["1", "2", "1;33", "0"].reduce(line) { text, code in
                text.split(separator: "\u{1b}[\(code)m", omittingEmptySubsequences: false).joined()
            }
        }
        #expect(removed == plain)
        #expect(styled != plain)
    }

    @Test("shows figures, rankings, anomalies and what is invalid")
    func wide() {
        let lines = ReportSummary.text(of: Specimens.typical(), width: 100, styled: false)
        #expect(lines.joined(separator: "\n") == SummaryTests.wide)
    }

    @Test("is narrow where the terminal is, and ASCII where it knows nothing else")
    func narrow() {
        let lines = ReportSummary.text(of: Specimens.typical(), width: 60, styled: false, unicode: false)
        #expect(lines.joined(separator: "\n") == SummaryTests.narrow)
    }

    @Test("says little of a report that has little")
    func little() {
        let empty = ["Sales report  0 records", "Revenue USD 0.00   Orders 0   Average 0.00   Customers 0   Items 0"]
        #expect(ReportSummary.text(of: SalesReport(), width: 80, styled: false) == empty)
        #expect(
            ReportSummary.text(of: Specimens.noOrders(), width: 80, styled: false) == [
                "Sales report 17  12 records", empty[1],
                "Anomalies  0 high values, 0 frequent customers, no suspicious patterns",
                "2 invalid records, most often: record: is a number, not an object",
            ])
    }

    private static let wide = """
        Sales report 2025-Q4  2025-10-01 to 2025-12-31, 15,259 records
        Revenue USD 1,657,094.33   Orders 13,924   Average 119.01   Customers 4,118   Items 41,772

        Revenue by category                                 Last 5 days with orders
          Furniture    █████████████████████  761,380.00      2025-12-27  █████████████████▉       15,580.63
          Electronics  ████████████████████▎  735,098.05      2025-12-28  ███████████████████████  20,045.39
          Kitchen      ████████████▌          452,007.50      2025-12-29  ██████████████████▋      16,285.30
          Sports       ███████                253,088.00      2025-12-30  █████████████████████    18,271.40
          and 3 more categories                               2025-12-31  █████████████████████▍   18,672.72

        Top customers                                       Top products
          1 Ada Whitfield                      9,717.67       1 Standing Desk                    528,295.00
          2 Bruno Castellanos                  9,683.01       2 4K Monitor 27″                   459,982.00
          3 Chioma Okafor                      9,642.89       3 Coffee Machine                   342,735.00

        Anomalies  759 high values, 37 frequent customers, 1,246 suspicious patterns: 1 rapid_high_value,
                   6 duplicate_transaction_id, 1,234 high_quantity, 2 line_mismatch, 3 total_mismatch
        61 invalid records, most often: total: … is not above 0
        """

    private static let narrow = """
        Sales report 2025-Q4
        2025-10-01 to 2025-12-31, 15,259 records
        Revenue USD 1,657,094.33   Orders 13,924   Average 119.01
        Customers 4,118   Items 41,772
        Revenue by category
          Furniture    #################################  761,380.00
          Electronics  ################################   735,098.05
          Kitchen      ####################               452,007.50
          and 4 more categories
        Last 3 days with orders
          2025-12-29  ###############################      16,285.30
          2025-12-30  ##################################   18,271.40
          2025-12-31  ###################################  18,672.72
        Top customers
          1 Ada Whitfield                                  9,717.67
          2 Bruno Castellanos                              9,683.01
          3 Chioma Okafor                                  9,642.89
        Top products
          1 Standing Desk                                528,295.00
          2 4K Monitor 27\\u{2033}                        459,982.00
          3 Coffee Machine                               342,735.00
        Anomalies  759 high values, 37 frequent customers,
                   1,246 suspicious patterns: 1 rapid_high_value, ..
        61 invalid records, most often: total: .. is not above 0
        """
}
