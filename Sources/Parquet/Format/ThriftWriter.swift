import Support

/// Writes Thrift's compact protocol.
///
///     writer.beginStruct()
///     writer.field(1, int32: version)
///     writer.field(2, structs: schema)
///     writer.endStruct()
struct ThriftWriter {
    /// Where the bytes go.
    let output: MutableBuffer
    private var lastField: Int16 = 0
    private var outerFields: [Int16] = []

    /// A writer that appends to `output`.
    init(_ output: MutableBuffer) { self.output = output }

    /// The bytes of one structure.
    static func bytes(of value: some ThriftStruct) -> Buffer {
        let output = MutableBuffer(capacity: 1024)
        var writer = ThriftWriter(output)
        value.write(to: &writer)
        return output.freeze()
    }

    // MARK: - Structures

    mutating func beginStruct() {
        outerFields.append(lastField)
        lastField = 0
    }

    mutating func endStruct() {
        output.append(0 as UInt8)
        lastField = outerFields.popLast() ?? 0
    }

    // MARK: - Fields; an optional that is nil writes nothing

    mutating func field(_ id: Int16, bool value: Bool?) {
        guard let value else { return }
        header(id, value ? .yes : .no)
    }

    mutating func field(_ id: Int16, byte value: Int8?) {
        guard let value else { return }
        header(id, .byte)
        output.append(value)
    }

    mutating func field(_ id: Int16, int16 value: Int16?) {
        guard let value else { return }
        header(id, .int16)
        zigzag(Int64(value))
    }

    mutating func field(_ id: Int16, int32 value: Int32?) {
        guard let value else { return }
        header(id, .int32)
        zigzag(Int64(value))
    }

    mutating func field(_ id: Int16, int64 value: Int64?) {
        guard let value else { return }
        header(id, .int64)
        zigzag(value)
    }

    mutating func field(_ id: Int16, binary value: [UInt8]?) {
        guard let value else { return }
        header(id, .binary)
        binary(value)
    }

    mutating func field(_ id: Int16, string value: String?) {
        guard let value else { return }
        header(id, .binary)
        string(value)
    }

    mutating func field(_ id: Int16, struct value: (some ThriftStruct)?) {
        guard let value else { return }
        header(id, .structure)
        value.write(to: &self)
    }

    /// A structure without fields, as unions use to name a case.
    mutating func emptyStruct(_ id: Int16) {
        header(id, .structure)
        output.append(0 as UInt8)
    }

    mutating func field(_ id: Int16, structs values: [some ThriftStruct]?) {
        guard let values else { return }
        header(id, .list)
        listHeader(.structure, values.count)
        for value in values { value.write(to: &self) }
    }

    mutating func field(_ id: Int16, int32s values: [Int32]?) {
        guard let values else { return }
        header(id, .list)
        listHeader(.int32, values.count)
        for value in values { zigzag(Int64(value)) }
    }

    mutating func field(_ id: Int16, int64s values: [Int64]?) {
        guard let values else { return }
        header(id, .list)
        listHeader(.int64, values.count)
        for value in values { zigzag(value) }
    }

    mutating func field(_ id: Int16, bools values: [Bool]?) {
        guard let values else { return }
        header(id, .list)
        listHeader(.yes, values.count)
        for value in values { output.append(value ? 1 : 2 as UInt8) }
    }

    mutating func field(_ id: Int16, strings values: [String]?) {
        guard let values else { return }
        header(id, .list)
        listHeader(.binary, values.count)
        for value in values { string(value) }
    }

    mutating func field(_ id: Int16, binaries values: [[UInt8]]?) {
        guard let values else { return }
        header(id, .list)
        listHeader(.binary, values.count)
        for value in values { binary(value) }
    }

    // MARK: - Primitives

    private mutating func header(_ id: Int16, _ type: ThriftReader.WireType) {
        let delta = Int(id) - Int(lastField)
        if delta > 0, delta <= 15 {
            output.append(UInt8(delta) << 4 | type.rawValue)
        } else {
            output.append(type.rawValue)
            zigzag(Int64(id))
        }
        lastField = id
    }

    private func listHeader(_ type: ThriftReader.WireType, _ count: Int) {
        if count < 15 {
            output.append(UInt8(count) << 4 | type.rawValue)
        } else {
            output.append(0xf0 | type.rawValue)
            varint(UInt64(count))
        }
    }

    private func binary(_ value: [UInt8]) {
        varint(UInt64(value.count))
        output.append(value)
    }

    private func string(_ value: String) {
        varint(UInt64(value.utf8.count))
        output.append(utf8: value)
    }

    private func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        output.append(UInt8(rest))
    }

    private func zigzag(_ value: Int64) {
        varint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }
}
