import Support

/// A version is a moment in ticks of 100 ns since the year 1, and no two are the same: an ETag is nothing else, and
/// Last-Modified is its second.
enum Version {
    /// Ticks from the year 1 to 1970.
    private static let epoch: Int64 = 621_355_968_000_000_000

    /// Ticks from the year 1 to 1601, where Windows begins to count.
    static let fileTimeEpoch: Int64 = 504_911_232_000_000_000

    static func of(_ moment: Moment) -> Int64 { moment.microseconds * 10 + epoch }

    static func moment(_ version: Int64) -> Moment { Moment(microseconds: (version - epoch) / 10) }

    /// Seconds since 1970.
    static func seconds(_ version: Int64) -> Int {
        let microseconds = (version - epoch) / 10
        return Int(microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000)
    }

    /// Without quotes: `0x8DE…`.
    static func etag(_ version: Int64) -> String {
        "0x" + String(UInt64(bitPattern: version), radix: 16, uppercase: true)
    }
}
