public import Support

extension CRC64 {
    /// The checksum of a part of a file, a little of which is in memory at a time.
    ///
    /// - throws: `SluiceError` when it cannot be read.
    public static func of(_ file: any DirectAccess, _ range: Range<Int>) throws(SluiceError) -> CRC64 {
        var crc = CRC64()
        // What stays in the processor's own memory while it is counted.
        let piece = MutableBuffer(capacity: 64 << 10)
        let room = UnsafeMutableRawBufferPointer(start: piece.base, count: piece.capacity)
        var place = range.lowerBound
        while place < range.upperBound {
            let part = UnsafeMutableRawBufferPointer(rebasing: room[..<min(room.count, range.upperBound - place)])
            let count = try file.read(into: part, at: place)
            if count == 0 { throw SluiceError(.inputOutput, "the file ends at byte \(place), and went on before") }
            crc.update(UnsafeRawBufferPointer(rebasing: part[..<count]))
            place += count
        }
        withExtendedLifetime(piece) {}
        return crc
    }
}
