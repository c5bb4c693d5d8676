import Azure
import Support

/// Cuts what is written into blocks and has them sent side by side, in bounded memory.
final class BlockWriter: @unchecked Sendable {
    // `@unchecked Sendable` because one producer at a time writes, as `ByteSink` demands.

    typealias Send = @Sendable (Block) async throws(SluiceError) -> Void

    private let options: StoreOptions
    private let send: Send
    private var pending = MutableBuffer()
    private var sending: [Task<Result<CRC64, SluiceError>, Never>] = []
    private var sizes: [Int] = []
    /// How many blocks have begun to be sent.
    private(set) var blocks = 0
    /// How many bytes were taken in.
    private(set) var size = 0
    private var sentBytes = 0
    /// The checksums of the blocks that have arrived, in their order, and that of all of them together.
    private(set) var checksums: [UInt64] = []
    private var checksum: UInt64 = 0

    init(_ options: StoreOptions, send: @escaping Send) {
        self.options = options
        self.send = send
    }

    deinit { for task in sending { task.cancel() } }

    /// The bytes that wait for a block to be full.
    var rest: Buffer {
        let bytes = pending.freeze()
        pending = MutableBuffer()
        return bytes
    }

    /// How long the next block will be, if there are so many bytes.
    var blockSize: Int { options.size(ofBlock: blocks) }

    /// Takes bytes in, and waits while too many blocks are on their way.
    func write(_ bytes: Buffer) async throws(SluiceError) {
        var position = 0
        size += bytes.count
        while position < bytes.count {
            let blockSize = blockSize
            let missing = blockSize - pending.count
            let taken = min(missing, bytes.count - position)
            if taken == blockSize {
                // A whole block at once is sent from where it lies.
                try await begin(.bytes(bytes[position..<(position + taken)]))
            } else {
                // Small objects stay small; of a large one the block is not copied each time that it doubles.
                if pending.count >= 1 << 20 { pending.reserve(missing) }
                pending.append(bytes[position..<(position + taken)])
                if pending.count == blockSize { try await begin(.bytes(rest)) }
            }
            position += taken
        }
    }

    /// Takes in a part of a file, as a block that is read when it is sent.
    func write(_ file: any DirectAccess, _ range: Range<Int>) async throws(SluiceError) {
        size += range.count
        try await begin(.part(file, range))
    }

    /// Sends what is left, and waits until everything has arrived.
    ///
    /// - returns: The checksum of all bytes.
    func finish() async throws(SluiceError) -> UInt64 {
        if pending.count > 0 { try await begin(.bytes(rest)) }
        while !sending.isEmpty { try await settle() }
        return checksum
    }

    /// Stops sending.
    func stop() async {
        for task in sending { task.cancel() }
        // Whoever cleans up behind us must not be overtaken by a block.
        for task in sending { _ = await task.value }
        sending = []
        pending.removeAll()
    }

    private func begin(_ contents: Block.Contents) async throws(SluiceError) {
        while sending.count >= options.concurrentBlocks(of: contents.count) { try await settle() }
        let index = blocks
        let offset = sentBytes
        blocks += 1
        sentBytes += contents.count
        sizes.append(contents.count)
        sending.append(
            Task { [send] in
                do throws(SluiceError) {
                    let block = try Block(contents, index: index, offset: offset)
                    try await send(block)
                    return .success(block.crc)
                } catch {
                    return .failure(error)
                }
            })
    }

    /// Waits for the oldest block on its way.
    private func settle() async throws(SluiceError) {
        guard let oldest = sending.first else { return }
        let result = await withTaskCancellationHandler {
            await oldest.value
        } onCancel: {
            oldest.cancel()
        }
        sending.removeFirst()
        let count = sizes.removeFirst()
        let crc = try result.get()
        checksums.append(crc.value)
        checksum = CRC64.combined(checksum, crc.value, secondCount: count)
    }
}
