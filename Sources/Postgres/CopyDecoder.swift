public import Columns
public import Support

/// Turns the messages of `COPY … TO STDOUT (FORMAT binary)` into batches.
///
/// Each message is one row, as the server sends them. A row with a value that its column's type cannot hold (an infinite
/// date, a numeric `NaN`) is handed to `reject` instead of ending the run or becoming something else.
public final class CopyDecoder {
    /// A row that does not fit.
    public struct Rejection: Sendable {
        /// The row's number in the stream, from 1.
        public let row: Int
        /// The column that it failed in.
        public let column: String
        /// Why, as a sentence without a full stop.
        public let reason: String
        /// The binary fields as they came.
        public let raw: [UInt8]
    }

    /// The batches' schema.
    public let schema: Schema
    private let types: [PostgresType]
    private let batchRows: Int
    private let batchBytes: Int
    private var fields: CopyFields
    private var rows = 0
    private var rowsBefore = 0
    private var seenHeader = false
    /// Whether the end of the stream has been read.
    public private(set) var isFinished = false
    /// How many bytes of the stream have been decoded.
    public private(set) var bytesRead = 0
    /// Whether the server has confirmed the end of the COPY.
    var isDrained = false
    /// Rows that did not fit, in order, until they are taken.
    public private(set) var rejections: [Rejection] = []

    /// A decoder for columns of the given names and types.
    public init(
        columns: [(name: String, type: PostgresType, isNullable: Bool)], batchRows: Int = 65_536,
        batchBytes: Int = 16 << 20
    ) {
        schema = Schema(columns.map { Field($0.name, $0.type.columnType, nullable: $0.isNullable) })
        types = columns.map(\.type)
        self.batchRows = batchRows
        self.batchBytes = batchBytes
        fields = CopyFields(types, capacity: batchRows)
    }

    /// Whether a batch is full and has to be taken with `takeBatch` before more is decoded.
    public var isBatchFull: Bool { rows == batchRows || bytes >= batchBytes }

    private var bytes = 0

    /// The rows decoded since the last batch; nil when there are none.
    public func takeBatch() throws(SluiceError) -> RecordBatch? {
        guard rows > 0 else { return nil }
        var columns: [Column] = []
        columns.reserveCapacity(fields.count)
        for index in 0..<fields.count { columns.append(try fields[index].finish(rows: rows)) }
        let batch = RecordBatch(schema: schema, columns: columns, rowCount: rows)
        if !isFinished { fields = CopyFields(types, capacity: batchRows) }
        rowsBefore += rows
        rows = 0
        bytes = 0
        return batch
    }

    /// Hands over the rows that did not fit so far.
    public func takeRejections() -> [Rejection] {
        defer { rejections = [] }
        return rejections
    }

    /// Decodes one message of the stream.
    public func decode(_ message: UnsafeRawBufferPointer) throws(SluiceError) {
        guard var position = message.baseAddress else { return }
        var left = message.count
        bytesRead &+= left
        if !seenHeader {
            let header = try headerLength(message)
            position += header
            left -= header
            seenHeader = true
        }
        while left > 0 {
            let used = try decodeRow(position, left)
            position += used
            left -= used
        }
    }

    private func headerLength(_ message: UnsafeRawBufferPointer) throws(SluiceError) -> Int {
        let signature: [UInt8] = Array("PGCOPY\n".utf8) + [0xff, 0x0d, 0x0a, 0x00]
        guard message.count >= 19, message.prefix(11).elementsEqual(signature), let start = message.baseAddress else {
            throw malformed("the stream does not begin like a binary COPY")
        }
        let extensionLength = Int(start.bigEndian(15, UInt32.self))
        guard 19 + extensionLength <= message.count else { throw malformed("the header is cut off") }
        return 19 + extensionLength
    }

    @inline(__always) private func decodeRow(_ start: UnsafeRawPointer, _ length: Int) throws(SluiceError) -> Int {
        guard length >= 2 else { throw malformed("a row is cut off") }
        let count = Int(start.bigEndian(0, Int16.self))
        if count == -1 {
            isFinished = true
            return length
        }
        let fields = fields
        guard count == fields.count else { throw malformed("a row has \(count) fields, \(fields.count) were expected") }
        var position = 2
        for index in 0..<count {
            guard position &+ 4 <= length else { throw malformed("a row is cut off") }
            let size = Int(start.bigEndian(position, Int32.self))
            position &+= 4
            if size < 0 {
                fields[index].setNull(rows)
                continue
            }
            guard size <= length &- position else { throw malformed("a field is cut off") }
            do throws(CopyField.Misfit) {
                try fields[index].set(rows, start + position, length: size)
            } catch {
                return try reject(start, length, column: index, because: error)
            }
            position &+= size
        }
        rows &+= 1
        bytes &+= position
        return position
    }

    /// Takes back the fields of a row that does not fit, keeps its bytes, and says how long it is.
    private func reject(
        _ start: UnsafeRawPointer, _ length: Int, column: Int, because misfit: CopyField.Misfit
    ) throws(SluiceError) -> Int {
        let field = schema.fields[column]
        if case .malformed = misfit {
            throw malformed("the bytes of a field are not a \(field.type)", column: field.name)
        }
        for index in 0...column { fields[index].takeBack(rows) }
        var position = 2
        for _ in 0..<fields.count {
            guard position + 4 <= length else { throw malformed("a row is cut off") }
            let size = max(Int(start.bigEndian(position, Int32.self)), 0)
            guard size <= length - position - 4 else { throw malformed("a field is cut off") }
            position += 4 + size
        }
        rejections.append(
            Rejection(
                row: rowsBefore + rows + rejections.count + 1, column: field.name,
                reason: "the value does not fit \(field.type)",
                raw: Array(UnsafeRawBufferPointer(start: start, count: position))))
        return position
    }

    private func malformed(_ message: String, column: String? = nil) -> SluiceError {
        SluiceError(.invalidData, message, place: .init(file: "COPY", column: column, row: rowsBefore + rows + 1))
    }
}

/// The columns of a batch under construction, in memory that is not asked for every field whether somebody shares it.
private final class CopyFields {
    let count: Int
    private let start: UnsafeMutablePointer<CopyField>

    init(_ types: [PostgresType], capacity: Int) {
        count = types.count
        start = .allocate(capacity: max(1, count))
        for (index, type) in types.enumerated() {
            (start + index).initialize(to: CopyField(type, capacity: capacity))
        }
    }

    deinit {
        start.deinitialize(count: count)
        start.deallocate()
    }

    subscript(index: Int) -> CopyField {
        @inline(__always) unsafeAddress { UnsafePointer(start + index) }
        @inline(__always) unsafeMutableAddress { start + index }
    }
}
