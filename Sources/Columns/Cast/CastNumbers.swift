import Support

extension Cast {
    /// From bool, an integer, a float or a decimal; nil for a target that is neither a number nor made of ticks.
    func fromNumber() throws(SluiceError) -> Column? {
        switch source.type {
        case .bool:
            guard target.isNumber else { return nil }
            // A bool is a number of 0 or 1 on its way to anything else.
            let bytes = MutableBuffer(capacity: source.count)
            for row in 0..<source.count { bytes.append(source.bit(at: row) ? 1 as UInt8 : 0) }
            let (bits, nulls) = CastFailures(self).validity()
            let numbers = Column(
                type: .uint8, count: source.count, nullCount: nulls, validity: bits, values: bytes.freeze())
            return try Cast(source: numbers, target: target, mode: mode).fromNumber()
        case .int8: return try fromInteger(Int8.self)
        case .int16: return try fromInteger(Int16.self)
        case .int32: return try fromInteger(Int32.self)
        case .int64: return try fromInteger(Int64.self)
        case .uint8: return try fromInteger(UInt8.self)
        case .uint16: return try fromInteger(UInt16.self)
        case .uint32: return try fromInteger(UInt32.self)
        case .uint64: return try fromInteger(UInt64.self)
        case .float16: return try fromFloat { (value: Float16) in Double(value) }
        case .float32: return try fromFloat { (value: Float) in Double(value) }
        case .float64: return try fromFloat { (value: Double) in value }
        case .decimal(_, let scale): return try fromDecimal(scale)
        default: return nil
        }
    }

    // MARK: - Integers

    private func fromInteger<S: FixedWidthInteger & BitwiseCopyable>(_: S.Type) throws(SluiceError) -> Column? {
        switch target {
        case .bool: return try toBool { (value: S) in value == 0 ? false : value == 1 ? true : nil }
        case .int8: return try mapFixed { (value: S) in Int8(exactly: value) }
        case .int16: return try mapFixed { (value: S) in Int16(exactly: value) }
        case .int32, .date: return try mapFixed { (value: S) in Int32(exactly: value) }
        case .int64, .timestamp: return try mapFixed { (value: S) in Int64(exactly: value) }
        case .uint8: return try mapFixed { (value: S) in UInt8(exactly: value) }
        case .uint16: return try mapFixed { (value: S) in UInt16(exactly: value) }
        case .uint32: return try mapFixed { (value: S) in UInt32(exactly: value) }
        case .uint64: return try mapFixed { (value: S) in UInt64(exactly: value) }
        case .float16: return try mapFixed { (value: S) in float(value, Float16.init(exactly:)) { Float16($0) } }
        case .float32: return try mapFixed { (value: S) in float(value, Float.init(exactly:)) { Float($0) } }
        case .float64: return try mapFixed { (value: S) in float(value, { $0 }) { $0 } }
        case .decimal(let precision, let scale):
            guard scale >= 0 else { return nil }
            let (factor, bound) = (wholePowerOfTen(scale), wholePowerOfTen(precision))
            return try mapFixed { (value: S) -> Int128? in
                let (product, overflow) = Int128(value).multipliedReportingOverflow(by: factor)
                return overflow || product.magnitude >= bound.magnitude ? nil : product
            }
        case .time(let unit):
            let end = 86400 * unit.ticksPerSecond
            if target.layout == .fixed(4) {
                return try mapFixed { (value: S) in Int32(exactly: value).flatMap { $0 >= 0 && $0 < end ? $0 : nil } }
            }
            return try mapFixed { (value: S) in Int64(exactly: value).flatMap { $0 >= 0 && $0 < end ? $0 : nil } }
        default: return nil
        }
    }

    /// An integer as a float, exactly or rounded once.
    @inline(__always) private func float<S: FixedWidthInteger, T>(
        _ value: S, _ exactly: (Double) -> T?, _ rounded: (Double) -> T
    ) -> T? {
        let double: Double
        let isExact: Bool
        if S.isSigned {
            let whole = Int64(truncatingIfNeeded: value)
            double = Double(whole)
            isExact = Int64(exactly: double) == whole
        } else {
            let whole = UInt64(truncatingIfNeeded: value)
            double = Double(whole)
            isExact = UInt64(exactly: double) == whole
        }
        if rounds { return rounded(double) }
        return isExact ? exactly(double) : nil
    }

