internal import CChecksum
public import Support

/// The checksum of Azure Storage (`x-ms-content-crc64`): 64 bits, reflected, polynomial 0xAD93D23594C93659, which others call
/// CRC-64/NVME.
///
///     var crc = CRC64()
///     crc.update(bytes)
///     Base64.encode(crc.bytes)
public struct CRC64: Sendable {
    private var state: UInt64

    /// The checksum of no bytes so far.
    public init() { state = ~0 }

    /// The checksum of what has been taken in.
    public var value: UInt64 { ~state }

    /// The checksum as a header has it, before Base64: the low byte first.
    public var bytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

    /// The checksum of `bytes`.
    public static func of(_ bytes: Buffer) -> CRC64 {
        var crc = CRC64()
        crc.update(bytes)
        return crc
    }

    /// Takes more bytes in.
    public mutating func update(_ bytes: Buffer) { bytes.withUnsafeBytes { update($0) } }

    /// Takes more bytes in.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let folded = CRC64.canFold && bytes.count >= Int(SLUICE_CRC64_LEAST) ? bytes.count & ~15 : 0
        if folded > 0, let start = bytes.baseAddress {
            withUnsafeTemporaryAllocation(byteCount: 16, alignment: 16) { rest in
                sluice_crc64_fold(state, start, folded, rest.baseAddress)
                state = CRC64.byTables(0, UnsafeRawBufferPointer(rest))
            }
        }
        state = CRC64.byTables(state, UnsafeRawBufferPointer(rebasing: bytes[folded...]))
    }

    /// Whether this processor folds bytes, which is ten times as fast as tables.
    static let canFold = sluice_crc64_folds() != 0

    /// The state behind `bytes`, sixteen at a time: each of them has a table that says what it does to the checksum from where
    /// it stands, so that the sixteen look-ups do not wait for each other.
    static func byTables(_ state: UInt64, _ bytes: UnsafeRawBufferPointer) -> UInt64 {
        guard var next = bytes.baseAddress else { return state }
        var left = bytes.count
        var crc = state
        CRC64.tables.withUnsafeBufferPointer { tables in
            guard let table = tables.baseAddress else { return }
            while left >= 16 {
                let low = UInt64(littleEndian: next.loadUnaligned(as: UInt64.self)) ^ crc
                let high = UInt64(littleEndian: next.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                crc = CRC64.folded(low, table + 8 * 256) ^ CRC64.folded(high, table)
                next += 16
                left &-= 16
            }
            while left > 0 {
                crc = table[Int(UInt8(truncatingIfNeeded: crc) ^ next.load(as: UInt8.self))] ^ (crc >> 8)
                next += 1
                left &-= 1
            }
        }
        return crc
    }

    /// What eight bytes do, of which the last is `table`'s first 256 entries away from the end.
    @inline(__always)
    private static func folded(_ word: UInt64, _ table: UnsafePointer<UInt64>) -> UInt64 {
        let a =
            table[7 &* 256 &+ Int(word & 0xff)] ^ table[6 &* 256 &+ Int(word >> 8 & 0xff)]
            ^ table[5 &* 256 &+ Int(word >> 16 & 0xff)] ^ table[4 &* 256 &+ Int(word >> 24 & 0xff)]
        let b =
            table[3 &* 256 &+ Int(word >> 32 & 0xff)] ^ table[2 &* 256 &+ Int(word >> 40 & 0xff)]
            ^ table[256 &+ Int(word >> 48 & 0xff)] ^ table[Int(word >> 56)]
        return a ^ b
    }

    /// Sixteen tables of 256: entry `n` of table `k` is the checksum of the byte `n` with `k` zero bytes behind it.
    private static let tables: [UInt64] = {
        var tables = [UInt64](repeating: 0, count: 16 * 256)
        for byte in 0..<256 {
            var crc = UInt64(byte)
            for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0x9a6c_9329_ac4b_c9b5 }
            tables[byte] = crc
        }
        for table in 1..<16 {
            for byte in 0..<256 {
                let before = tables[(table - 1) * 256 + byte]
                tables[table * 256 + byte] = tables[Int(before & 0xff)] ^ before >> 8
            }
        }
        return tables
    }()
}
