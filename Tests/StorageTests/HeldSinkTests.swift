import Storage
import Support
import Testing

@Suite struct HeldSinkTests {
    @Test(arguments: [0, 100_000, 1 << 20])
    func passesEverythingOnAtTheEndOnly(memoryLimit: Int) async throws {
        let memory = MemorySink()
        let sink = HeldSink(memory, memoryLimit: memoryLimit)
        let bytes = noise(300_000)
        for start in stride(from: 0, to: bytes.count, by: 70_000) {
            try await sink.write(Buffer(Array(bytes[start..<min(start + 70_000, bytes.count)])))
        }
        #expect(memory.contents == nil)
        try await sink.finish()
        #expect(memory.contents?.bytes == bytes)
    }

    @Test func abandonedPassesNothingOn() async throws {
        let memory = MemorySink()
        let sink = HeldSink(memory, memoryLimit: 10)
        try await sink.write(Buffer(noise(100)))
        await sink.abandon()
        #expect(memory.contents == nil)
    }
}
