/// How much stores of Azure do at the same time, and how much memory they take for it.
public struct StoreOptions: Sendable {
    /// How many bytes are sent at once, as long as a blob's 50,000 blocks are not in sight.
    public var blockSize = 8 << 20
    /// How many bytes a stream that is written holds at most.
    public var writeMemory = 32 << 20
    /// How many bytes a stream that is read has asked for ahead at most.
    public var readMemory = 32 << 20

    /// The defaults.
    public init() {}

    /// What suits copying so many objects side by side: all of them together take 256 MB at most, or a little more when
    /// there are very many.
    public init(copying concurrency: Int) {
        let share = max(8 << 20, (256 << 20) / max(1, 2 * concurrency))
        readMemory = min(readMemory, share)
        writeMemory = min(writeMemory, share)
        blockSize = min(blockSize, max(4 << 20, share / 4))
    }

    /// How long the ranges are that are read: the service computes no checksum of more than 4 MiB.
    var rangeSize = 4 << 20

    /// How long the block `index` is when nobody knows how many there will be: longer from time to time, so that 50,000 of
    /// them hold whatever a blob may.
    func size(ofBlock index: Int) -> Int {
        switch index {
        case ..<20_000: blockSize
        case ..<30_000: max(blockSize, 32 << 20)
        case ..<40_000: max(blockSize, 128 << 20)
        default: max(blockSize, 512 << 20)
        }
    }

    /// How long blocks are when there will be `size` bytes.
    func blockSize(for size: Int) -> Int {
        let least = (size + 39_999) / 40_000
        let whole = 1 << 20
        return max(blockSize, (least + whole - 1) / whole * whole)
    }

    /// How many blocks of a size may be on their way while another one is filled.
    func concurrentBlocks(of size: Int) -> Int { max(1, writeMemory / size - 1) }
}

/// What a writer leaves with an object, so that it recognises its own work when an answer was lost, and so that everybody
/// can tell whether an object holds the same bytes as another.
enum ObjectMark {
    /// Which writing made the object.
    static let writing = "sluicewrite"
    /// The CRC64 of all of its bytes, in Base64.
    static let checksum = "sluicecrc64"

    /// A name for a writing that no other has.
    static func unique() -> String {
        var generator = SystemRandomNumberGenerator()
        let words = [generator.next(), generator.next()]
        return words.map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
