import Support

// The footer's structures on the wire, in the order of the format's own definition (parquet.thrift). A structure that
// lacks a required field is refused, so that a hostile footer cannot grow by much more than its bytes in memory.

extension FileMetadata: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        var hasSchema = false
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: version = try reader.int32(field)
            case 2:
                schema = try reader.structs(field)
                hasSchema = true
            case 3: rowCount = try reader.int64(field)
            case 4: rowGroups = try reader.structs(field)
            case 5: keyValues = try reader.structs(field)
            case 6: createdBy = try reader.string(field)
            case 7:
                let orders: [ColumnOrder] = try reader.structs(field)
                columnOrders = orders
            case 8:
                isEncrypted = true
                try reader.skip(field)
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
        guard hasSchema else { throw reader.failure("the footer has no schema") }
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, int32: version)
        writer.field(2, structs: schema)
        writer.field(3, int64: rowCount)
        writer.field(4, structs: rowGroups)
        if !keyValues.isEmpty { writer.field(5, structs: keyValues) }
        writer.field(6, string: createdBy)
        writer.field(7, structs: columnOrders)
        writer.endStruct()
    }
}

extension KeyValue: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: key = try reader.string(field)
            case 2: value = try reader.string(field)
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, string: key)
        writer.field(2, string: value)
        writer.endStruct()
    }
}

extension ColumnOrder: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        self = .unknown
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: self = .typeDefined
            case 2: self = .ieee754Total
            default: self = .unknown
            }
            try reader.skip(field)
        }
        reader.endStruct(outer)
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        switch self {
        case .typeDefined: writer.emptyStruct(1)
        case .ieee754Total: writer.emptyStruct(2)
        case .unknown: break
        }
        writer.endStruct()
    }
}

extension SchemaElement: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        var hasName = false
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1:
                let number = try reader.int32(field)
                guard let known = PhysicalType(rawValue: number) else {
                    throw reader.failure("a column is of unknown physical type \(number)")
                }
                type = known
            case 2: typeLength = try reader.int32(field)
            case 3:
                let number = try reader.int32(field)
                guard let known = Repetition(rawValue: number) else {
                    throw reader.failure("a column has the unknown repetition \(number)")
                }
                repetition = known
            case 4:
                name = try reader.string(field)
                hasName = true
            case 5: childCount = try reader.int32(field)
            // What a newer format may add is passed over: the values can be read as their physical type.
            case 6: convertedType = ConvertedType(rawValue: try reader.int32(field))
            case 7: scale = try reader.int32(field)
            case 8: precision = try reader.int32(field)
            case 9: fieldID = try reader.int32(field)
            case 10:
                let logical: LogicalType = try reader.structure(field)
                logicalType = logical
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
        guard hasName else { throw reader.failure("a node of the schema has no name") }
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, int32: type?.rawValue)
        writer.field(2, int32: typeLength)
        writer.field(3, int32: repetition?.rawValue)
        writer.field(4, string: name)
        writer.field(5, int32: childCount)
        writer.field(6, int32: convertedType?.rawValue)
        writer.field(7, int32: scale)
        writer.field(8, int32: precision)
        writer.field(9, int32: fieldID)
        writer.field(10, struct: logicalType)
        writer.endStruct()
    }
}

extension RowGroup: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        var found = 0
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1:
                columns = try reader.structs(field)
                found += 1
            case 2: totalByteSize = try reader.int64(field)
            case 3:
                rowCount = try reader.int64(field)
                found += 1
            case 4:
                let sorting: [SortingColumn] = try reader.structs(field)
                sortingColumns = sorting
            case 5: fileOffset = try reader.int64(field)
            case 6: totalCompressedSize = try reader.int64(field)
            case 7: ordinal = Int16(truncatingIfNeeded: try reader.int64(field))
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
        guard found == 2 else { throw reader.failure("a row group lacks its columns or its row count") }
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, structs: columns)
        writer.field(2, int64: totalByteSize)
        writer.field(3, int64: rowCount)
        writer.field(4, structs: sortingColumns)
        writer.field(5, int64: fileOffset)
        writer.field(6, int64: totalCompressedSize)
        writer.field(7, int16: ordinal)
        writer.endStruct()
    }
}

extension SortingColumn: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: columnIndex = try reader.int32(field)
            case 2: isDescending = try reader.bool(field)
            case 3: nullsFirst = try reader.bool(field)
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, int32: columnIndex)
        writer.field(2, bool: isDescending)
        writer.field(3, bool: nullsFirst)
        writer.endStruct()
    }
}

