/// Decimals as users write them. They are compared as text: a double would make another number of `0.1`.
enum Decimals {
    /// Whether `text` is a decimal such as `10000` or `-0.01` of a size that sums can be made of, within `range`.
    static func isDecimal(_ text: String, in range: ClosedRange<Int> = Int.min...Int.max) -> Bool {
        let isNegative = text.hasPrefix("-")
        let parts = text.dropFirst(isNegative ? 1 : 0).split(separator: ".", omittingEmptySubsequences: false)
        let isAllDigits = parts.allSatisfy { part in !part.isEmpty && part.utf8.allSatisfy { 0x30...0x39 ~= $0 } }
        let digits = parts[0].drop { $0 == "0" }
        guard isAllDigits, parts.count <= 2, digits.count <= 12, parts.count < 2 || parts[1].count <= 18 else {
            return false
        }
        let whole = Int(digits) ?? 0
        let hasFraction = parts.count == 2 && parts[1].contains { $0 != "0" }
        if isNegative, whole > 0 || hasFraction {
            return range.lowerBound == Int.min || -whole > range.lowerBound
                || (-whole == range.lowerBound && !hasFraction)
        }
        return whole >= range.lowerBound && (whole < range.upperBound || (whole == range.upperBound && !hasFraction))
    }
}
