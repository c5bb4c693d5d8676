import Azure
import Support
import Transport

/// A run of an object's bytes that is sent at once.
struct Block: Sendable {
    /// Its bytes, or the part of a file that they are.
    enum Contents: Sendable {
        case bytes(Buffer)
        case part(any DirectAccess, Range<Int>)

        var count: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .part(_, let range): range.count
            }
        }
    }

    /// Which one of the object's blocks.
    let index: Int
    /// Where it stands.
    let offset: Int
    let crc: CRC64
    /// What is sent.
    let body: HTTPBody

    /// A block of these contents, which are looked at for their checksum.
    init(_ contents: Contents, index: Int = 0, offset: Int = 0) throws(SluiceError) {
        self.index = index
        self.offset = offset
        switch contents {
        case .bytes(let bytes): (crc, body) = (CRC64.of(bytes), .bytes(bytes))
        case .part(let file, let range): (crc, body) = (try CRC64.of(file, range), .part(file, range))
        }
    }
}
