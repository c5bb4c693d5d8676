/// Whether bytes are UTF-8, at the speed of memory where they are ASCII.
public enum UTF8Check {
    /// Where the first byte lies that does not belong to valid UTF-8, with neither overlong forms nor surrogates; nil
    /// when there is none.
    public static func firstInvalid(_ bytes: UnsafeRawPointer, count: Int) -> Int? {
        var position = 0
        while position < count {
            position += asciiPrefix(bytes + position, count: count - position)
            while position < count {
                let lead = bytes.load(fromByteOffset: position, as: UInt8.self)
                if lead < 0x80 {
                    // One ASCII byte inside other text is no reason to try for a long run.
                    position += 1
                    if position < count, bytes.load(fromByteOffset: position, as: UInt8.self) < 0x80 { break }
                    continue
                }
                guard let length = sequence(bytes + position, lead, count - position) else { return position }
                position += length
            }
        }
        return nil
    }

    /// How many bytes at the beginning are ASCII, or a little less.
    public static func asciiPrefix(_ bytes: UnsafeRawPointer, count: Int) -> Int {
        var position = 0
        while count - position >= 32 {
            let a = bytes.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self)
            let b = bytes.loadUnaligned(fromByteOffset: position + 16, as: SIMD16<UInt8>.self)
            let joined = unsafeBitCast(a | b, to: SIMD2<UInt64>.self)
            if (joined[0] | joined[1]) & 0x8080_8080_8080_8080 != 0 { break }
            position += 32
        }
        while count - position >= 8 {
            if bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self) & 0x8080_8080_8080_8080 != 0 { break }
            position += 8
        }
        while position < count, bytes.load(fromByteOffset: position, as: UInt8.self) < 0x80 { position += 1 }
        return position
    }

    /// The length of the sequence that begins with `lead`; nil when it is not one.
    @inline(__always) private static func sequence(_ bytes: UnsafeRawPointer, _ lead: UInt8, _ left: Int) -> Int? {
        @inline(__always) func byte(_ index: Int) -> UInt8 { bytes.load(fromByteOffset: index, as: UInt8.self) }
        if lead < 0xc2 { return nil }
        if lead < 0xe0 {
            guard left >= 2, byte(1) & 0xc0 == 0x80 else { return nil }
            return 2
        }
        if lead < 0xf0 {
            guard left >= 3, byte(1) & 0xc0 == 0x80, byte(2) & 0xc0 == 0x80 else { return nil }
            if lead == 0xe0, byte(1) < 0xa0 { return nil }
            if lead == 0xed, byte(1) >= 0xa0 { return nil }
            return 3
        }
        if lead < 0xf5 {
            guard left >= 4, byte(1) & 0xc0 == 0x80, byte(2) & 0xc0 == 0x80, byte(3) & 0xc0 == 0x80 else { return nil }
            if lead == 0xf0, byte(1) < 0x90 { return nil }
            if lead == 0xf4, byte(1) >= 0x90 { return nil }
            return 4
        }
        return nil
    }
}
