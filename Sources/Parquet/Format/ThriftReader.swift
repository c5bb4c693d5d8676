import Support

/// Reads Thrift's compact protocol from bytes that may be hostile.
///
/// Nesting is bounded, a list cannot declare more elements than there are bytes left, and unknown fields are skipped.
/// Structures are read by hand:
///
///     let outer = try reader.beginStruct()
///     while let field = try reader.nextField() {
///         switch field.id {
///         case 1: version = try reader.int32(field)
///         default: try reader.skip(field)
///         }
///     }
///     reader.endStruct(outer)
struct ThriftReader {
    /// The wire types of the compact protocol.
    enum WireType: UInt8 {
        case yes = 1
        case no, byte, int16, int32, int64, double, binary, list, set, map, structure, uuid
    }

    /// A field's header.
    struct Field {
        let id: Int16
        let type: WireType
    }

    /// Deeper nesting is refused: Parquet's own structures nest eight deep.
    static let maxDepth = 32

    private let bytes: UnsafeRawBufferPointer
    /// Where the next byte is read.
    private(set) var position: Int
    /// Where the bytes begin in the file, for messages.
    private let origin: Int
    private var lastField: Int16 = 0
    private var depth = 0

    /// A reader at the start of `bytes`, which lie at `origin` in the file and must outlive it.
    init(_ bytes: UnsafeRawBufferPointer, origin: Int = 0) {
        self.bytes = bytes
        self.origin = origin
        position = 0
    }

    var remaining: Int { bytes.count - position }

    func failure(_ message: String) -> SluiceError {
        SluiceError(.invalidData, message, place: .init(offset: origin + position))
    }

    // MARK: - Structures

    /// Enters a structure; what is returned goes to `endStruct`.
    mutating func beginStruct() throws(SluiceError) -> Int16 {
        try deepen()
        defer { lastField = 0 }
        return lastField
    }

    private mutating func deepen() throws(SluiceError) {
        depth += 1
        if depth > ThriftReader.maxDepth {
            throw failure("metadata is nested more than \(ThriftReader.maxDepth) levels deep")
        }
    }

    mutating func endStruct(_ outer: Int16) {
        depth -= 1
        lastField = outer
    }

    /// The next field's header; nil at the end of the structure.
    mutating func nextField() throws(SluiceError) -> Field? {
        let header = try byte()
        if header == 0 { return nil }
        guard let type = WireType(rawValue: header & 0x0f) else {
            throw failure("metadata has a field of unknown wire type \(header & 0x0f)")
        }
        let delta = Int16(header >> 4)
        if delta == 0 {
            lastField = Int16(truncatingIfNeeded: try zigzag())
        } else {
            lastField = lastField &+ delta
        }
        return Field(id: lastField, type: type)
    }

    // MARK: - Values of fields

    mutating func bool(_ field: Field) throws(SluiceError) -> Bool {
        switch field.type {
        case .yes: return true
        case .no: return false
        default: throw mismatch(field, "a bool")
        }
    }

    mutating func int64(_ field: Field) throws(SluiceError) -> Int64 {
        switch field.type {
        case .byte: return Int64(Int8(bitPattern: try byte()))
        case .int16, .int32, .int64: return try zigzag()
        default: throw mismatch(field, "an integer")
        }
    }

    mutating func int32(_ field: Field) throws(SluiceError) -> Int32 {
        let wide = try int64(field)
        guard let value = Int32(exactly: wide) else { throw failure("\(wide) in metadata does not fit 32 bits") }
        return value
    }

    mutating func binary(_ field: Field) throws(SluiceError) -> [UInt8] {
        guard field.type == .binary else { throw mismatch(field, "a string") }
        return try binary()
    }

    mutating func string(_ field: Field) throws(SluiceError) -> String {
        guard field.type == .binary else { throw mismatch(field, "a string") }
        return try string()
    }

    /// Elements of a list field.
    mutating func list<T>(
        _ field: Field, _ element: (inout ThriftReader, WireType) throws(SluiceError) -> T
    ) throws(SluiceError) -> [T] {
        guard field.type == .list || field.type == .set else { throw mismatch(field, "a list") }
        let (type, count) = try listHeader()
        var elements: [T] = []
        // What is reserved is bounded too: an element in memory is much larger than its one byte in the file.
        elements.reserveCapacity(min(count, 4096))
        for _ in 0..<count { elements.append(try element(&self, type)) }
        return elements
    }

