import Storage
import Support

/// A file whose bytes are counted as they are read.
struct MeteredFile: InputFile {
    let base: any InputFile
    let monitor: ConversionMonitor

    var name: String { base.name }
    var identity: FileIdentity? { base.identity }
    var streamSize: Int? { base.streamSize }

    func stream() async throws(SluiceError) -> any ByteStream {
        MeteredStream(try await base.stream(), monitor)
    }

    func randomAccess() async throws(SluiceError) -> any RandomAccess {
        MeteredAccess(base: try await base.randomAccess(), monitor: monitor)
    }
}

private final class MeteredStream: ByteStream {
    let name: String
    private let base: any ByteStream
    private let monitor: ConversionMonitor

    init(_ base: any ByteStream, _ monitor: ConversionMonitor) {
        name = base.name
        self.base = base
        self.monitor = monitor
    }

    func next() async throws(SluiceError) -> Buffer? {
        let bytes = try await base.next()
        if let bytes { monitor.countRead(bytes.count) }
        return bytes
    }
}

private struct MeteredAccess: RandomAccess {
    let base: any RandomAccess
    let monitor: ConversionMonitor

    var name: String { base.name }
    var size: Int { base.size }

    func read(_ range: Range<Int>) async throws(SluiceError) -> Buffer {
        let bytes = try await base.read(range)
        monitor.countRead(bytes.count)
        return bytes
    }
}

/// A sink whose bytes are counted as they are written.
final class MeteredSink: ByteSink {
    let name: String
    private let base: any ByteSink
    private let monitor: ConversionMonitor

    init(_ base: any ByteSink, _ monitor: ConversionMonitor) {
        name = base.name
        self.base = base
        self.monitor = monitor
    }

    func write(_ bytes: Buffer) async throws(SluiceError) {
        try await base.write(bytes)
        monitor.countWritten(bytes.count)
    }

    func finish() async throws(SluiceError) { try await base.finish() }
    func abandon() async { await base.abandon() }
}
