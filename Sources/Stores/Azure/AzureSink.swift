import Azure
import Storage
import Support

/// How blocks become an object, by the interface of a kind of store.
protocol BlockAssembly: Sendable {
    /// What messages call the object.
    var name: String { get }
    /// Prepares for blocks.
    func begin() async throws(SluiceError)
    /// Brings a block to the service, side by side with others.
    func bring(_ block: Block) async throws(SluiceError)
    /// Makes the object of the blocks that were brought, whose checksums are these, in one step.
    func publish(_ checksums: [UInt64], crc: UInt64, size: Int) async throws(SluiceError)
    /// Makes the object of one block that was not brought, in one step.
    func publish(_ block: Block) async throws(SluiceError)
    /// Clears away what was begun.
    func discard() async
}

/// An object of a container that is being written: blocks side by side, then all of them in one step. Small ones are brought
/// and published as one.
final class AzureSink: ByteSink, @unchecked Sendable {
    // `@unchecked Sendable` because one producer at a time writes, as `ByteSink` demands.

    private let assembly: any BlockAssembly
    private let writer: BlockWriter
    /// The only block, when it is a part of a file.
    private var single: Block.Contents?
    private var isBegun = false
    private var isDone = false

    init(_ assembly: any BlockAssembly, _ options: StoreOptions) {
        self.assembly = assembly
        writer = BlockWriter(options) { block throws(SluiceError) in try await assembly.bring(block) }
    }

    var name: String { assembly.name }

    func write(_ bytes: Buffer) async throws(SluiceError) {
        try await named { () async throws(SluiceError) in
            if writer.size + bytes.count >= writer.blockSize { try await begin() }
            try await writer.write(bytes)
        }
    }

    /// Takes in a whole file, of which nothing was written yet, without a copy of it in memory.
    func write(_ file: any DirectAccess, each taken: (Int) -> Void) async throws(SluiceError) {
        try await named { () async throws(SluiceError) in
            var place = 0
            if file.size > writer.blockSize { try await begin() } else { single = .part(file, 0..<file.size) }
            while single == nil, place < file.size {
                if Task.isCancelled { throw SluiceError(.cancelled, "stopped") }
                let range = place..<min(place + writer.blockSize, file.size)
                try await writer.write(file, range)
                place = range.upperBound
                taken(range.count)
            }
            if single != nil { taken(file.size) }
        }
    }

    func finish() async throws(SluiceError) {
        if isDone { return }
        try await named { () async throws(SluiceError) in
            if writer.blocks == 0 {
                isBegun = true
                try await assembly.publish(try Block(single ?? .bytes(writer.rest)))
            } else {
                let crc = try await writer.finish()
                try await assembly.publish(writer.checksums, crc: crc, size: writer.size)
            }
            isDone = true
        }
    }

    func abandon() async {
        if isDone { return }
        isDone = true
        await writer.stop()
        // Even when the whole task was cancelled: what is left over would cost its owner money.
        if isBegun { await Task { [assembly] in await assembly.discard() }.value }
    }

    /// Writes all of an object at once; false when the condition did not hold.
    func put(_ contents: Buffer) async throws(SluiceError) -> Bool {
        do throws(SluiceError) {
            try await write(contents)
            try await finish()
            return true
        } catch {
            await abandon()
            if error.code == .conflict { return false }
            throw error
        }
    }

    private func begin() async throws(SluiceError) {
        if isBegun { return }
        isBegun = true
        try await assembly.begin()
    }

    private func named(_ body: () async throws(SluiceError) -> Void) async throws(SluiceError) {
        do throws(SluiceError) {
            try await body()
        } catch {
            throw error.at(.init(file: name))
        }
    }
}
