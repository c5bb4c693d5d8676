import CScan
import Support

/// The part of a document that is looked at: bytes of a stream from some place on, as many as whoever parses them needs
/// at once. All bytes that pass are checked to be UTF-8.
struct Window: ~Copyable {
    private let stream: any ByteStream
    private var memory: UnsafeMutableRawPointer
    private var capacity: Int
    /// How many bytes are there.
    private(set) var count = 0
    /// Where in the document the first of them stands.
    private(set) var position = 0
    /// Whether nothing comes behind them.
    private(set) var isFinal = false
    /// How many of them are known to be UTF-8.
    private var checked = 0
    /// What Python says of the first bytes of the document that are not UTF-8, once they are met.
    private(set) var undecodable: String?

    /// More than any word, number sign or escape needs to be whole.
    private static let leastExtension = 64

    init(_ stream: any ByteStream) {
        self.stream = stream
        capacity = 1 << 20
        memory = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { memory.deallocate() }

    /// The bytes, which stand elsewhere after the next change.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }

    /// Forgets the first bytes.
    mutating func drop(_ dropped: Int) {
        if dropped == 0 { return }
        memory.copyMemory(from: memory + dropped, byteCount: count - dropped)
        count -= dropped
        position += dropped
        checked = max(0, checked - dropped)
    }

    /// Reads on. What needs a large window is likely to need a larger one, so it grows by half at least: whoever parses it
    /// again and again spends no more than a few times the time of once.
    mutating func extend() async throws(SluiceError) {
        let wanted = count + max(Window.leastExtension, count / 2)
        while count < wanted, !isFinal, undecodable == nil {
            // Others may want the thread, or an end of this.
            await Task.yield()
            if Task.isCancelled { throw SluiceError(.cancelled, "stopped", place: .init(file: stream.name)) }
            guard let piece = try await stream.next() else {
                isFinal = true
                check()
                return
            }
            reserve(piece.count)
            piece.withUnsafeBytes { bytes in
                if let start = bytes.baseAddress { (memory + count).copyMemory(from: start, byteCount: bytes.count) }
            }
            count += piece.count
            check()
        }
    }

    /// Reads all that is left, to know whether it is UTF-8.
    mutating func drain() async throws(SluiceError) {
        while !isFinal, undecodable == nil {
            drop(checked)
            try await extend()
        }
    }

    private mutating func reserve(_ more: Int) {
        if count + more <= capacity { return }
        capacity = max(capacity * 2, count + more)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        larger.copyMemory(from: memory, byteCount: count)
        memory.deallocate()
        memory = larger
    }

    /// Checks what has not been checked, but for a character at the end that may go on.
    private mutating func check() {
        let end = isFinal ? count : count - SourceText.unfinished(bytes)
        if end <= checked { return }
        let part = UnsafeRawBufferPointer(rebasing: bytes[checked..<end])
        undecodable = SourceText.undecodable(part, at: position + checked)
        checked = end
    }
}
