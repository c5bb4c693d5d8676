import Columns
import Support

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The least and the greatest value of a page or chunk, by the order that the column's type has in Parquet.
struct ValueRange {
    /// How a leaf's values compare.
    enum Order: Hashable {
        case signed, unsigned, float, decimal, bytes
        /// Not at all.
        case none
    }

    let order: Order
    /// Whether any value has been counted in that compares.
    private(set) var isEmpty = true
    /// Whether a NaN came by, which compares with nothing.
    private(set) var hasNaN = false
    private var lowInteger: Int128 = 0
    private var highInteger: Int128 = 0
    private var lowFloat = Double.infinity
    private var highFloat = -Double.infinity
    private var lowBytes: [UInt8] = []
    private var highBytes: [UInt8] = []

    init(_ order: Order) { self.order = order }

    /// The order of a leaf's values.
    static func order(of type: DataType) -> Order {
        switch type {
        case .uint8, .uint16, .uint32, .uint64: .unsigned
        case .float16, .float32, .float64: .float
        case .decimal: .decimal
        case .bool, .int8, .int16, .int32, .int64, .date, .time, .timestamp: .signed
        case .utf8, .json, .binary, .fixedBinary, .uuid: .bytes
        case .null, .list, .structure, .map: .none
        }
    }

    // MARK: - Counting values in

    /// Counts one integer in, or a whole range by its ends.
    mutating func add(integer low: Int128, _ high: Int128) {
        if isEmpty || low < lowInteger { lowInteger = low }
        if isEmpty || high > highInteger { highInteger = high }
        isEmpty = false
    }

    /// Counts `count` integers in, which lie unaligned at `values`.
    @inline(__always) mutating func add<T: FixedWidthInteger>(_: T.Type, _ values: UnsafeRawPointer, count: Int) {
        guard count > 0 else { return }
        var low = T.max
        var high = T.min
        for i in 0..<count {
            let value = values.loadUnaligned(fromByteOffset: i &* MemoryLayout<T>.size, as: T.self)
            low = value < low ? value : low
            high = value > high ? value : high
        }
        add(integer: Int128(low), Int128(high))
    }

    /// Counts `count` floats in, which lie unaligned at `values`. NaNs are left out.
    @inline(__always) mutating func add<T: BinaryFloatingPoint & BitwiseCopyable>(
        float _: T.Type, _ values: UnsafeRawPointer, count: Int
    ) {
        var low = T.infinity
        var high = -T.infinity
        var ordered = 0
        for i in 0..<count {
            let value = values.loadUnaligned(fromByteOffset: i &* MemoryLayout<T>.size, as: T.self)
            low = value < low ? value : low
            high = value > high ? value : high
            ordered &+= value == value ? 1 : 0
        }
        if ordered < count { hasNaN = true }
        guard ordered > 0 else { return }
        lowFloat = min(lowFloat, Double(low))
        highFloat = max(highFloat, Double(high))
        isEmpty = false
    }

    /// Counts one byte string in.
    mutating func add(bytes value: UnsafeRawBufferPointer) {
        if isEmpty {
            lowBytes = Array(value)
            highBytes = lowBytes
            isEmpty = false
            return
        }
        if lowBytes.withUnsafeBytes({ ValueRange.precedes(value, $0) }) { lowBytes = Array(value) }
        if highBytes.withUnsafeBytes({ ValueRange.precedes($0, value) }) { highBytes = Array(value) }
    }

