import Glibc
import Support
import Synchronization

/// A piece of memory that received bytes are put into.
struct Block: @unchecked Sendable {
    // `@unchecked Sendable` because it has one owner at a time, who hands it on as a whole.

    let base: UnsafeMutableRawPointer
    var count = 0
}

/// Memory for bodies on their way, used again and again: fresh pages from the system cost more than filling them.
final class BlockPool: Sendable {
    /// The size of a block.
    static let blockSize = 256 << 10
    /// More than so many that nobody uses go back to the system.
    private static let kept = 16
    /// The one of the process: what one client lets go another may use.
    static let shared = BlockPool()

    private let free = Mutex<[Block]>([])

    /// An empty block.
    func take() -> Block {
        if let block = free.withLock({ $0.popLast() }) { return Block(base: block.base) }
        guard let memory = malloc(BlockPool.blockSize) else { fatalError("out of memory") }
        return Block(base: memory)
    }

    /// Takes a block back.
    func give(_ block: Block) {
        let isKept = free.withLock { free in
            guard free.count < BlockPool.kept else { return false }
            free.append(block)
            return true
        }
        if !isKept { Glibc.free(block.base) }
    }

    /// A block's bytes as a buffer; the block comes back with the last of those who share it.
    func buffer(_ block: Block) -> Buffer {
        Buffer(foreign: block.base, count: block.count) { self.give(block) }
    }
}
