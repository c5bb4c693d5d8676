import Support

/// Decodes the values of one leaf, page by page, into the buffers of a column. One user at a time.
protocol LeafValues: AnyObject {
    /// Takes over a dictionary of `count` entries; `page` does not outlive the call.
    func setDictionary(_ page: UnsafeRawBufferPointer, count: Int) throws(SluiceError)
    /// Begins a page, whose bytes stay good until the next one begins.
    func startPage(_ page: UnsafeRawBufferPointer, _ encoding: Encoding) throws(SluiceError)
    /// How many bytes one more value may take at most in the column; 0 when that is of no account.
    var maxValueBytes: Int { get }
    /// How many bytes any number of values of this page may take at most.
    var maxPageBytes: Int { get }
    /// How many bytes the column has so far.
    var byteCount: Int { get }
    /// Appends `rows` rows: the next values where a bit is 1, `valid` in number, and nothing where it is 0.
    func append(_ rows: Int, valid: Int, bits: UnsafeRawPointer, at bit: Int) throws(SluiceError)
    /// Makes room for so many rows.
    func reserve(_ rows: Int)
    /// What was appended; empty afterwards.
    func finish() -> (values: Buffer?, offsets: Buffer?)
}

extension Encoding {
    func cannotHold(_ type: PhysicalType) -> SluiceError {
        SluiceError(.unsupported, "values of type \(type.name) in encoding \(self)")
    }
}

extension SluiceError {
    static func tooFewValues(_ declared: Int) -> SluiceError {
        SluiceError(.invalidData, "a page ends before the \(declared) values that it still has to hold")
    }

    static var noDictionary: SluiceError {
        SluiceError(.invalidData, "a page refers to a dictionary that the column chunk does not have")
    }

    static func outsideDictionary(_ position: UInt32, _ count: Int) -> SluiceError {
        SluiceError(.invalidData, "a value is number \(position) of a dictionary of \(count) entries")
    }
}

/// The positions in a dictionary that a page holds.
struct DictionaryPositions {
    private var runs: RunDecoder
    private let count: Int
    private let isAlwaysInside: Bool

    init(_ page: UnsafeRawBufferPointer, count: Int) throws(SluiceError) {
        self.count = count
        guard let width = page.first else {
            // A page of nothing but nulls may be empty.
            runs = try RunDecoder(page, width: 32)
            isAlwaysInside = false
            return
        }
        runs = try RunDecoder(UnsafeRawBufferPointer(rebasing: page[1...]), width: Int(width))
        isAlwaysInside = width < 32 && 1 << Int(width) <= count
    }

    /// Reads the next `number` positions, all of which are in the dictionary.
    mutating func decode(_ number: Int, into output: UnsafeMutablePointer<UInt32>) throws(SluiceError) {
        try runs.decode(number, into: output)
        if isAlwaysInside { return }
        var highest: UInt32 = 0
        for index in 0..<number { highest = max(highest, output[index]) }
        if number > 0, Int(highest) >= count { throw .outsideDictionary(highest, count) }
    }
}

/// How many rows are decoded at a time: what is in between stays in the processor's cache.
let decodeBlock = 4096
