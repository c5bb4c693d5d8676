import Support

/// A place in a text as Python counts: in characters, where `\r\n` and `\r` are one newline each, as they are in files
/// that are opened as text.
struct Place {
    private var character = 0
    private var line = 1
    /// Which character the last newline was.
    private var newline = -1
    private var isBehindReturn = false

    /// The place of the byte at `offset` of a text that is read again for that.
    static func at(_ offset: Int, of source: any StreamSource) async throws(SluiceError) -> Place {
        var place = Place()
        var left = offset
        let stream = try await source.stream()
        while left > 0, let piece = try await stream.next() {
            let count = min(left, piece.count)
            piece.withUnsafeBytes { place.pass(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            left -= count
        }
        return place
    }

    private mutating func pass(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes {
            if byte & 0xc0 == 0x80 { continue }
            if byte == 0x0a, isBehindReturn {
                isBehindReturn = false
                continue
            }
            isBehindReturn = byte == 0x0d
            if byte == 0x0a || byte == 0x0d {
                line += 1
                newline = character
            }
            character += 1
        }
    }

    /// `line 3 column 7 (char 41)`
    var text: String { "line \(line) column \(character - newline) (char \(character))" }
}