    /// Maps each fixed-width value to a bit.
    private func toBool<S: BitwiseCopyable>(_ body: (S) -> Bool?) throws(SluiceError) -> Column {
        var failures = CastFailures(self)
        let bits = BitmapBuilder(capacity: source.count)
        try source.withValues(as: S.self) { (values) throws(SluiceError) in
            for row in 0..<values.count {
                let bit = body(values[row])
                bits.append(bit ?? false)
                if bit == nil { try failures.add(row) }
            }
        }
        return failures.column(values: bits.freeze())
    }

    // MARK: - Floats

    private func fromFloat<S: BitwiseCopyable>(_ widen: (S) -> Double) throws(SluiceError) -> Column? {
        let rounds = rounds
        /// A float as a whole number, if it is one or may be made one.
        @inline(__always) func whole(_ value: S) -> Double {
            let double = widen(value)
            return rounds ? double.rounded(.toNearestOrEven) : double
        }
        switch target {
        case .bool: return try toBool { (value: S) in widen(value) == 0 ? false : widen(value) == 1 ? true : nil }
        case .int8: return try mapFixed { (value: S) in Int8(exactly: whole(value)) }
        case .int16: return try mapFixed { (value: S) in Int16(exactly: whole(value)) }
        case .int32: return try mapFixed { (value: S) in Int32(exactly: whole(value)) }
        case .int64: return try mapFixed { (value: S) in Int64(exactly: whole(value)) }
        case .uint8: return try mapFixed { (value: S) in UInt8(exactly: whole(value)) }
        case .uint16: return try mapFixed { (value: S) in UInt16(exactly: whole(value)) }
        case .uint32: return try mapFixed { (value: S) in UInt32(exactly: whole(value)) }
        case .uint64: return try mapFixed { (value: S) in UInt64(exactly: whole(value)) }
        case .float16:
            return try mapFixed { (value: S) -> Float16? in
                let double = widen(value)
                let narrow = Float16(double)
                if double.isNaN || Double(narrow) == double { return narrow }
                return rounds && narrow.isFinite ? narrow : nil
            }
        case .float32:
            return try mapFixed { (value: S) -> Float? in
                let double = widen(value)
                let narrow = Float(double)
                if double.isNaN || Double(narrow) == double { return narrow }
                return rounds && narrow.isFinite ? narrow : nil
            }
        case .float64: return try mapFixed { (value: S) in widen(value) }
        case .decimal(let precision, let scale): return try floatToDecimal(precision, scale)
        default: return nil
        }
    }

    /// By way of the shortest text, which is what a float stands for.
    private func floatToDecimal(_ precision: Int, _ scale: Int) throws(SluiceError) -> Column {
        let formatter = ColumnFormatter(source)
        let scratch = MutableBuffer(capacity: 64)
        var failures = CastFailures(self)
        let out = MutableBuffer(capacity: source.count * 16)
        for row in 0..<source.count {
            scratch.removeAll()
            formatter.append(row: row, to: scratch)
            let value = scratch.withUnsafeBytes { decimal($0, precision: precision, scale: scale) }
            if value == nil { try failures.add(row) }
            out.append(value ?? 0)
        }
        return failures.column(values: out.freeze())
    }

    /// A written number as a decimal, exactly, or rounded half away from zero where that is asked for.
    func decimal(_ text: UnsafeRawBufferPointer, precision: Int, scale: Int) -> Int128? {
        guard let literal = NumberLiteral(text) else { return nil }
        if let exact = literal.decimal(text, precision: precision, scale: scale) { return exact }
        guard rounds else { return nil }
        // Try finer scales until the number comes out even, then cut.
        for extra in 1...38 where scale + extra <= 38 {
            guard let fine = literal.decimal(text, precision: 38, scale: scale + extra) else { continue }
            return Cast.rescale(fine, by: -extra, precision: precision, rounds: true)
        }
        return nil
    }

    // MARK: - Decimals

