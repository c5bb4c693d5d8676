public import Storage
public import Support

/// What sales are wanted, and how the files are called that hold them.
///
///     let plan = SalesPlan(count: 1000, files: 3, seed: 7)
///     plan.fileName(0)  // sales_batch_20250131_000000_001.json
public struct SalesPlan: Sendable {
    /// How a file is laid out.
    public enum Layout: String, Sendable, CaseIterable {
        /// A batch document: an object with the transactions in an array.
        case document
        /// One transaction a line.
        case ndjson
    }

    /// The seed when none is given.
    public static let defaultSeed: UInt64 = 42
    /// The most days: a century.
    public static let mostDays = 36_525

    /// How many transactions each file has.
    public var count: Int
    /// How many files there are.
    public var files: Int
    /// What everything that looks random follows from.
    public var seed: UInt64
    /// The share of transactions whose quantities or prices are exaggerated, from 0 to 1.
    public var anomalyRate: Double
    /// The share of transactions that are broken, from 0 to 1.
    public var invalidRate: Double
    /// The first day.
    public var start: CalendarDay
    /// How many days the transactions are spread over.
    public var days: Int
    /// How a file is laid out.
    public var layout: Layout
    /// Whether a document has no white space.
    public var isCompact: Bool
    /// How files are packed.
    public var compression: FileCompression?
    /// The level of the packing; the compression's own when nil.
    public var compressionLevel: Int?

    /// A plan; whatever is not given is as docs/generate.md says.
    public init(
        count: Int = 1000, files: Int = 1, seed: UInt64 = SalesPlan.defaultSeed, anomalyRate: Double = 0.01,
        invalidRate: Double = 0, start: CalendarDay = CalendarDay(year: 2025, month: 1, day: 1), days: Int = 30,
        layout: Layout = .document, isCompact: Bool = false, compression: FileCompression? = nil,
        compressionLevel: Int? = nil
    ) {
        self.count = count
        self.files = files
        self.seed = seed
        self.anomalyRate = anomalyRate
        self.invalidRate = invalidRate
        self.start = start
        self.days = days
        self.layout = layout
        self.isCompact = isCompact
        self.compression = compression
        self.compressionLevel = compressionLevel
    }

    /// Says what of this cannot be made.
    public func check() throws(SluiceError) {
        func wrong(_ what: String, _ hint: String) -> SluiceError { SluiceError(.usage, what, hint: hint) }
        if count < 0 { throw wrong("count is \(count), 0 or more was expected", "Give the transactions of each file.") }
        if files < 1 { throw wrong("files is \(files), 1 or more was expected", "Give the number of files.") }
        for (name, rate) in [("anomaly-rate", anomalyRate), ("invalid-rate", invalidRate)] where !(0...1 ~= rate) {
            throw wrong("\(name) is \(rate), a share from 0 to 1 was expected", "One in a hundred is 0.01.")
        }
        if !(1...SalesPlan.mostDays ~= days) {
            throw wrong("days is \(days), 1 to \(SalesPlan.mostDays) was expected", "Give the number of days.")
        }
        // Files are stamped with the seconds behind the last day.
        if days > CalendarDay.last.number - start.number || files > 86_400 * 365 {
            throw wrong(
                "\(days) days from \(start.text) end behind the year 9999", "Begin earlier, or ask for fewer days.")
        }
    }

    /// The first moment, in seconds since 1970.
    var firstSecond: Int { start.number * 86_400 }
    /// The moment behind the last.
    var endSecond: Int { firstSecond + days * 86_400 }

    /// How many chances in 2³² a rate gives.
    func chances(_ rate: Double) -> UInt64 { UInt64((rate * 4_294_967_296).rounded()) }

    /// When file `index`, from 0, says it was made: at the end of its days, one second behind the file before it. So
    /// batches of one set have ids of their own, and a file does not depend on how many there are.
    func generated(_ index: Int) -> Timestamp { Timestamp(second: endSecond + index) }

    /// The id of the batch in file `index`: `batch_20250131_000000`.
    public func batchID(_ index: Int) -> String { "batch_" + generated(index).stamp }

    /// The name of file `index`: `sales_batch_20250131_000000_001.json`.
    public func fileName(_ index: Int) -> String {
        let number = String(index + 1)
        let padded = String(repeating: "0", count: max(0, 3 - number.count)) + number
        let ending = layout == .ndjson ? "ndjson" : "json"
        let packed = compression.map { "." + $0.fileExtension } ?? ""
        return "sales_batch_\(generated(index).stamp)_\(padded).\(ending)\(packed)"
    }
}
