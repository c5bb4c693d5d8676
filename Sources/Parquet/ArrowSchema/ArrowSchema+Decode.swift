public import Columns
public import Support

extension ArrowSchema {
    /// The schema in a Base64 message; Arrow's many layouts of one meaning become the one that we have.
    ///
    /// - throws: `SluiceError` when the message is damaged, or has a type that we do not have.
    public static func decode(base64 text: String) throws(SluiceError) -> Schema {
        guard let bytes = Base64.decode(text) else {
            throw SluiceError(.invalidData, "the Arrow schema in the metadata is not Base64")
        }
        return try decode(message: bytes)
    }

    /// The schema in a message.
    static func decode(message bytes: [UInt8]) throws(SluiceError) -> Schema {
        // Before Arrow 0.15 the length came without the four bytes in front of it.
        let start = bytes.prefix(4) == [0xff, 0xff, 0xff, 0xff] ? 8 : 4
        var decoder = Decoder(FlatBufferReader(bytes))
        return try decoder.schema(at: start)
    }

    private struct Decoder {
        private var reader: FlatBufferReader

        /// Deeper nesting is refused.
        private static let maxDepth = 64

        init(_ reader: FlatBufferReader) { self.reader = reader }

        mutating func schema(at start: Int) throws(SluiceError) -> Schema {
            let message = try reader.root(at: start)
            guard try reader.byte(message, 1) == 1, let table = try reader.table(message, 2) else {
                throw reader.failure("it is not a schema")
            }
            var fields: [Field] = []
            for field in try reader.tables(table, 1) { fields.append(try self.field(field, depth: 0)) }
            return Schema(fields, metadata: try keyValues(table, 2))
        }

        private mutating func keyValues(
            _ table: FlatBufferReader.Table, _ slot: Int
        ) throws(SluiceError) -> [String: String] {
            var values: [String: String] = [:]
            for pair in try reader.tables(table, slot) {
                values[try reader.string(pair, 0) ?? ""] = try reader.string(pair, 1) ?? ""
            }
            return values
        }

        private mutating func field(_ table: FlatBufferReader.Table, depth: Int) throws(SluiceError) -> Field {
            guard depth < Decoder.maxDepth else {
                throw reader.failure("it is nested more than \(Decoder.maxDepth) levels deep")
            }
            let name = try reader.string(table, 0) ?? ""
            var children: [Field] = []
            for child in try reader.tables(table, 5) { children.append(try field(child, depth: depth + 1)) }
            var field = Field(
                name, .null, nullable: try reader.byte(table, 1) != 0, metadata: try keyValues(table, 6))
            let number = try reader.byte(table, 2)
            guard let type = try reader.table(table, 3) else { throw reader.failure("field \"\(name)\" has no type") }
            field.type = try self.type(number, type, children, of: name)
            if number == TypeNumber.duration {
                field.metadata[ArrowSchema.durationKey] = try unit(type, default: 1).rawValue
            }
            resolveExtension(&field)
            return field
        }

        /// Extension types that we have ourselves; others stay in the field's metadata.
        private func resolveExtension(_ field: inout Field) {
            switch (field.metadata[ArrowSchema.extensionName], field.type) {
            case (ArrowSchema.uuidExtension, .fixedBinary(16)): field.type = .uuid
            case (ArrowSchema.jsonExtension, .utf8): field.type = .json
            default: return
            }
            field.metadata[ArrowSchema.extensionName] = nil
            field.metadata[ArrowSchema.extensionMetadata] = nil
        }

        private mutating func type(
            _ number: UInt8, _ table: FlatBufferReader.Table, _ children: [Field], of name: String
        ) throws(SluiceError) -> DataType {
            switch number {
            case TypeNumber.null: return .null
            case TypeNumber.bool: return .bool
            case TypeNumber.int: return try integer(table, of: name)
            case TypeNumber.floatingPoint:
                switch try reader.short(table, 0) {
                case 0: return .float16
                case 1: return .float32
                case 2: return .float64
                default: throw reader.failure("field \"\(name)\" is a float of no known precision")
                }
            case TypeNumber.binary, TypeNumber.largeBinary, TypeNumber.binaryView: return .binary
            case TypeNumber.utf8, TypeNumber.largeUtf8, TypeNumber.utf8View: return .utf8
            case TypeNumber.decimal:
                let (precision, scale) = (try reader.int(table, 0), try reader.int(table, 1))
                guard (1...38).contains(precision), (0...precision).contains(scale) else {
                    throw unsupported(name, "decimal(\(precision),\(scale))")
                }
                return .decimal(precision: Int(precision), scale: Int(scale))
            // Arrow's dates in milliseconds are whole days too.
            case TypeNumber.date: return .date
            case TypeNumber.time: return .time(try unit(table, default: 1))
            case TypeNumber.timestamp:
                let zone = try reader.string(table, 1)
                return .timestamp(try unit(table, default: 0), zone: zone == "" ? nil : zone)
            case TypeNumber.duration: return .int64
            case TypeNumber.fixedSizeBinary:
                let width = try reader.int(table, 0)
                guard width >= 0 else { throw reader.failure("field \"\(name)\" has a width of \(width)") }
                return .fixedBinary(Int(width))
            case TypeNumber.list, TypeNumber.largeList, TypeNumber.fixedSizeList, TypeNumber.listView,
                TypeNumber.largeListView:
                guard children.count == 1 else { throw reader.failure("list \"\(name)\" has \(children.count) items") }
                return .list(children[0])
            case TypeNumber.structure: return .structure(children)
            case TypeNumber.map:
                guard children.count == 1, case .structure(let pair) = children[0].type, pair.count == 2 else {
                    throw reader.failure("map \"\(name)\" has no keys and values")
                }
                return .map(key: pair[0], value: pair[1])
            case TypeNumber.runEndEncoded:
                guard children.count == 2 else { throw reader.failure("field \"\(name)\" has no runs and values") }
                return children[1].type
            default: throw unsupported(name, "Arrow type \(number)")
            }
        }

        private func integer(_ table: FlatBufferReader.Table, of name: String) throws(SluiceError) -> DataType {
            switch (try reader.int(table, 0), try reader.byte(table, 1) != 0) {
            case (8, true): return .int8
            case (16, true): return .int16
            case (32, true): return .int32
            case (64, true): return .int64
            case (8, false): return .uint8
            case (16, false): return .uint16
            case (32, false): return .uint32
            case (64, false): return .uint64
            case (let width, _): throw reader.failure("field \"\(name)\" is an integer of \(width) bits")
            }
        }

        private func unit(_ table: FlatBufferReader.Table, default value: Int16) throws(SluiceError) -> TimeUnit {
            switch try reader.short(table, 0, default: value) {
            case 0: return .second
            case 1: return .millisecond
            case 2: return .microsecond
            case 3: return .nanosecond
            case let other: throw reader.failure("time unit \(other) is not known")
            }
        }

        private func unsupported(_ name: String, _ type: String) -> SluiceError {
            SluiceError(.unsupported, "\(type) of field \"\(name)\" is not supported", place: .init(column: name))
        }
    }
}
