public import Support

/// Writes to standard output, a pipe or a device, where what is written cannot be taken back.
public final class DescriptorSink: ByteSink, Sendable {
    /// What to call this in a message.
    public let name: String
    private let descriptor: Descriptor
    private let queue = BlockingQueue("sluice.write")

    /// A sink into `descriptor`.
    public init(_ descriptor: Descriptor, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    /// Writes bytes, waiting for whoever reads them.
    public func write(_ bytes: Buffer) async throws(SluiceError) {
        try await queue.run { [descriptor, name] () throws(SluiceError) in
            try bytes.withUnsafeBytes { (bytes) throws(SluiceError) in try descriptor.write(bytes, name: name) }
        }
    }

    /// Does nothing: every byte is where it goes already.
    public func finish() async throws(SluiceError) {}

    /// Does nothing: what was written cannot be taken back.
    public func abandon() async {}
}
