import Support

/// A stream of text in another encoding, as UTF-8.
final class TranscodingStream: ByteStream, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `ByteStream` demands.

    let name: String
    private let stream: any ByteStream
    private let encoding: TextEncoding
    /// Bytes read before the encoding was known.
    private var first: Buffer?
    /// The bytes of a character that was cut by the end of a buffer.
    private var carry: [UInt8] = []
    private var offset: Int

    /// The rest of `stream` behind `first`, which begins at byte `offset`.
    init(_ stream: any ByteStream, first: Buffer, encoding: TextEncoding, offset: Int) {
        name = stream.name
        self.stream = stream
        self.encoding = encoding
        self.first = first
        self.offset = offset
    }

    func next() async throws(SluiceError) -> Buffer? {
        while true {
            var input: Buffer?
            if let first {
                input = first
                self.first = nil
            } else {
                input = try await stream.next()
            }
            guard let input else {
                if carry.isEmpty { return nil }
                throw SluiceError(.invalidData, "the text ends inside a character", place: place())
            }
            let output = MutableBuffer(capacity: input.count * 2 + 8)
            if encoding == .latin1 { latin1(input, output) } else { try utf16(input, output) }
            if output.count > 0 { return output.freeze() }
        }
    }

    private func place() -> SluiceError.Place { .init(file: name, offset: offset) }

    private func latin1(_ input: Buffer, _ output: MutableBuffer) {
        input.withUnsafeBytes { bytes in
            output.reserve(bytes.count * 2)
            var out = output.base + output.count
            for byte in bytes {
                if byte < 0x80 {
                    out.storeBytes(of: byte, as: UInt8.self)
                    out += 1
                } else {
                    out.storeBytes(of: 0xc0 | byte >> 6, as: UInt8.self)
                    out.storeBytes(of: 0x80 | byte & 0x3f, toByteOffset: 1, as: UInt8.self)
                    out += 2
                }
            }
            output.count = out - output.base
        }
    }

    private func utf16(_ input: Buffer, _ output: MutableBuffer) throws(SluiceError) {
        let bytes = carry.isEmpty ? input.bytes : carry + input.bytes
        output.reserve(bytes.count * 3 / 2 + 8)
        func unit(_ at: Int) -> UInt32 {
            encoding == .utf16le
                ? UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 : UInt32(bytes[at]) << 8 | UInt32(bytes[at + 1])
        }
        var at = 0
        while at + 2 <= bytes.count {
            var character = unit(at)
            var length = 2
            if character >= 0xd800, character < 0xe000 {
                guard at + 4 <= bytes.count else {
                    if character < 0xdc00 { break }
                    throw lone(at)
                }
                let low = unit(at + 2)
                guard character < 0xdc00, low >= 0xdc00, low < 0xe000 else { throw lone(at) }
                character = 0x10000 + (character - 0xd800) << 10 + (low - 0xdc00)
                length = 4
            }
            append(character, output)
            at += length
        }
        carry = Array(bytes[at...])
        offset += at
    }

    private func lone(_ at: Int) -> SluiceError {
        offset += at
        return SluiceError(.invalidData, "half of a UTF-16 surrogate pair", place: place())
    }

    private func append(_ character: UInt32, _ output: MutableBuffer) {
        func byte(_ value: UInt32) { output.append(UInt8(truncatingIfNeeded: value)) }
        if character < 0x80 {
            byte(character)
        } else if character < 0x800 {
            byte(0xc0 | character >> 6)
            byte(0x80 | character & 0x3f)
        } else if character < 0x10000 {
            byte(0xe0 | character >> 12)
            byte(0x80 | character >> 6 & 0x3f)
            byte(0x80 | character & 0x3f)
        } else {
            byte(0xf0 | character >> 18)
            byte(0x80 | character >> 12 & 0x3f)
            byte(0x80 | character >> 6 & 0x3f)
            byte(0x80 | character & 0x3f)
        }
    }
}
