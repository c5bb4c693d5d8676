/// Holds a schedule against what cron takes: five fields of numbers, ranges, steps and lists.
enum CronFields {
    /// What to write.
    static let hint = "write minute, hour, day, month and weekday, in UTC: \"30 4 * * 1-5\" is 04:30 on working days"

    private static let ranges: [(name: String, range: ClosedRange<Int>)] = [
        ("minute", 0...59), ("hour", 0...23), ("day", 1...31), ("month", 1...12), ("weekday", 0...7),
    ]

    /// What is wrong with `text`; nil when nothing is.
    static func problem(_ text: String) -> String? {
        let fields = text.split(separator: " ")
        guard fields.count == ranges.count else {
            return "has \(fields.count == 1 ? "1 field" : "\(fields.count) fields"), and cron has 5"
        }
        for (field, (name, range)) in zip(fields, ranges) {
            for item in field.split(separator: ",", omittingEmptySubsequences: false) where !isFine(item, range) {
                return "has \"\(item)\" for its \(name), which is from \(range.lowerBound) to \(range.upperBound)"
            }
        }
        return nil
    }

    /// `*`, `5`, `1-5`, `*/15`, `0-30/10`
    private static func isFine(_ item: Substring, _ range: ClosedRange<Int>) -> Bool {
        let parts = item.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let what = parts.first else { return false }
        if parts.count == 2, !(number(parts[1]).map { 1...range.upperBound ~= $0 } ?? false) { return false }
        if what == "*" { return true }
        let ends = what.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count <= 2, let low = number(ends[0]), range.contains(low) else { return false }
        guard ends.count == 2 else { return true }
        return number(ends[1]).map { range.contains($0) && low <= $0 } ?? false
    }

    private static func number(_ text: Substring) -> Int? {
        (1...2).contains(text.utf8.count) && text.utf8.allSatisfy { 48...57 ~= $0 } ? Int(text) : nil
    }
}
