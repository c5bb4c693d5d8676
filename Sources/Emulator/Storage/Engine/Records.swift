import Support

/// Writes values one behind the other, for the journal: whole numbers in 7-bit groups, texts with their length.
struct RecordWriter: ~Copyable {
    let bytes = MutableBuffer(capacity: 512)

    func write(_ value: Int64) {
        // Small numbers are short whatever their sign.
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    func write(_ value: Int) { write(Int64(value)) }
    func write(_ value: UInt64) { write(Int64(bitPattern: value)) }
    func write(_ value: Bool) { bytes.append(UInt8(value ? 1 : 0)) }

    func write(_ value: String) {
        write(value.utf8.count)
        bytes.append(utf8: value)
    }

    func write(_ value: BlobName) { write(value.text) }

    func write(_ value: String?) {
        write(value != nil)
        if let value { write(value) }
    }

    func write(_ value: Int64?) {
        write(value != nil)
        if let value { write(value) }
    }

    func write<T>(_ values: [T], _ each: (borrowing RecordWriter, T) -> Void) {
        write(values.count)
        for value in values { each(self, value) }
    }

    func write(_ extent: Extent) {
        write(extent.file)
        write(extent.offset)
        write(extent.length)
    }
}

/// Reads what `RecordWriter` wrote. Nothing that a damaged file holds makes it read beyond its end.
struct RecordReader {
    struct Damaged: Error {}

    private let bytes: Buffer
    private var place = 0

    init(_ bytes: Buffer) { self.bytes = bytes }

    var isAtEnd: Bool { place >= bytes.count }

    mutating func byte() throws(Damaged) -> UInt8 {
        guard place < bytes.count else { throw Damaged() }
        defer { place += 1 }
        return bytes[place]
    }

    mutating func integer() throws(Damaged) -> Int64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            if shift > 63 { throw Damaged() }
            value |= UInt64(next & 0x7f) << shift
            if next < 0x80 { break }
            shift += 7
        }
        return Int64(bitPattern: value >> 1) ^ -Int64(value & 1)
    }

    mutating func int() throws(Damaged) -> Int { Int(try integer()) }
    mutating func unsigned() throws(Damaged) -> UInt64 { UInt64(bitPattern: try integer()) }
    mutating func bool() throws(Damaged) -> Bool { try byte() != 0 }

    mutating func text() throws(Damaged) -> String {
        let count = try int()
        guard count >= 0, count <= bytes.count - place else { throw Damaged() }
        defer { place += count }
        return bytes[place..<place + count].withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    mutating func name() throws(Damaged) -> BlobName { BlobName(try text()) }
    mutating func optionalText() throws(Damaged) -> String? { try bool() ? try text() : nil }
    mutating func optionalInteger() throws(Damaged) -> Int64? { try bool() ? try integer() : nil }

    mutating func list<T>(_ each: (inout RecordReader) throws(Damaged) -> T) throws(Damaged) -> [T] {
        let count = try int()
        guard count >= 0, count <= bytes.count - place else { throw Damaged() }
        var found: [T] = []
        found.reserveCapacity(count)
        for _ in 0..<count { found.append(try each(&self)) }
        return found
    }

    mutating func extent() throws(Damaged) -> Extent {
        Extent(file: try unsigned(), offset: try int(), length: try int())
    }
}