    /// Elements of a list of structures.
    mutating func structs<T: ThriftStruct>(_ field: Field) throws(SluiceError) -> [T] {
        try list(field) { (reader, type) throws(SluiceError) -> T in
            guard type == .structure else { throw reader.failure("a list of structures holds \(type)") }
            return try T(from: &reader)
        }
    }

    /// A structure field.
    mutating func structure<T: ThriftStruct>(_ field: Field) throws(SluiceError) -> T {
        guard field.type == .structure else { throw mismatch(field, "a structure") }
        return try T(from: &self)
    }

    mutating func int64s(_ field: Field) throws(SluiceError) -> [Int64] {
        try list(field) { (reader, type) throws(SluiceError) -> Int64 in
            try reader.int64(Field(id: field.id, type: type))
        }
    }

    mutating func bools(_ field: Field) throws(SluiceError) -> [Bool] {
        try list(field) { (reader, type) throws(SluiceError) -> Bool in
            guard type == .yes || type == .no else { throw reader.mismatch(field, "a list of bools") }
            return try reader.byte() == 1
        }
    }

    mutating func binaries(_ field: Field) throws(SluiceError) -> [[UInt8]] {
        try list(field) { (reader, type) throws(SluiceError) -> [UInt8] in
            try reader.binary(Field(id: field.id, type: type))
        }
    }

    // MARK: - Skipping

    /// Passes over a field that is not known.
    mutating func skip(_ field: Field) throws(SluiceError) { try skip(field.type, inContainer: false) }

    private mutating func skip(_ type: WireType, inContainer: Bool) throws(SluiceError) {
        switch type {
        case .yes, .no: if inContainer { _ = try byte() }
        case .byte: _ = try byte()
        case .int16, .int32, .int64: _ = try varint()
        case .double: try advance(8)
        case .uuid: try advance(16)
        case .binary: try advance(try length())
        case .list, .set:
            try deepen()
            let (element, count) = try listHeader()
            for _ in 0..<count { try skip(element, inContainer: true) }
            depth -= 1
        case .map:
            try deepen()
            let count = try length()
            if count > 0 {
                let types = try byte()
                guard let key = WireType(rawValue: types >> 4), let value = WireType(rawValue: types & 0x0f) else {
                    throw failure("metadata has a map of unknown wire types")
                }
                for _ in 0..<count {
                    try skip(key, inContainer: true)
                    try skip(value, inContainer: true)
                }
            }
            depth -= 1
        case .structure:
            let outer = try beginStruct()
            while let field = try nextField() { try skip(field.type, inContainer: false) }
            endStruct(outer)
        }
    }

    // MARK: - Primitives

    private func mismatch(_ field: Field, _ expected: String) -> SluiceError {
        failure("metadata field \(field.id) is of wire type \(field.type.rawValue), not \(expected)")
    }

    private mutating func listHeader() throws(SluiceError) -> (WireType, Int) {
        let header = try byte()
        var count = Int(header >> 4)
        if count == 15 { count = try length() }
        if count > remaining {
            throw failure("metadata declares a list of \(count) elements with \(remaining) bytes left")
        }
        if count == 0 { return (.byte, 0) }
        guard let type = WireType(rawValue: header & 0x0f) else {
            throw failure("metadata has a list of unknown wire type \(header & 0x0f)")
        }
        return (type, count)
    }

    private mutating func string() throws(SluiceError) -> String {
        let count = try length()
        defer { position += count }
        return String(decoding: bytes[position..<position + count], as: UTF8.self)
    }

    private mutating func binary() throws(SluiceError) -> [UInt8] {
        let count = try length()
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    private mutating func byte() throws(SluiceError) -> UInt8 {
        guard position < bytes.count else { throw failure("metadata ends in the middle of a value") }
        defer { position += 1 }
        return bytes[position]
    }

    private mutating func advance(_ count: Int) throws(SluiceError) {
        guard count <= remaining else { throw failure("metadata ends in the middle of a value") }
        position += count
    }

    /// A length, or a number of elements, for which there are bytes enough.
    private mutating func length() throws(SluiceError) -> Int {
        let value = try varint()
        guard value <= UInt64(remaining) else {
            throw failure("metadata declares \(value) bytes or elements with \(remaining) bytes left")
        }
        return Int(value)
    }

    private mutating func varint() throws(SluiceError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            value |= UInt64(next & 0x7f) << shift
            if next < 0x80 { return value }
            shift += 7
            if shift > 63 { throw failure("metadata has an integer of more than 64 bits") }
        }
    }

    private mutating func zigzag() throws(SluiceError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
}

/// A structure of Parquet's metadata that can be read and written.
protocol ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError)
    func write(to writer: inout ThriftWriter)
}
