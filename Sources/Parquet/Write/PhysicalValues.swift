import Columns
import Support

extension ShreddedLeaf {
    /// `count` values from value `start` on, side by side and in the form in which Parquet stores them; counts them into
    /// `range` if they compare as numbers.
    ///
    /// Values that lie like that already are not copied; others go through `scratch`. What is returned lives as long as
    /// both this and `scratch`.
    func physicalValues(
        _ leaf: LeafPlan, from start: Int, count: Int, scratch: MutableBuffer, range: inout ValueRange
    ) throws(SluiceError) -> UnsafeRawPointer {
        scratch.count = 0
        switch leaf.storage {
        case .nothing, .boolean, .bytes: return UnsafeRawPointer(scratch.base)
        case .int32:
            let values = dense(4, start, count, scratch)
            if range.order == .unsigned {
                range.add(UInt32.self, values, count: count)
            } else {
                range.add(Int32.self, values, count: count)
            }
            return values
        case .int64:
            let values = dense(8, start, count, scratch)
            if range.order == .unsigned {
                range.add(UInt64.self, values, count: count)
            } else {
                range.add(Int64.self, values, count: count)
            }
            return values
        case .float:
            let values = dense(4, start, count, scratch)
            range.add(float: Float.self, values, count: count)
            return values
        case .double:
            let values = dense(8, start, count, scratch)
            range.add(float: Double.self, values, count: count)
            return values
        case .fixed(let width):
            let values = dense(width, start, count, scratch)
            if range.order == .float { range.add(float: Float16.self, values, count: count) }
            return values
        case .int8: return widened(Int8.self, start, count, scratch, &range)
        case .int16: return widened(Int16.self, start, count, scratch, &range)
        case .uint8: return widened(UInt8.self, start, count, scratch, &range)
        case .uint16: return widened(UInt16.self, start, count, scratch, &range)
        case .secondsOfDay:
            let values = try scaled(Int32.self, start, count, scratch)
            range.add(Int32.self, values, count: count)
            return values
        case .seconds:
            let values = try scaled(Int64.self, start, count, scratch)
            range.add(Int64.self, values, count: count)
            return values
        case .decimal32:
            let values = try narrowed(Int32.self, start, count, scratch)
            range.add(Int32.self, values, count: count)
            return values
        case .decimal64:
            let values = try narrowed(Int64.self, start, count, scratch)
            range.add(Int64.self, values, count: count)
            return values
        case .decimalBytes(let width): return try bigEndian(width, start, count, scratch, &range)
        }
    }

    /// The values as they are, `width` bytes each.
    private func dense(
        _ width: Int, _ start: Int, _ count: Int, _ scratch: MutableBuffer
    ) -> UnsafeRawPointer {
        guard let values = source.values else { return UnsafeRawPointer(scratch.base) }
        let base = values.unsafeStart + source.offset * width
        guard let indices else { return base + (firstValue + start) * width }
        scratch.reserve(count * width)
        let out = scratch.base
        switch width {
        case 4:
            for i in 0..<count {
                let value = base.loadUnaligned(fromByteOffset: Int(indices[start &+ i]) &* 4, as: UInt32.self)
                out.storeBytes(of: value, toByteOffset: i &* 4, as: UInt32.self)
            }
        case 8:
            for i in 0..<count {
                let value = base.loadUnaligned(fromByteOffset: Int(indices[start &+ i]) &* 8, as: UInt64.self)
                out.storeBytes(of: value, toByteOffset: i &* 8, as: UInt64.self)
            }
        default:
            for i in 0..<count {
                (out + i &* width).copyMemory(from: base + Int(indices[start &+ i]) &* width, byteCount: width)
            }
        }
        return UnsafeRawPointer(out)
    }

    /// Calls `body` with the number of each value and the value.
    @inline(__always) private func forEach<T: BitwiseCopyable>(
        _: T.Type, _ start: Int, _ count: Int, _ body: (Int, T) -> Void
    ) {
        source.withValues(as: T.self) { values in
            if let indices {
                for i in 0..<count { body(i, values[Int(indices[start &+ i])]) }
            } else {
                let first = firstValue &+ start
                for i in 0..<count { body(i, values[first &+ i]) }
            }
        }
    }

    private func widened<T: FixedWidthInteger & BitwiseCopyable>(
        _: T.Type, _ start: Int, _ count: Int, _ scratch: MutableBuffer, _ range: inout ValueRange
    ) -> UnsafeRawPointer {
        scratch.reserve(count * 4)
        let out = scratch.base.assumingMemoryBound(to: Int32.self)
        forEach(T.self, start, count) { i, value in out[i] = Int32(truncatingIfNeeded: value) }
        // 16 bits are within the range of `Int32`, signed or not.
        range.add(Int32.self, UnsafeRawPointer(out), count: count)
        return UnsafeRawPointer(out)
    }

    private func scaled<T: FixedWidthInteger & BitwiseCopyable>(
        _: T.Type, _ start: Int, _ count: Int, _ scratch: MutableBuffer
    ) throws(SluiceError) -> UnsafeRawPointer {
        scratch.reserve(count * MemoryLayout<T>.size)
        let out = scratch.base.assumingMemoryBound(to: T.self)
        var overflowed = false
        forEach(T.self, start, count) { i, value in
            let product = value.multipliedReportingOverflow(by: 1000)
            out[i] = product.partialValue
            overflowed = overflowed || product.overflow
        }
        if overflowed {
            throw SluiceError(
                .conversion, "a number of seconds does not fit as milliseconds, and Parquet has no seconds")
        }
        return UnsafeRawPointer(out)
    }

    private func narrowed<T: FixedWidthInteger & BitwiseCopyable>(
        _: T.Type, _ start: Int, _ count: Int, _ scratch: MutableBuffer
    ) throws(SluiceError) -> UnsafeRawPointer {
        scratch.reserve(count * MemoryLayout<T>.size)
        let out = scratch.base.assumingMemoryBound(to: T.self)
        var lost = false
        forEach(Int128.self, start, count) { i, value in
            let narrow = T(truncatingIfNeeded: value)
            out[i] = narrow
            lost = lost || Int128(narrow) != value
        }
        if lost { throw tooManyDigits() }
        return UnsafeRawPointer(out)
    }

    private func bigEndian(
        _ width: Int, _ start: Int, _ count: Int, _ scratch: MutableBuffer, _ range: inout ValueRange
    ) throws(SluiceError) -> UnsafeRawPointer {
        scratch.reserve(count * width + 16)
        let out = scratch.base
        var low = Int128.max
        var high = Int128.min
        let unused = Int128(128 &- 8 &* width)
        forEach(Int128.self, start, count) { i, value in
            low = min(low, value)
            high = max(high, value)
            // The value's bytes come first; what is behind them is overwritten by the next one.
            out.storeBytes(of: (value << unused).bigEndian, toByteOffset: i &* width, as: Int128.self)
        }
        if (low << unused) >> unused != low || (high << unused) >> unused != high { throw tooManyDigits() }
        if count > 0 { range.add(integer: low, high) }
        return UnsafeRawPointer(out)
    }

    private func tooManyDigits() -> SluiceError {
        SluiceError(.conversion, "a value has more digits than its type, \(source.type), says")
    }
}
