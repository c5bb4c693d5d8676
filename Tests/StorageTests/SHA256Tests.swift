import Foundation
import Storage
import Support
import Testing

struct SHA256Tests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func knownTextsHaveTheirKnownHash(_ text: String, _ expected: String) async throws {
        #expect(try await SHA256.hash(of: MemorySource(Buffer(Array(text.utf8)))) == expected)
        let piecewise = try SHA256()
        for byte in text.utf8 { piecewise.update(Buffer([byte])) }
        #expect(piecewise.finish() == expected)
    }

    @Test func aFileIsHashedWhole() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/sluice-sha-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(repeating: UInt8(ascii: "a"), count: 1_000_000).write(to: URL(fileURLWithPath: path))
        #expect(
            try await SHA256.hash(ofFile: path) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
        await #expect(throws: SluiceError.self) { try await SHA256.hash(ofFile: path + ".not") }
    }

    @Test func factsTellChanges() throws {
        let path = FileManager.default.temporaryDirectory.path + "/sluice-facts-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(FileFacts(path: path) == nil)
        try Data("one".utf8).write(to: URL(fileURLWithPath: path))
        let before = try FileFacts(of: path)
        #expect(before.size == 3 && before.isRegular && !before.isFolder)
        var times = [timespec(tv_sec: 5, tv_nsec: 7), timespec(tv_sec: 5, tv_nsec: 7)]
        utimensat(AT_FDCWD, path, &times, 0)
        #expect(try FileFacts(of: path).modified == 5_000_000_007)
        #expect(throws: SluiceError.self) { try FileFacts(of: path + "/below") }
    }
}