extension ColumnChunk: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        var hasMetadata = false
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: filePath = try reader.string(field)
            case 2: fileOffset = try reader.int64(field)
            case 3:
                metadata = try reader.structure(field)
                hasMetadata = true
            case 4: offsetIndexOffset = try reader.int64(field)
            case 5: offsetIndexLength = try reader.int32(field)
            case 6: columnIndexOffset = try reader.int64(field)
            case 7: columnIndexLength = try reader.int32(field)
            case 8, 9:
                isEncrypted = true
                try reader.skip(field)
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
        guard hasMetadata || isEncrypted else { throw reader.failure("a column chunk has no metadata") }
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, string: filePath)
        writer.field(2, int64: fileOffset)
        writer.field(3, struct: metadata)
        writer.field(4, int64: offsetIndexOffset)
        writer.field(5, int32: offsetIndexLength)
        writer.field(6, int64: columnIndexOffset)
        writer.field(7, int32: columnIndexLength)
        writer.endStruct()
    }
}

extension ColumnMetadata: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        // Bit n for required field n.
        var found = 0
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            if field.id > 0, field.id < 16 { found |= 1 << Int(field.id) }
            switch field.id {
            case 1:
                let number = try reader.int32(field)
                guard let known = PhysicalType(rawValue: number) else {
                    throw reader.failure("a column chunk is of unknown physical type \(number)")
                }
                type = known
            case 2:
                encodings = try reader.list(field) { (reader, type) throws(SluiceError) -> Encoding in
                    Encoding(rawValue: try reader.int32(.init(id: field.id, type: type)))
                }
            case 3:
                path = try reader.list(field) { (reader, type) throws(SluiceError) -> String in
                    try reader.string(.init(id: field.id, type: type))
                }
            case 4: codec = Codec(rawValue: try reader.int32(field))
            case 5: valueCount = try reader.int64(field)
            case 6: totalUncompressedSize = try reader.int64(field)
            case 7: totalCompressedSize = try reader.int64(field)
            case 8:
                let pairs: [KeyValue] = try reader.structs(field)
                keyValues = pairs
            case 9: dataPageOffset = try reader.int64(field)
            case 10: indexPageOffset = try reader.int64(field)
            case 11: dictionaryPageOffset = try reader.int64(field)
            case 12:
                let found: Statistics = try reader.structure(field)
                statistics = found
            case 13:
                let stats: [PageEncodingStats] = try reader.structs(field)
                encodingStats = stats
            case 14: bloomFilterOffset = try reader.int64(field)
            case 15: bloomFilterLength = try reader.int32(field)
            case 16:
                let sizes: SizeStatistics = try reader.structure(field)
                sizeStatistics = sizes
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
        let required = 0b10_1111_1110
        let missing = required & ~found & ~(1 << 8)
        guard missing == 0 else {
            throw reader.failure("the metadata of a column chunk lacks field \(missing.trailingZeroBitCount)")
        }
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, int32: type.rawValue)
        writer.field(2, int32s: encodings.map(\.rawValue))
        writer.field(3, strings: path)
        writer.field(4, int32: codec.rawValue)
        writer.field(5, int64: valueCount)
        writer.field(6, int64: totalUncompressedSize)
        writer.field(7, int64: totalCompressedSize)
        writer.field(8, structs: keyValues)
        writer.field(9, int64: dataPageOffset)
        writer.field(10, int64: indexPageOffset)
        writer.field(11, int64: dictionaryPageOffset)
        writer.field(12, struct: statistics)
        writer.field(13, structs: encodingStats)
        writer.field(14, int64: bloomFilterOffset)
        writer.field(15, int32: bloomFilterLength)
        writer.field(16, struct: sizeStatistics)
        writer.endStruct()
    }
}

extension PageEncodingStats: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: pageType = try reader.int32(field)
            case 2: encoding = Encoding(rawValue: try reader.int32(field))
            case 3: count = try reader.int32(field)
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, int32: pageType)
        writer.field(2, int32: encoding.rawValue)
        writer.field(3, int32: count)
        writer.endStruct()
    }
}

extension SizeStatistics: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: unencodedByteArrayBytes = try reader.int64(field)
            case 2: repetitionLevelHistogram = try reader.int64s(field)
            case 3: definitionLevelHistogram = try reader.int64s(field)
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, int64: unencodedByteArrayBytes)
        writer.field(2, int64s: repetitionLevelHistogram)
        writer.field(3, int64s: definitionLevelHistogram)
        writer.endStruct()
    }
}

extension Statistics: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: deprecatedMax = try reader.binary(field)
            case 2: deprecatedMin = try reader.binary(field)
            case 3: nullCount = try reader.int64(field)
            case 4: distinctCount = try reader.int64(field)
            case 5: maxValue = try reader.binary(field)
            case 6: minValue = try reader.binary(field)
            case 7: isMaxExact = try reader.bool(field)
            case 8: isMinExact = try reader.bool(field)
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, binary: deprecatedMax)
        writer.field(2, binary: deprecatedMin)
        writer.field(3, int64: nullCount)
        writer.field(4, int64: distinctCount)
        writer.field(5, binary: maxValue)
        writer.field(6, binary: minValue)
        writer.field(7, bool: isMaxExact)
        writer.field(8, bool: isMinExact)
        writer.endStruct()
    }
}
