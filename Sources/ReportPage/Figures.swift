import Sales
import Support

/// How numbers are written: with the digits of the JSON document, in groups of three.
struct Figures {
    let currency: String
    let decimals: Int

    init(_ report: SalesReport) {
        currency = report.currency
        decimals = report.decimals
    }

    /// `1,234.50`
    func money(_ amount: Amount) -> String { Figures.grouped(amount.text(decimals)) }

    /// `USD 1,234.50`
    func priced(_ amount: Amount) -> String { currency.isEmpty ? money(amount) : "\(currency) \(money(amount))" }

    /// `1,234`
    static func count(_ count: Int) -> String { grouped(String(count)) }

    /// `1,234.5`: all digits that there are.
    static func plain(_ amount: Amount) -> String { grouped(amount.plain) }

    /// `1 order`, `2 orders`
    static func counted(_ count: Int, _ one: String, _ many: String? = nil) -> String {
        "\(Figures.count(count)) \(count == 1 ? one : many ?? one + "s")"
    }

    /// `12.5%`: what part of `whole` it is; nil where that says nothing.
    static func share(_ part: Amount, of whole: Amount) -> String? {
        guard whole.raw > 0, part.raw >= 0, part.raw <= whole.raw else { return nil }
        let percent = Amount(raw: part.divided(by: whole, Amount.places).raw * 100)
        let text = percent.text(1)
        // What is there is not nothing, and what lacks something is not all.
        if text == "0.0", part.raw > 0 { return "<0.1%" }
        if text == "100.0", part < whole { return ">99.9%" }
        return text + "%"
    }

    static func share(_ part: Int, of whole: Int) -> String? { share(Amount(part), of: Amount(whole)) }

    /// Digits in groups of three; sign and fraction stay as they are.
    static func grouped(_ number: String) -> String {
        let sign = number.hasPrefix("-") ? "-" : ""
        let digits = number.dropFirst(sign.count).prefix { $0 != "." }
        let fraction = number.dropFirst(sign.count + digits.count)
        if digits.utf8.count <= 3 { return number }
        var grouped = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.utf8.count - index) % 3 == 0 { grouped += "," }
            grouped.append(digit)
        }
        return sign + grouped + fraction
    }

    /// A number of a drawing, with at most six decimals.
    static func decimal(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "0" }
        let millionths = Int((value * 1e6).rounded())
        var text = String(abs(millionths) / 1_000_000)
        let rest = abs(millionths) % 1_000_000
        if rest > 0 {
            let digits = String(rest)
            text += "." + String(repeating: "0", count: 6 - digits.count) + digits
            while text.hasSuffix("0") { text.removeLast() }
        }
        return millionths < 0 ? "-" + text : text
    }

    /// `15 Jan 2025, 14:23:45`, of a moment in UTC.
    static func time(_ microseconds: Int64) -> String {
        let moment = Moment(microseconds: microseconds)
        return date(moment.day) + ", " + moment.clock
    }

    /// `15 Jan 2025`, of a moment in UTC.
    static func day(_ microseconds: Int64) -> String { date(Moment(microseconds: microseconds).day) }

    /// `15 Jan 2025` for `2025-01-15`, `Jan 2025` for `2025-01`.
    static func date(_ name: String) -> String {
        guard let date = CalendarDate(name) else { return name }
        let month = "\(date.monthName) \(name.prefix(4))"
        return date.day.map { "\($0) \(month)" } ?? month
    }
}

/// A day or a month, as the report names them.
struct CalendarDate {
    let year: Int
    let month: Int
    let day: Int?

    private static let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `2025-01-15` or `2025-01`.
    init?(_ name: String) {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2 || parts.count == 3, let year = parts[0], let month = parts[1],
            (1...9999).contains(year), (1...12).contains(month)
        else { return nil }
        if parts.count == 3 {
            guard let day = parts[2], (1...31).contains(day) else { return nil }
            self.day = day
        } else {
            day = nil
        }
        self.year = year
        self.month = month
    }

    init(month ordinal: Int) {
        year = ordinal / 12
        month = ordinal % 12 + 1
        day = nil
    }

    init(day ordinal: Int) {
        let name = Moment(microseconds: Int64(ordinal) * 86_400_000_000).day
        let parts = name.split(separator: "-").compactMap { Int($0) }
        year = parts.first ?? 1970
        month = parts.count > 1 ? parts[1] : 1
        day = parts.count > 2 ? parts[2] : 1
    }

    var monthName: String { Self.names[month - 1] }

    /// The place of the day, or of the month, among all days or months.
    var ordinal: Int {
        guard let day else { return year * 12 + month - 1 }
        // Years begin in March, so that the odd day is at the end.
        let shifted = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }
}
