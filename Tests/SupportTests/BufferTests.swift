import Support
import Synchronization
import Testing

@Suite struct BufferTests {
    @Test func whatIsAppendedIsWhatIsFrozen() {
        let bytes = MutableBuffer()
        for index in 0..<1000 { bytes.append(UInt32(index)) }
        bytes.append(repeating: 7, count: 5)
        bytes.append(utf8: "é")
        let frozen = bytes.freeze()
        #expect(frozen.count == 4007)
        #expect(frozen[4000..<4007].bytes == [7, 7, 7, 7, 7, 0xc3, 0xa9])
        #expect(frozen.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4 * 999, as: UInt32.self) } == 999)
        #expect(bytes.count == 0)
        bytes.append(UInt8(1))
        #expect(bytes.freeze().bytes == [1])
    }

    @Test func aSliceKeepsItsBytesWhenTheWholeIsGone() {
        var whole: Buffer? = Buffer(Array(0..<200))
        let slice = whole?[100..<103]
        whole = nil
        #expect(slice?.bytes == [100, 101, 102])
    }

    @Test func foreignMemoryIsReleasedOnceWithTheLastSlice() {
        let counter = Counter()
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 3, count: 16)
        do {
            var whole: Buffer? = Buffer(foreign: memory, count: 16) { counter.add() }
            let slice = whole?[4..<8]
            whole = nil
            #expect(counter.count == 0)
            #expect(slice?.bytes == [3, 3, 3, 3])
        }
        #expect(counter.count == 1)
        memory.deallocate()
    }

    @Test func buffersAreEqualWhenTheirBytesAre() {
        #expect(Buffer([1, 2, 3])[1..<3] == Buffer([2, 3]))
        #expect(Buffer([1]) != Buffer([1, 2]))
        #expect(Buffer.empty == Buffer([]))
    }

    @Test func zeroedBytesAreZero() {
        #expect(MutableBuffer(zeroed: 300).freeze().bytes == [UInt8](repeating: 0, count: 300))
    }

    @Test func memoryStreamsCutTheirContents() async throws {
        let stream = MemoryStream(Buffer(Array(0..<10)), chunkSize: 4)
        var pieces: [[UInt8]] = []
        while let piece = try await stream.next() { pieces.append(piece.bytes) }
        #expect(pieces == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]])
    }

    @Test func aRangeOutsideTheSourceIsAnError() async throws {
        let source = MemorySource(Buffer([1, 2, 3]), name: "m")
        #expect(try await source.read(1..<3).bytes == [2, 3])
        await #expect(throws: SluiceError.self) { try await source.read(1..<4) }
    }
}

/// Counts from any thread.
private final class Counter: Sendable {
    private let value = Mutex(0)
    func add() { value.withLock { $0 += 1 } }
    var count: Int { value.withLock { $0 } }
}
