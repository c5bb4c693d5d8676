import Storage
import Support
import Tar
import Testing

@Suite struct TarTests {
    /// What is written is read back, whatever names and sizes there are.
    @Test(arguments: [
        "a", "folder/file.txt", String(repeating: "x", count: 100), String(repeating: "x", count: 101),
        String(repeating: "d", count: 60) + "/" + String(repeating: "e", count: 60),
        String(repeating: "d", count: 155) + "/" + String(repeating: "e", count: 100),
        String(repeating: "d", count: 156) + "/" + String(repeating: "e", count: 100),
        String(repeating: "long/", count: 200) + "end", "grün/日本.txt", "with blank", "=",
    ])
    func namesComeBack(_ path: String) async throws {
        let entries = [
            TarEntry(path: path, size: 3, mode: 0o755, user: 65_532, group: 1, modified: 1_700_000_000),
            TarEntry(path: path + "-f", kind: .folder),
            TarEntry(path: path + "-l", kind: .symbolicLink("../" + path)),
        ]
        let archive = try await pack(entries.map { ($0, $0.kind == .file ? [1, 2, 3] : []) })
        #expect(archive.count % 512 == 0)
        let reader = TarReader(MemoryStream(archive, chunkSize: 7))
        for entry in entries {
            #expect(try await reader.next() == entry)
            if entry.kind == .file { #expect(try await reader.collect(limit: 3).bytes == [1, 2, 3]) }
        }
        #expect(try await reader.next() == nil)
        let index = try await TarIndex(MemorySource(archive))
        let range = try #require(index.files[path])
        #expect(archive[range].bytes == [1, 2, 3])
    }

    @Test func anExtendedHeaderIsWrittenOnlyWhereItIsNeeded() throws {
        #expect(try TarFormat.header(TarEntry(path: "plain/name", size: 10)).count == 512)
        #expect(try TarFormat.header(TarEntry(path: String(repeating: "d/", count: 100) + "e")).count == 512)
        #expect(try TarFormat.header(TarEntry(path: "grün")).count == 1536)
        #expect(try TarFormat.header(TarEntry(path: "big", size: 8 << 30)).count == 1536)
    }

    @Test func aFileThatGrowsMeanwhileIsAnError() async throws {
        let writer = TarWriter(MemorySink())
        await #expect(throws: SluiceError.self) {
            try await writer.add(TarEntry(path: "a", size: 2), streaming: MemoryStream(Buffer([1, 2, 3])))
        }
        await #expect(throws: SluiceError.self) {
            try await writer.add(TarEntry(path: "a", size: 4), streaming: MemoryStream(Buffer([1, 2, 3])))
        }
    }

    /// Archives with any byte changed, or cut anywhere, are read or refused; nothing else happens.
    @Test func damagedArchivesAreReadOrRefused() async throws {
        let whole = try await pack([
            (
                TarEntry(path: "grün/" + String(repeating: "n", count: 120), size: 600),
                [UInt8](repeating: 7, count: 600)
            ),
            (TarEntry(path: "l", kind: .symbolicLink("t")), []), (TarEntry(path: "f", kind: .folder), []),
        ]).bytes
        var generator = SplitMix(state: 7)
        for _ in 0..<3000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
                    in: .min ... .max, using: &generator)
            }
            if Bool.random(using: &generator) { fixChecksums(&bytes) }
            bytes = Array(bytes.prefix(Int.random(in: 1...bytes.count, using: &generator)))
            try await readAll(Buffer(bytes))
        }
    }

    /// Headers whose checksum is right and whose numbers are not.
    @Test(
        arguments: [
            [0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0xff, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
            Array("77777777777\0".utf8), Array("99999999999\0".utf8), Array("-0000000001\0".utf8),
        ] as [[UInt8]])
    func sizesThatCannotBeAreRefused(_ size: [UInt8]) async throws {
        for flag in "0xLg5".utf8 {
            var bytes = try TarFormat.header(TarEntry(path: "a"))
            bytes.replaceSubrange(124..<136, with: size)
            bytes[156] = flag
            fixChecksums(&bytes)
            try await readAll(Buffer(bytes + TarFormat.end))
        }
    }

    private func readAll(_ archive: Buffer) async throws {
        do throws(SluiceError) {
            let reader = TarReader(MemoryStream(archive, chunkSize: 4096))
            while try await reader.next() != nil { while try await reader.contents() != nil {} }
        } catch {
            #expect([.invalidData, .limitExceeded].contains(error.code))
        }
        do throws(SluiceError) {
            _ = try await TarIndex(MemorySource(archive))
        } catch {
            #expect([.invalidData, .limitExceeded].contains(error.code))
        }
    }

    private func fixChecksums(_ bytes: inout [UInt8]) {
        for start in stride(from: 0, to: bytes.count - 511, by: 512) where bytes[start + 257] == UInt8(ascii: "u") {
            bytes.replaceSubrange(start + 148..<start + 156, with: [UInt8](repeating: 0x20, count: 8))
            let sum = String(bytes[start..<start + 512].reduce(0) { $0 + Int($1) }, radix: 8)
            bytes.replaceSubrange(start + 148..<start + 148 + sum.utf8.count, with: Array(sum.utf8))
        }
    }

    private func pack(_ entries: [(TarEntry, [UInt8])]) async throws -> Buffer {
        let sink = MemorySink()
        let writer = TarWriter(sink)
        for (entry, contents) in entries { try await writer.add(entry, Buffer(contents)) }
        try await writer.end()
        try await sink.finish()
        return try #require(sink.contents)
    }
}

/// Chance that is the same every time.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
