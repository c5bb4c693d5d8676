import Glibc
import Support
import Synchronization

/// The bytes of a pipe, terminal or device, in order, once.
final class DescriptorStream: ByteStream, Sendable {
    let name: String
    private let descriptor: Descriptor
    private let queue = BlockingQueue("sluice.read")

    init(_ descriptor: Descriptor, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    func next() async throws(SluiceError) -> Buffer? {
        let stopped = Flag()
        // The handler takes no typed error through, hence the result.
        let result: Result<Buffer?, SluiceError> = await withTaskCancellationHandler {
            do throws(SluiceError) {
                return .success(
                    try await queue.run { [descriptor, name] () throws(SluiceError) -> Buffer? in
                        try Self.read(descriptor, name: name, stopped: stopped)
                    })
            } catch {
                return .failure(error)
            }
        } onCancel: {
            stopped.set()
        }
        return try result.get()
    }

    /// Waits for the first bytes, then takes what is there, up to a block.
    private static func read(
        _ descriptor: Descriptor, name: String, stopped: Flag
    ) throws(SluiceError) -> Buffer? {
        let bytes = MutableBuffer(capacity: 1 << 18)
        while bytes.count < bytes.capacity {
            var waiting = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
            let ready = retried { poll(&waiting, 1, bytes.count == 0 ? 100 : 0) }
            if stopped.isSet { throw SluiceError(.cancelled, "stopped", place: .init(file: name)) }
            if ready == 0 {
                if bytes.count > 0 { break }
                continue
            }
            let read = retried {
                Glibc.read(descriptor.number, bytes.base + bytes.count, bytes.capacity - bytes.count)
            }
            if read < 0 {
                if errno == EAGAIN { continue }
                throw .system(errno, "cannot be read", path: name)
            }
            if read == 0 { break }
            bytes.count += read
        }
        return bytes.count == 0 ? nil : bytes.freeze()
    }
}

/// Something that was said once, from any thread.
final class Flag: Sendable {
    private let value = Atomic(false)

    func set() { value.store(true, ordering: .releasing) }
    var isSet: Bool { value.load(ordering: .acquiring) }
}
