import Support
import Transport

/// The bytes of a range as they arrive: counts them, and takes their checksums, before they go on.
final class RangeArrival: BodyReceiver, @unchecked Sendable {
    // `@unchecked Sendable` because one transfer at a time calls it, and it is looked at when that has ended.

    private let range: Range<Int>
    private let receiver: any BodyReceiver
    private(set) var crc = CRC64()
    /// The MD5, where it is wanted.
    private(set) var md5: Digest?
    /// How many bytes the last attempt brought.
    private(set) var count = 0

    init(_ range: Range<Int>, _ receiver: any BodyReceiver, md5: Digest? = nil) {
        self.range = range
        self.receiver = receiver
        self.md5 = md5
    }

    func take(_ bytes: UnsafeRawBufferPointer, at place: Int) throws(SluiceError) {
        if place == 0, count > 0 {
            crc = CRC64()
            if md5 != nil { md5 = try Digest(.md5) }
        }
        count = place + bytes.count
        guard count <= range.count else {
            throw SluiceError(.limitExceeded, "\(range.count) bytes were asked for, and more came")
        }
        crc.update(bytes)
        md5?.update(bytes)
        try receiver.take(bytes, at: range.lowerBound + place)
    }
}
