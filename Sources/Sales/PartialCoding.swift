import Support

/// Writes the parts of a saved partial report.
struct PartialEncoder {
    let bytes = MutableBuffer(capacity: 1 << 16)

    func int(_ value: Int) { bytes.append(Int64(value).littleEndian) }
    func wide(_ value: Int128) {
        bytes.append(UInt64(truncatingIfNeeded: value).littleEndian)
        bytes.append(UInt64(truncatingIfNeeded: value >> 64).littleEndian)
    }
    func run(_ value: UnsafeRawBufferPointer) {
        int(value.count)
        bytes.append(value)
    }
    func text(_ value: String) {
        var value = value
        value.withUTF8 { run(UnsafeRawBufferPointer($0)) }
    }
    func optional<T>(_ value: T?, _ write: (T) -> Void) {
        int(value == nil ? 0 : 1)
        if let value { write(value) }
    }
    func list<T>(_ values: some Collection<T>, _ write: (T) -> Void) {
        int(values.count)
        for value in values { write(value) }
    }
    func bytes(_ value: Bytes) { run(UnsafeRawBufferPointer(start: value.start, count: value.count)) }
}

/// Reads what a `PartialEncoder` wrote. Whatever is wrong with it, it says so and touches nothing outside.
struct PartialDecoder {
    private let bytes: UnsafeRawBufferPointer
    private let name: String
    private(set) var at = 0

    init(_ bytes: UnsafeRawBufferPointer, name: String) {
        self.bytes = bytes
        self.name = name
    }

    var isAtEnd: Bool { at == bytes.count }

    func damaged(_ what: String = "it ends too early") -> SluiceError {
        SluiceError(
            .invalidData, "the partial report is damaged: \(what)", place: .init(file: name, offset: at),
            hint: "make it again")
    }

    mutating func int() throws(SluiceError) -> Int {
        guard bytes.count - at >= 8 else { throw damaged() }
        defer { at += 8 }
        return Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: Int64.self)))
    }

    /// How often something was counted: no more than can be added up without an overflow.
    mutating func tally() throws(SluiceError) -> Int {
        let count = try int()
        guard count >= 0, count < 1 << 48 else { throw damaged("a count is out of range") }
        return count
    }

    /// A time, or the end of all times.
    mutating func time() throws(SluiceError) -> Int64 {
        let time = Int64(try int())
        guard time == .min || time == .max || time.magnitude < 1 << 60 else { throw damaged("a time is out of range") }
        return time
    }

    /// A number of things, each of which takes a byte at least.
    mutating func count() throws(SluiceError) -> Int {
        let count = try int()
        guard count >= 0, count <= bytes.count - at else { throw damaged("a length is out of range") }
        return count
    }

    mutating func wide() throws(SluiceError) -> Int128 {
        let low = try int()
        let high = try int()
        return Int128(high) << 64 | Int128(UInt64(bitPattern: Int64(low)))
    }

    mutating func run() throws(SluiceError) -> UnsafeRawBufferPointer {
        let count = try count()
        defer { at += count }
        return UnsafeRawBufferPointer(rebasing: bytes[at..<at + count])
    }

    mutating func text() throws(SluiceError) -> String { String(decoding: try run(), as: UTF8.self) }

    mutating func optional<T>(
        _ read: (inout PartialDecoder) throws(SluiceError) -> T
    ) throws(SluiceError) -> T? {
        try int() == 0 ? nil : try read(&self)
    }

    mutating func list<T>(
        _ read: (inout PartialDecoder) throws(SluiceError) -> T
    ) throws(SluiceError) -> [T] {
        let count = try count()
        var values: [T] = []
        for _ in 0..<count { values.append(try read(&self)) }
        return values
    }

    /// Calls `body` with bytes that are good during the call.
    mutating func bytes<T>(_ body: (Bytes) -> T) throws(SluiceError) -> T {
        let run = try run()
        guard let start = run.baseAddress else { return body(Bytes(Judge.unknownText.start, 0)) }
        return body(Bytes(start.assumingMemoryBound(to: UInt8.self), run.count))
    }
}
