import Support

/// What stands in a field of a FlatBuffers table.
indirect enum FlatValue {
    case byte(UInt8)
    case short(Int16)
    case int(Int32)
    case long(Int64)
    case string(String)
    case table(FlatTable)
    case tables([FlatTable])

    /// How many bytes the field takes in its table; what is behind an offset takes four.
    fileprivate var size: Int {
        switch self {
        case .byte: 1
        case .short: 2
        case .int, .string, .table, .tables: 4
        case .long: 8
        }
    }
}

/// A FlatBuffers table: values by their slot. Slots that are not given have their default.
struct FlatTable {
    var fields: [(slot: Int, value: FlatValue)] = []

    /// A table with what is given.
    init(_ fields: [(slot: Int, value: FlatValue)] = []) { self.fields = fields }
}

/// Writes FlatBuffers front to back: each table is followed by what it points to.
struct FlatBufferWriter {
    private let output = MutableBuffer(capacity: 1024)

    /// The buffer whose root is `table`, filled up to a multiple of eight bytes.
    static func buffer(root table: FlatTable) -> Buffer {
        var writer = FlatBufferWriter()
        writer.output.append(0 as UInt32)
        let root = writer.write(table)
        writer.patch(0, to: root)
        writer.align(to: 8)
        return writer.output.freeze()
    }

    private mutating func align(to size: Int) {
        output.append(repeating: 0, count: (size - output.count % size) % size)
    }

    /// Makes the offset at `position` point to `target`.
    private mutating func patch(_ position: Int, to target: Int) {
        output.base.storeBytes(of: UInt32(target - position), toByteOffset: position, as: UInt32.self)
    }

    private mutating func write(_ table: FlatTable) -> Int {
        // Large fields first, so that little is lost to alignment; the table begins with the way to its layout.
        let ordered = table.fields.sorted { ($0.value.size, $1.slot) > ($1.value.size, $0.slot) }
        var places = [UInt16](repeating: 0, count: (table.fields.map(\.slot).max() ?? -1) + 1)
        var size = 4
        for field in ordered {
            size = (size + field.value.size - 1) / field.value.size * field.value.size
            places[field.slot] = UInt16(size)
            size += field.value.size
        }
        align(to: 2)
        let layout = output.count
        output.append(UInt16(4 + 2 * places.count))
        output.append(UInt16(size))
        for place in places { output.append(place) }
        align(to: 8)
        let start = output.count
        output.append(repeating: 0, count: size)
        output.base.storeBytes(of: Int32(start - layout), toByteOffset: start, as: Int32.self)
        for field in ordered {
            let place = start + Int(places[field.slot])
            switch field.value {
            case .byte(let value): output.base.storeBytes(of: value, toByteOffset: place, as: UInt8.self)
            case .short(let value): output.base.storeBytes(of: value, toByteOffset: place, as: Int16.self)
            case .int(let value): output.base.storeBytes(of: value, toByteOffset: place, as: Int32.self)
            case .long(let value): output.base.storeBytes(of: value, toByteOffset: place, as: Int64.self)
            case .string(let text): patch(place, to: write(text))
            case .table(let inner): patch(place, to: write(inner))
            case .tables(let inner): patch(place, to: write(inner))
            }
        }
        return start
    }

    private mutating func write(_ text: String) -> Int {
        align(to: 4)
        let start = output.count
        output.append(UInt32(text.utf8.count))
        output.append(utf8: text)
        output.append(0 as UInt8)
        return start
    }

    private mutating func write(_ tables: [FlatTable]) -> Int {
        align(to: 4)
        let start = output.count
        output.append(UInt32(tables.count))
        output.append(repeating: 0, count: 4 * tables.count)
        for (index, table) in tables.enumerated() {
            let place = start + 4 + 4 * index
            patch(place, to: write(table))
        }
        return start
    }
}
