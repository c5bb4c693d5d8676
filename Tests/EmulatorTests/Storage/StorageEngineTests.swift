import Foundation
import Support
import Testing

@testable import Emulator

@Suite struct StorageEngineTests {
    @Test func keepsNamesThatDifferInBytesApart() async throws {
        let fixture = Fixture()
        let engine = try fixture.open()
        try engine.makeContainer("flat/box")
        let names = [
            "\u{e9}", "e\u{301}", "..", "../../etc/passwd", "a//b", "/", "%2e%2e", "a\u{1}b", "🙂", "a", "a/", "a/b",
        ]
        for name in names { try engine.write("flat/box/" + name, name) }
        let shown = try engine.names("flat/box", limit: 3)
        #expect(shown == names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        let outside = FileManager.default.enumerator(atPath: fixture.folder)?.allObjects.map { "\($0)" } ?? []
        #expect(outside.allSatisfy { $0.hasPrefix("content") || $0 == "journal" })
    }

    @Test(arguments: ["flat", "lake"]) func survivesARestart(account: String) async throws {
        let fixture = Fixture()
        var etag = ""
        do {
            let engine = try fixture.open()
            try engine.makeContainer("\(account)/box")
            etag = try engine.write("\(account)/box/a/b.txt", "hello").etag
            try engine.putBlock("\(account)/box/c", "AAAA", "one")
            try engine.putBlock("\(account)/box/c", "BBBB", "two")
            _ = try engine.createPath(BlobPath("\(account)/box/d"), isDirectory: false, .none) { _ in }
            try engine.appendFile("\(account)/box/d", 0, "first ")
            try engine.write("\(account)/box/gone", "x")
            try engine.delete(BlobPath("\(account)/box/gone"), .none)
        }
        let engine = try fixture.open()
        #expect(try engine.find(BlobPath("\(account)/box/a/b.txt")).entry.etag == etag)
        #expect(try await engine.text("\(account)/box/a/b.txt") == "hello")
        #expect(fault { _ = try engine.find(BlobPath("\(account)/box/c")) } == "BlobNotFound")
        try engine.commitBlocks("\(account)/box/c", ["BBBB", "AAAA"])
        #expect(try await engine.text("\(account)/box/c") == "twoone")
        try engine.appendFile("\(account)/box/d", 6, "second")
        _ = try engine.flushPath(BlobPath("\(account)/box/d"), .none, position: 12, retains: false) { _ in }
        #expect(try await engine.text("\(account)/box/d") == "first second")
        #expect(fault { _ = try engine.find(BlobPath("\(account)/box/gone")) } == "BlobNotFound")
        #expect(engine.isHierarchical(account) == (account == "lake"))
        let later = try engine.write("\(account)/box/new", "")
        #expect(later.etag > etag)
    }

    @Test func cutsOffWhatAKilledProcessHadNotFinished() async throws {
        let fixture = Fixture()
        do {
            let engine = try fixture.open()
            try engine.makeContainer("flat/box")
            for number in 0..<20 { try engine.write("flat/box/\(number)", "content \(number)") }
        }
        let path = fixture.folder + "/journal"
        let whole = try #require(FileManager.default.contents(atPath: path))
        for cut in stride(from: whole.count - 1, to: 26, by: -61) {
            try whole.prefix(cut).write(to: URL(fileURLWithPath: path))
            let engine = try fixture.open()
            guard let names = try? engine.names("flat/box") else { continue }
            // A first part of what was written, and every blob of it whole.
            for name in names where fixture.files() > 0 { _ = try? await engine.text("flat/box/\(name)") }
            #expect(Set(names).isSubset(of: Set((0..<20).map(String.init))))
            await engine.content.settle()
        }
    }

    @Test func refusesAJournalThatSomethingElseChanged() throws {
        let fixture = Fixture()
        do {
            let engine = try fixture.open()
            try engine.makeContainer("flat/box")
            for number in 0..<20 { try engine.write("flat/box/\(number)", "content") }
        }
        let path = fixture.folder + "/journal"
        var bytes = try #require(FileManager.default.contents(atPath: path))
        bytes[200] ^= 0xff
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(throws: SluiceError.self) { _ = try fixture.open() }
    }

    @Test func refusesTwoEmulatorsInOneFolder() throws {
        let fixture = Fixture()
        let engine = try fixture.open()
        #expect(throws: SluiceError.self) { _ = try fixture.open() }
        _ = engine
    }

    @Test func dropsContentsThatNothingRefersTo() async throws {
        let fixture = Fixture()
        let engine = try fixture.open()
        try engine.makeContainer("flat/box")
        try engine.write("flat/box/a", "one")
        _ = try engine.copy(from: BlobPath("flat/box/a"), .none, to: BlobPath("flat/box/b"), .none) { _ in }
        try engine.write("flat/box/a", "two")
        await engine.content.settle()
        #expect(fixture.files() == 2)
        #expect(try await engine.text("flat/box/b") == "one")
        let reader = try engine.find(BlobPath("flat/box/b"))
        try engine.delete(BlobPath("flat/box/b"), .none)
        let bytes = try await engine.bytes(reader, 0..<3)
        #expect(bytes.bytes == Array("one".utf8))
        try engine.deleteContainer(BlobPath("flat/box").parent, .none)
        await engine.content.settle()
        #expect(fixture.files() == 1)
        withExtendedLifetime(reader) {}
    }

    @Test func writesItsJournalAnew() async throws {
        let fixture = Fixture()
        let engine = try fixture.open()
        try engine.makeContainer("flat/box")
        let metadata = [Pair(name: "k", value: String(repeating: "v", count: 4000))]
        try engine.write("flat/box/a", "kept")
        try engine.putBlock("flat/box/s", "AAAA", "staged")
        for _ in 0..<3000 {
            _ = try engine.changeEntry(BlobPath("flat/box/a"), .none) { $0.metadata = metadata }
        }
        let size = try #require(FileManager.default.contents(atPath: fixture.folder + "/journal")?.count)
        #expect(size < 9 << 20)
        await engine.stop()
        #expect(try #require(FileManager.default.contents(atPath: fixture.folder + "/journal")?.count) < 10_000)
        #expect(try await engine.text("flat/box/a") == "kept")
    }

    @Test func readsWhatItWroteBesideOthers() async throws {
        let fixture = Fixture()
        let engine = try fixture.open()
        try engine.makeContainer("lake/box")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for number in 0..<200 {
                        let path = "lake/box/w\(writer)/d\(number % 7)/f\(number)"
                        try engine.write(path, path)
                        #expect(try await engine.text(path) == path)
                        if number % 3 == 0 { try engine.delete(BlobPath(path), .none) }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try engine.paths("lake/box").filter { !$0.hasSuffix("/") }.count == 8 * 133)
    }
}