    /// Counts `count` byte strings in. Most are ruled out by their first eight bytes.
    mutating func add(_ values: UnsafePointer<ByteSlot>, count: Int, in bytes: UnsafeRawBufferPointer) {
        guard count > 0, let base = bytes.baseAddress else { return add(emptyStrings: count) }
        if isEmpty { add(bytes: ValueRange.string(values[0], base)) }
        var low = lowBytes.withUnsafeBytes { ValueRange.prefix($0.baseAddress, $0.count) }
        var high = highBytes.withUnsafeBytes { ValueRange.prefix($0.baseAddress, $0.count) }
        let safeEnd = bytes.count &- 8
        for i in 0..<count {
            let slot = values[i]
            let start = Int(slot.start)
            let length = Int(slot.length)
            let key: UInt64
            if start <= safeEnd {
                let word = UInt64(bigEndian: base.loadUnaligned(fromByteOffset: start, as: UInt64.self))
                // Bytes beyond the string count as zeros.
                let beyond = max(0, 64 &- 8 &* length)
                key =
                    beyond == 64
                    ? 0 : (word &>> UInt64(truncatingIfNeeded: beyond)) &<< UInt64(truncatingIfNeeded: beyond)
            } else {
                key = ValueRange.prefix(base + start, length)
            }
            if key > low, key < high { continue }
            if key <= low, lowBytes.withUnsafeBytes({ ValueRange.precedes(ValueRange.string(slot, base), $0) }) {
                lowBytes = Array(ValueRange.string(slot, base))
                low = key
            }
            if key >= high, highBytes.withUnsafeBytes({ ValueRange.precedes($0, ValueRange.string(slot, base)) }) {
                highBytes = Array(ValueRange.string(slot, base))
                high = key
            }
        }
    }

    private mutating func add(emptyStrings count: Int) {
        if count > 0 { add(bytes: UnsafeRawBufferPointer(start: nil, count: 0)) }
    }

    /// Counts everything in that `other` has.
    mutating func add(_ other: ValueRange) {
        hasNaN = hasNaN || other.hasNaN
        guard !other.isEmpty else { return }
        switch order {
        case .signed, .unsigned, .decimal: add(integer: other.lowInteger, other.highInteger)
        case .float:
            lowFloat = min(lowFloat, other.lowFloat)
            highFloat = max(highFloat, other.highFloat)
            isEmpty = false
        case .bytes:
            other.lowBytes.withUnsafeBytes { add(bytes: $0) }
            other.highBytes.withUnsafeBytes { add(bytes: $0) }
        case .none: break
        }
    }

    // MARK: - Comparing ranges

    /// Whether neither end of this range lies below the same end of `other`.
    func isAtOrAbove(_ other: ValueRange) -> Bool {
        switch order {
        case .signed, .unsigned, .decimal:
            return lowInteger >= other.lowInteger && highInteger >= other.highInteger
        case .float: return lowFloat >= other.lowFloat && highFloat >= other.highFloat
        case .bytes:
            return !ValueRange.precedes(lowBytes, other.lowBytes) && !ValueRange.precedes(highBytes, other.highBytes)
        case .none: return false
        }
    }

    // MARK: - Written bounds

    /// A bound as statistics hold it.
    struct Bound {
        var bytes: [UInt8]
        /// Whether it is a value of the column, rather than something shorter beyond it.
        var isExact: Bool
    }

    /// Longer byte strings are cut to this in statistics and indices.
    static let longest = 64
    /// Byte strings that cannot be cut are left out when longer than this.
    private static let longestUncut = 4096

    /// The least value, or something below it; nil when there is none.
    func low(as storage: LeafStorage, type: DataType) -> Bound? {
        guard !isEmpty else { return nil }
        switch order {
        case .signed, .unsigned, .decimal: return Bound(bytes: encoded(lowInteger, storage), isExact: true)
        // The least zero is negative, whichever zero was seen.
        case .float: return Bound(bytes: encoded(lowFloat == 0 ? -0.0 : lowFloat, storage), isExact: true)
        case .bytes:
            guard lowBytes.count > ValueRange.longest else { return Bound(bytes: lowBytes, isExact: true) }
            let end = type.isText ? lowBytes.characterBoundary(before: ValueRange.longest) : ValueRange.longest
            return Bound(bytes: Array(lowBytes[..<end]), isExact: false)
        case .none: return nil
        }
    }