    private func fromDecimal(_ scale: Int) throws(SluiceError) -> Column? {
        let rounds = rounds
        /// The digits before the point, if there are none behind it.
        @inline(__always) func whole(_ value: Int128) -> Int128? {
            scale == 0 ? value : Cast.rescale(value, by: -scale, precision: 39, rounds: rounds)
        }
        switch target {
        case .bool:
            return try toBool { (value: Int128) in whole(value).flatMap { $0 == 0 ? false : $0 == 1 ? true : nil } }
        case .int8: return try mapFixed { (value: Int128) in whole(value).flatMap { Int8(exactly: $0) } }
        case .int16: return try mapFixed { (value: Int128) in whole(value).flatMap { Int16(exactly: $0) } }
        case .int32: return try mapFixed { (value: Int128) in whole(value).flatMap { Int32(exactly: $0) } }
        case .int64: return try mapFixed { (value: Int128) in whole(value).flatMap { Int64(exactly: $0) } }
        case .uint8: return try mapFixed { (value: Int128) in whole(value).flatMap { UInt8(exactly: $0) } }
        case .uint16: return try mapFixed { (value: Int128) in whole(value).flatMap { UInt16(exactly: $0) } }
        case .uint32: return try mapFixed { (value: Int128) in whole(value).flatMap { UInt32(exactly: $0) } }
        case .uint64: return try mapFixed { (value: Int128) in whole(value).flatMap { UInt64(exactly: $0) } }
        case .decimal(let precision, let other):
            return try mapFixed { (value: Int128) in
                Cast.rescale(value, by: other - scale, precision: precision, rounds: rounds)
            }
        case .float64:
            return try decimalToFloat(scale) { (value: Double, out) in
                ValueText.append(value, to: out)
            } narrow: {
                $0
            }
        case .float32:
            return try decimalToFloat(scale) { (value: Float, out) in
                ValueText.append(value, to: out)
            } narrow: {
                Float($0)
            }
        case .float16:
            return try decimalToFloat(scale) { (value: Float16, out) in
                ValueText.append(value, to: out)
            } narrow: {
                Float16($0)
            }
        default: return nil
        }
    }

    /// `value` × 10^`power` within `precision` digits.
    @inline(__always) static func rescale(_ value: Int128, by power: Int, precision: Int, rounds: Bool) -> Int128? {
        var result = value
        if power > 0 {
            if power > 38 { return value == 0 ? 0 : nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: wholePowerOfTen(power))
            if overflow { return nil }
            result = product
        } else if power < 0 {
            if power < -38 { return value == 0 || rounds ? 0 : nil }
            let divisor = wholePowerOfTen(-power)
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
            result = quotient
            if remainder != 0 {
                if !rounds { return nil }
                if remainder.magnitude >= divisor.magnitude - remainder.magnitude { result += value < 0 ? -1 : 1 }
            }
        }
        if precision <= 38, result.magnitude >= wholePowerOfTen(precision).magnitude { return nil }
        return result
    }

    /// The nearest float, if its shortest text is the decimal again.
    private func decimalToFloat<T: BitwiseCopyable & BinaryFloatingPoint & ExpressibleByIntegerLiteral>(
        _ scale: Int, write: (T, MutableBuffer) -> Void, narrow: (Double) -> T
    ) throws(SluiceError) -> Column {
        let rounds = rounds
        let scratch = MutableBuffer(capacity: 128)
        let isDouble = T.significandBitCount == 52
        return try mapFixed { (value: Int128) -> T? in
            // A quotient of two numbers that a double holds exactly is rounded once and so is right; and fifteen digits
            // always survive.
            if isDouble, scale >= 0, scale <= 22, value.magnitude < 1_000_000_000_000_000 {
                return narrow(Double(Int64(truncatingIfNeeded: value)) / powerOfTen(scale))
            }
            scratch.removeAll()
            ValueText.append(decimal: value, scale: scale, to: scratch)
            guard let double = scratch.withUnsafeBytes({ TextParser.float64($0) }) else { return nil }
            let result = narrow(double)
            if rounds { return result.isFinite ? result : nil }
            scratch.removeAll()
            write(result, scratch)
            let back = scratch.withUnsafeBytes { TextParser.decimal($0, precision: 39, scale: scale) }
            return back == value ? result : nil
        }
    }
}
