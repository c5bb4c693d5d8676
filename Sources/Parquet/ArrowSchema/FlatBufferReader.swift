import Support

/// Reads FlatBuffers out of bytes that may be hostile: every offset is checked before it is followed.
struct FlatBufferReader {
    private let bytes: [UInt8]
    /// How many more tables of lists and bytes of texts may be handed out.
    ///
    /// Places may be shared, so that without a bound a small buffer could stand for a huge tree.
    private var tablesLeft: Int
    private var textLeft: Int

    /// A place in the buffer where a table begins, with where its layout is.
    struct Table {
        fileprivate let start: Int
        fileprivate let layout: Int
        fileprivate let layoutSize: Int
    }

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        tablesLeft = bytes.count / 8
        textLeft = bytes.count
    }

    /// The table that the buffer is about, in a buffer that begins at `start`.
    func root(at start: Int) throws(SluiceError) -> Table { try table(at: try target(of: start)) }

    // MARK: - Fields

    func byte(_ table: Table, _ slot: Int, default value: UInt8 = 0) throws(SluiceError) -> UInt8 {
        guard let place = try place(table, slot) else { return value }
        return try load(UInt8.self, at: place)
    }

    func short(_ table: Table, _ slot: Int, default value: Int16 = 0) throws(SluiceError) -> Int16 {
        guard let place = try place(table, slot) else { return value }
        return try load(Int16.self, at: place)
    }

    func int(_ table: Table, _ slot: Int, default value: Int32 = 0) throws(SluiceError) -> Int32 {
        guard let place = try place(table, slot) else { return value }
        return try load(Int32.self, at: place)
    }

    mutating func string(_ table: Table, _ slot: Int) throws(SluiceError) -> String? {
        guard let place = try place(table, slot) else { return nil }
        let start = try target(of: place)
        let length = Int(try load(UInt32.self, at: start))
        guard length <= bytes.count - start - 4 else { throw failure("a text goes beyond its end") }
        textLeft -= length
        guard textLeft >= 0 else { throw failure("it repeats itself") }
        return String(decoding: bytes[start + 4..<start + 4 + length], as: UTF8.self)
    }

    func table(_ table: Table, _ slot: Int) throws(SluiceError) -> Table? {
        guard let place = try place(table, slot) else { return nil }
        return try self.table(at: try target(of: place))
    }

    mutating func tables(_ table: Table, _ slot: Int) throws(SluiceError) -> [Table] {
        guard let place = try place(table, slot) else { return [] }
        let start = try target(of: place)
        let count = Int(try load(UInt32.self, at: start))
        guard count <= (bytes.count - start - 4) / 4 else { throw failure("a list goes beyond its end") }
        tablesLeft -= count
        guard tablesLeft >= 0 else { throw failure("it repeats itself") }
        var tables: [Table] = []
        for index in 0..<count { tables.append(try self.table(at: try target(of: start + 4 + 4 * index))) }
        return tables
    }

    // MARK: - Places

    private func place(_ table: Table, _ slot: Int) throws(SluiceError) -> Int? {
        let entry = 4 + 2 * slot
        guard entry + 2 <= table.layoutSize else { return nil }
        let offset = Int(try load(UInt16.self, at: table.layout + entry))
        return offset == 0 ? nil : table.start + offset
    }

    private func table(at start: Int) throws(SluiceError) -> Table {
        let layout = start - Int(try load(Int32.self, at: start))
        return Table(start: start, layout: layout, layoutSize: Int(try load(UInt16.self, at: layout)))
    }

    /// Where the offset at `place` points to.
    private func target(of place: Int) throws(SluiceError) -> Int { place + Int(try load(UInt32.self, at: place)) }

    private func load<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type, at place: Int) throws(SluiceError) -> T {
        guard place >= 0, place <= bytes.count - MemoryLayout<T>.size else {
            throw failure("an offset points outside of it")
        }
        return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: T.self) }
    }

    func failure(_ message: String) -> SluiceError {
        SluiceError(.invalidData, "the Arrow schema in the metadata is damaged: \(message)")
    }
}
