import Support

/// The names of what a run stages: `{protocol}/{source}/YYYY-MM-DD/{safe unit}_{YYYYMMDDThhmmssffffffZ}[_NNN].parquet`.
struct StageName: Sendable, Hashable {
    /// `postgres/shop/2026-11-21`
    let folder: String
    /// `public_orders_20261121T053256123456Z`
    let stem: String
    /// The moment in it.
    let moment: Moment

    /// The folder of all that is staged of a source on the day of `moment`.
    static func folder(protocolName: String, source: String, moment: Moment) -> String {
        [safe(protocolName), safe(source), moment.day].joined(separator: "/")
    }

    /// The names for `unit` in `folder`, staged at `moment`.
    init(folder: String, unit: String, moment: Moment) {
        self.folder = folder
        self.moment = moment
        stem = "\(StageName.safe(unit))_\(moment.compact)"
    }

    /// The path of a part; the first has no number.
    func part(_ number: Int) -> String {
        if number == 0 { return "\(folder)/\(stem).parquet" }
        let digits = String(number)
        return "\(folder)/\(stem)_\(String(repeating: "0", count: max(0, 3 - digits.count)))\(digits).parquet"
    }

    /// The path of the file by which this name is taken.
    var claim: String { "_claims/\(SafeName.digest(folder + "/" + stem)).json" }

    /// `name` with nothing in it that could leave a folder, hide a file or trouble a shell: letters, digits, `-` and `_`
    /// stay, all else becomes `_`. A name that is too long keeps its beginning, and a digest tells it from others.
    static func safe(_ name: String) -> String { SafeName.make(name) }
}

/// Names for files made of any text.
enum SafeName {
    /// File systems allow 255 bytes, and a moment, a number and an ending come behind.
    private static let longest = 150

    static func make(_ name: String) -> String {
        var safe = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "-", "_": safe.unicodeScalars.append(scalar)
            default: safe += "_"
            }
        }
        // `.` and `/` at the beginning say where a file lies, not what it is.
        while safe.first == "_", safe.count > 1, !name.hasPrefix("_") { safe.removeFirst() }
        if safe.isEmpty || safe == "_" { safe = "unnamed" }
        return safe.count <= longest ? safe : safe.prefix(longest - 17) + "_" + digest(name)
    }

    /// Sixteen hexadecimal digits that differ for different texts: FNV-1a, which needs no library and hides nothing.
    static func digest(_ text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
