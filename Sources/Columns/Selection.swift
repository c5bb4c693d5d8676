public import Support

extension Column {
    /// The rows at `indices`, in that order; each lies within `0..<count` and may come several times.
    ///
    /// - throws: `SluiceError` when the bytes or items are more than a column holds.
    public func take(_ indices: [Int32]) throws(SluiceError) -> Column {
        precondition(indices.allSatisfy { $0 >= 0 && Int($0) < count }, "an index lies outside of the column")
        return try gather(indices)
    }

    /// The rows whose bit in `mask` is 1; bit 0 stands for the first row.
    ///
    /// - throws: as `take`.
    public func filter(_ mask: Buffer) throws(SluiceError) -> Column {
        precondition(mask.count * 8 >= count, "a mask has a bit for each row")
        return try gather(Bitmap.indices(in: mask, count: count))
    }

    private func gather(_ indices: [Int32]) throws(SluiceError) -> Column {
        var bits: Buffer?
        var nulls = type == .null ? indices.count : 0
        if let validity {
            let taken = Column.gatherBits(validity, offset: offset, indices)
            (bits, nulls) = (taken.bits, taken.zeros)
        }
        var values: Buffer?
        var offsets: Buffer?
        var children: [Column] = []
        switch type.layout {
        case .null: break
        case .bits: values = self.values.map { Column.gatherBits($0, offset: offset, indices).bits }
        case .fixed(let width): values = gatherFixed(width, indices)
        case .bytes: (values, offsets) = try gatherBytes(indices)
        case .list:
            let (ends, items) = try gatherItems(indices)
            offsets = ends
            children = [try self.children[0].gather(items)]
        case .structure:
            for child in self.children { children.append(try child.gather(indices)) }
        }
        return Column(
            type: type, count: indices.count, nullCount: nulls, validity: bits, values: values, offsets: offsets,
            children: children)
    }

    private static func gatherBits(_ bits: Buffer, offset: Int, _ indices: [Int32]) -> (bits: Buffer, zeros: Int) {
        let builder = BitmapBuilder(capacity: indices.count)
        bits.withUnsafeBytes { bytes in
            for index in indices { builder.append(Bitmap.isSet(bytes, at: offset &+ Int(index))) }
        }
        let zeros = builder.zeroCount
        return (builder.freeze(), zeros)
    }

    private func gatherFixed(_ width: Int, _ indices: [Int32]) -> Buffer {
        func gathered<T: BitwiseCopyable>(_: T.Type) -> Buffer {
            let out = MutableBuffer(capacity: indices.count * MemoryLayout<T>.size)
            withValues(as: T.self) { values in for index in indices { out.append(values[Int(index)]) } }
            return out.freeze()
        }
        switch width {
        case 1: return gathered(UInt8.self)
        case 2: return gathered(UInt16.self)
        case 4: return gathered(UInt32.self)
        case 8: return gathered(UInt64.self)
        default:
            let out = MutableBuffer(capacity: indices.count * width)
            values?.withUnsafeBytes { bytes in
                for index in indices {
                    let start = (offset + Int(index)) * width
                    out.append(UnsafeRawBufferPointer(rebasing: bytes[start..<start + width]))
                }
            }
            return out.freeze()
        }
    }

    private func gatherBytes(_ indices: [Int32]) throws(SluiceError) -> (Buffer, Buffer) {
        let out = MutableBuffer()
        let ends = MutableBuffer(capacity: (indices.count + 1) * 4)
        ends.append(0 as Int32)
        try withBytes { (offsets, bytes) throws(SluiceError) in
            for index in indices {
                let range = Int(offsets[Int(index)])..<Int(offsets[Int(index) + 1])
                out.append(UnsafeRawBufferPointer(rebasing: bytes[range]))
                if out.count > Int(Int32.max) { throw Column.tooMuch }
                ends.append(Int32(truncatingIfNeeded: out.count))
            }
        }
        return (out.freeze(), ends.freeze())
    }

    private func gatherItems(_ indices: [Int32]) throws(SluiceError) -> (Buffer, [Int32]) {
        var items: [Int32] = []
        let ends = MutableBuffer(capacity: (indices.count + 1) * 4)
        ends.append(0 as Int32)
        try withOffsets { (offsets) throws(SluiceError) in
            for index in indices {
                let range = offsets[Int(index)]..<offsets[Int(index) + 1]
                if items.count + range.count > Int(Int32.max) { throw Column.tooMuch }
                items.append(contentsOf: range)
                ends.append(Int32(truncatingIfNeeded: items.count))
            }
        }
        return (ends.freeze(), items)
    }

    private static var tooMuch: SluiceError {
        SluiceError(.limitExceeded, "the rows have more bytes or items than one column holds", hint: "Take fewer rows")
    }
}

extension RecordBatch {
    /// The rows at `indices`, as `Column.take`.
    public func take(_ indices: [Int32]) throws(SluiceError) -> RecordBatch {
        var taken: [Column] = []
        for column in columns { taken.append(try column.take(indices)) }
        return RecordBatch(schema: schema, columns: taken, rowCount: indices.count)
    }

    /// The rows whose bit in `mask` is 1, as `Column.filter`.
    public func filter(_ mask: Buffer) throws(SluiceError) -> RecordBatch {
        try take(Bitmap.indices(in: mask, count: rowCount))
    }
}

extension Bitmap {
    /// Which of the first `count` bits are 1.
    public static func indices(in bits: Buffer, count: Int) -> [Int32] {
        var indices: [Int32] = []
        indices.reserveCapacity(countSet(bits, from: 0, count: count))
        bits.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: count, by: 8) {
                var byte = bytes[start >> 3]
                if count - start < 8 { byte &= 1 << UInt8(count - start) &- 1 }
                while byte != 0 {
                    indices.append(Int32(truncatingIfNeeded: start &+ byte.trailingZeroBitCount))
                    byte &= byte &- 1
                }
            }
        }
        return indices
    }
}