    /// The greatest value, or something above it; nil when there is none.
    func high(as storage: LeafStorage, type: DataType) -> Bound? {
        guard !isEmpty else { return nil }
        switch order {
        case .signed, .unsigned, .decimal: return Bound(bytes: encoded(highInteger, storage), isExact: true)
        case .float: return Bound(bytes: encoded(highFloat == 0 ? 0.0 : highFloat, storage), isExact: true)
        case .bytes:
            guard highBytes.count > ValueRange.longest else { return Bound(bytes: highBytes, isExact: true) }
            let cut =
                type.isText
                ? highBytes.textAbove(limit: ValueRange.longest) : highBytes.bytesAbove(limit: ValueRange.longest)
            if let cut { return Bound(bytes: cut, isExact: false) }
            return highBytes.count <= ValueRange.longestUncut ? Bound(bytes: highBytes, isExact: true) : nil
        case .none: return nil
        }
    }

    private func encoded(_ value: Int128, _ storage: LeafStorage) -> [UInt8] {
        switch storage {
        case .boolean: [UInt8(truncatingIfNeeded: value)]
        case .decimalBytes(let width):
            (0..<width).map { UInt8(truncatingIfNeeded: value >> Int128(8 * (width - 1 - $0))) }
        default: (0..<(storage.physicalType.width ?? 0)).map { UInt8(truncatingIfNeeded: value >> Int128(8 * $0)) }
        }
    }

    private func encoded(_ value: Double, _ storage: LeafStorage) -> [UInt8] {
        switch storage {
        case .float: withUnsafeBytes(of: Float(value).bitPattern.littleEndian) { Array($0) }
        case .double: withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
        default: withUnsafeBytes(of: Float16(value).bitPattern.littleEndian) { Array($0) }
        }
    }

    // MARK: - Byte strings

    @inline(__always) private static func string(_ slot: ByteSlot, _ base: UnsafeRawPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + Int(slot.start), count: Int(slot.length))
    }

    /// The first eight bytes as a number that compares as they do.
    private static func prefix(_ p: UnsafeRawPointer?, _ length: Int) -> UInt64 {
        guard let p else { return 0 }
        var key: UInt64 = 0
        for k in 0..<min(8, length) { key |= UInt64(p.load(fromByteOffset: k, as: UInt8.self)) << UInt64(56 - 8 * k) }
        return key
    }

    private static func precedes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        let shared = min(a.count, b.count)
        if shared > 0, let p = a.baseAddress, let q = b.baseAddress {
            let order = memcmp(p, q, shared)
            if order != 0 { return order < 0 }
        }
        return a.count < b.count
    }

    private static func precedes(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.withUnsafeBytes { a in b.withUnsafeBytes { b in precedes(a, b) } }
    }
}

extension DataType {
    /// Whether values are UTF-8.
    fileprivate var isText: Bool {
        switch self {
        case .utf8, .json: true
        default: false
        }
    }
}

extension [UInt8] {
    /// The last place at or before `limit` where a character begins.
    fileprivate func characterBoundary(before limit: Int) -> Int {
        var end = limit
        while end > 0, self[end] & 0xc0 == 0x80 { end -= 1 }
        // Bytes that are not UTF-8 after all are cut anywhere.
        return limit - end > 3 ? limit : end
    }

    /// The shortest text above every text that begins as this one does, at most `limit` bytes long.
    fileprivate func textAbove(limit: Int) -> [UInt8]? {
        let end = characterBoundary(before: limit)
        guard end > 0, let text = String(validating: self[..<end], as: UTF8.self) else {
            return bytesAbove(limit: limit)
        }
        var scalars = Array<Unicode.Scalar>(text.unicodeScalars)
        while let last = scalars.popLast() {
            // Behind U+D7FF come the surrogates, which are no characters.
            let next = last.value == 0xd7ff ? 0xe000 : last.value + 1
            guard let scalar = Unicode.Scalar(next) else { continue }
            var above = String.UnicodeScalarView(scalars)
            above.append(scalar)
            let bytes = Array(String(above).utf8)
            if bytes.count <= limit { return bytes }
        }
        return nil
    }

    /// The shortest byte string above every one that begins as this one does, at most `limit` bytes long.
    fileprivate func bytesAbove(limit: Int) -> [UInt8]? {
        var cut = Array(self[..<Swift.min(limit, count)])
        while let last = cut.popLast() {
            if last < 0xff { return cut + [last + 1] }
        }
        return nil
    }
}
