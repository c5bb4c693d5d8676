/// Amounts as users write and read them: `64MB`, `1GiB`, `30s`, `1h30m`.
public enum Quantities {
    private static let sizeUnits: [(name: String, bytes: Int)] = [
        ("b", 1), ("kb", 1000), ("mb", 1_000_000), ("gb", 1_000_000_000), ("tb", 1_000_000_000_000),
        ("kib", 1 << 10), ("mib", 1 << 20), ("gib", 1 << 30), ("tib", 1 << 40),
        ("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("t", 1 << 40),
    ]

    /// The number of bytes that `text` means, or nil when it is not a size.
    ///
    /// `kB`, `MB`, `GB` are powers of 1000; `KiB`, `MiB`, `GiB` and the bare letters are powers of 1024. Case does not
    /// matter, a fraction is allowed (`1.5GB`), and a bare number is bytes.
    public static func bytes(_ text: String) -> Int? {
        let text = text.lowercased()
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        guard let number = Double(digits), number >= 0 else { return nil }
        guard let factor = unit.isEmpty ? 1 : sizeUnits.first(where: { $0.name == unit })?.bytes else { return nil }
        let bytes = (number * Double(factor)).rounded()
        return bytes < 9.2e18 ? Int(bytes) : nil
    }

    private static let timeUnits: [(name: String, seconds: Double)] = [
        ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400),
    ]

    /// The time that `text` means, or nil when it is not a duration: `250ms`, `30s`, `1h30m`, `2d`, or bare seconds.
    public static func duration(_ text: String) -> Duration? {
        if let seconds = Double(text), seconds >= 0, seconds < 1e12 { return .seconds(seconds) }
        var rest = text[...]
        var total = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let number = Double(digits), let factor = timeUnits.first(where: { $0.name == unit })?.seconds else {
                return nil
            }
            total += number * factor
        }
        return text.isEmpty || total >= 1e12 ? nil : .seconds(total)
    }

    /// A number of bytes with three digits that matter: `512 B`, `1.21 GB`.
    public static func describe(bytes: Int) -> String {
        var value = Double(bytes)
        var unit = 0
        let names = ["B", "kB", "MB", "GB", "TB", "PB"]
        while value >= 999.5, unit < names.count - 1 {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(bytes) B" : "\(threeDigits(value)) \(names[unit])"
    }

    /// A stretch of time with the precision that a reader wants: `850 ms`, `12.3 s`, `4m 10s`, `2h 5m`.
    public static func describe(_ duration: Duration) -> String {
        let (whole, attoseconds) = duration.components
        let seconds = Double(whole) + Double(attoseconds) / 1e18
        if seconds < 0.9995 { return "\(Int((seconds * 1000).rounded())) ms" }
        if seconds < 59.95 { return "\(threeDigits(seconds)) s" }
        let total = Int(seconds.rounded())
        if total < 3600 { return "\(total / 60)m \(total % 60)s" }
        return "\(total / 3600)h \(total % 3600 / 60)m"
    }

    private static func threeDigits(_ value: Double) -> String {
        let decimals = value < 9.995 ? 100.0 : value < 99.95 ? 10.0 : 1.0
        let scaled = Int((value * decimals).rounded())
        let fraction = scaled % Int(decimals)
        switch decimals {
        case 100: return "\(scaled / 100).\(fraction < 10 ? "0" : "")\(fraction)"
        case 10: return "\(scaled / 10).\(fraction)"
        default: return "\(scaled)"
        }
    }
}
