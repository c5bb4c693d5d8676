/// Joins values whose first bytes are written together, then their second bytes, and so on (BYTE_STREAM_SPLIT).
enum ByteStreams {
    /// Writes values `first..<first + count` of `total` values of `width` bytes to `output`.
    static func join(
        _ streams: UnsafeRawPointer, _ total: Int, _ width: Int, from first: Int, count: Int,
        to output: UnsafeMutableRawPointer
    ) {
        let start = streams + first
        switch width {
        case 4:
            let target = output.assumingMemoryBound(to: UInt32.self)
            for index in 0..<count {
                var value: UInt32 = 0
                for byte in 0..<4 {
                    value |=
                        UInt32(start.load(fromByteOffset: byte &* total &+ index, as: UInt8.self))
                        &<< UInt32(8 &* byte)
                }
                target[index] = value
            }
        case 8:
            let target = output.assumingMemoryBound(to: UInt64.self)
            for index in 0..<count {
                var value: UInt64 = 0
                for byte in 0..<8 {
                    value |=
                        UInt64(start.load(fromByteOffset: byte &* total &+ index, as: UInt8.self))
                        &<< UInt64(8 &* byte)
                }
                target[index] = value
            }
        default:
            for byte in 0..<width {
                let stream = start + byte * total
                for index in 0..<count {
                    output.storeBytes(
                        of: stream.load(fromByteOffset: index, as: UInt8.self), toByteOffset: index &* width &+ byte,
                        as: UInt8.self)
                }
            }
        }
    }
}
