import Glibc
public import Support

/// Holds back what is written until `finish`, and passes it on then: for outputs that cannot take anything back, such as
/// standard output, when the writer may have to start again.
///
/// Up to `memoryLimit` bytes are held in memory, more in a file without a name.
public final class HeldSink: ByteSink, @unchecked Sendable {
    // `@unchecked Sendable` because one producer at a time writes, as `ByteSink` demands.

    private let base: any ByteSink
    private let memoryLimit: Int
    private var held: [Buffer] = []
    private var heldBytes = 0
    private var file: Descriptor?
    private var fileSize = 0

    /// A sink in front of `base`.
    public init(_ base: any ByteSink, memoryLimit: Int = 16 << 20) {
        self.base = base
        self.memoryLimit = memoryLimit
    }

    /// What the sink behind is called.
    public var name: String { base.name }

    /// Holds bytes back.
    public func write(_ bytes: Buffer) async throws(SluiceError) {
        held.append(bytes)
        heldBytes += bytes.count
        if heldBytes > memoryLimit { try spill() }
    }

    /// Passes everything on.
    public func finish() async throws(SluiceError) {
        if let file {
            try spill()
            let stream = LocalFileStream(file, name: TemporaryFile.folder, size: fileSize)
            while let bytes = try await stream.next() { try await base.write(bytes) }
            self.file = nil
        }
        for bytes in held { try await base.write(bytes) }
        held = []
        try await base.finish()
    }

    /// Throws away what is held.
    public func abandon() async {
        held = []
        file = nil
        await base.abandon()
    }

    private func spill() throws(SluiceError) {
        let file: Descriptor
        if let begun = self.file { file = begun } else { file = try TemporaryFile.make() }
        self.file = file
        for bytes in held {
            do throws(SluiceError) {
                try bytes.withUnsafeBytes { (bytes) throws(SluiceError) in
                    try file.write(bytes, name: TemporaryFile.folder)
                }
            } catch {
                throw TemporaryFile.explained(
                    error, "what goes to \(name) is kept on disk until it is known to be right")
            }
            fileSize += bytes.count
        }
        held = []
        heldBytes = 0
    }
}
