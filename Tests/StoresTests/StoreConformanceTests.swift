import Storage
import Support
import Testing

@testable import Stores

/// What every store has to do, whatever lies behind it.
@Suite struct StoreConformanceTests {
    @Test(arguments: StoreKind.allCases)
    func whatIsWrittenIsRead(kind: StoreKind) async throws {
        let store = try await kind.make()
        for size in [0, 1, 1000, 4 << 16, (8 << 16) + 1, (20 << 16) + 12_345] {
            let bytes = sample(size)
            try await write(bytes, to: "in/\(size).bin", of: store)
            let object = try await store.open("in/\(size).bin")
            #expect(object.size == size)
            #expect(try await whole(object) == bytes)
            #expect(try await object.read(0..<size) == bytes)
            for range in [0..<0, 0..<min(size, 7), size / 3..<size / 2, max(0, size - 5)..<size] {
                #expect(try await object.read(range) == bytes[range])
            }
            await #expect(throws: SluiceError.self) { try await object.read(0..<(size + 1)) }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func nothingIsSeenBeforeTheEnd(kind: StoreKind) async throws {
        let store = try await kind.make()
        let sink = try await store.create("in/a.bin")
        try await sink.write(sample(17 << 16))
        #expect(try await store.facts("in/a.bin") == nil)
        #expect(try await store.list("").isEmpty)
        await sink.abandon()
        #expect(try await store.facts("in/a.bin") == nil)
        #expect(try await store.list("").isEmpty)
        // What was there stays until the end, and is replaced as a whole.
        try await store.write("old", to: "in/a.bin")
        let second = try await store.create("in/a.bin")
        try await second.write(sample(9 << 16))
        #expect(try await store.text(of: "in/a.bin") == "old")
        try await second.finish()
        await second.abandon()
        #expect(try await store.open("in/a.bin").size == 9 << 16)
        #expect(try await store.list("") == ["in/a.bin"])
    }

    @Test(arguments: StoreKind.allCases)
    func ofSeveralWhoClaimOneGetsIt(kind: StoreKind) async throws {
        let store = try await kind.make()
        let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<8 {
                group.addTask { try await store.claim("deep/er/claim", Buffer(Array("\(number)".utf8))) }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(winners == 1)
        #expect(try await store.text(of: "deep/er/claim").count == 1)
        #expect(try await !store.claim("deep/er/claim", .empty))
        #expect(try await store.list("").count == 1)
    }

    @Test(arguments: StoreKind.allCases)
    func conditionsHoldOrNothingChanges(kind: StoreKind) async throws {
        let store = try await kind.make()
        let text = { (text: String) in Buffer(Array(text.utf8)) }
        #expect(try await store.put("a", text("1"), .always))
        let first = try #require(try await store.facts("a")?.tag)
        #expect(try await store.put("a", text("22"), .ifUnchanged(tag: first)))
        #expect(try await !store.put("a", text("3"), .ifUnchanged(tag: first)))
        #expect(try await store.text(of: "a") == "22")
        #expect(try await !store.put("b", text("3"), .ifUnchanged(tag: first)))
        #expect(try await store.facts("b") == nil)

        let sink = try await store.create("a", .ifAbsent)
        try await sink.write(text("4"))
        await #expect { try await sink.finish() } throws: { ($0 as? SluiceError)?.code == .conflict }
        await sink.abandon()
        let large = try await store.create("a", .ifUnchanged(tag: first))
        try await large.write(sample(9 << 16))
        await #expect { try await large.finish() } throws: { ($0 as? SluiceError)?.code == .conflict }
        await large.abandon()
        #expect(try await store.text(of: "a") == "22")
        #expect(try await store.list("") == ["a"])
    }

    @Test(arguments: StoreKind.allCases)
    func listingsTellFilesFromFolders(kind: StoreKind) async throws {
        let store = try await kind.make()
        for path in ["a.csv", "in/b.csv", "in/deep/c.csv", "in/deep/d e+ü%.csv", "in2/x"] {
            try await store.write(path, to: path)
        }
        #expect(
            try await store.list("") == ["a.csv", "in/b.csv", "in/deep/c.csv", "in/deep/d e+ü%.csv", "in2/x"])
        #expect(try await store.list("in") == ["in/b.csv", "in/deep/c.csv", "in/deep/d e+ü%.csv"])
        #expect(try await store.list("in/") == ["in/b.csv", "in/deep/c.csv", "in/deep/d e+ü%.csv"])
        #expect(try await store.list("nowhere").isEmpty)
        #expect(try await flat(store, "") == ["a.csv", "in/", "in2/"])
        #expect(try await flat(store, "in") == ["in/b.csv", "in/deep/"])
        #expect(try await flat(store, "in/deep") == ["in/deep/c.csv", "in/deep/d e+ü%.csv"])
        await #expect(throws: SluiceError.self) { try await store.list("a.csv") }

        #expect(try await store.facts("in")?.isFolder == true)
        #expect(try await store.facts("")?.isFolder == true)
        #expect(try await store.facts("i") == nil)
        let file = try #require(try await store.facts("in/deep/d e+ü%.csv"))
        #expect(!file.isFolder && file.size == 19 && file.tag != nil && file.modified != nil)
        #expect(abs((file.modified?.seconds ?? 0) - Moment.now.seconds) < 60)
        #expect(try await store.text(of: "in/deep/d e+ü%.csv") == "in/deep/d e+ü%.csv")
        await #expect { try await store.open("in") } throws: { ($0 as? SluiceError)?.code == .notFound }
        await #expect { try await store.open("in/zzz") } throws: { ($0 as? SluiceError)?.code == .notFound }
    }

    @Test(arguments: StoreKind.allCases)
    func longListingsComeInPages(kind: StoreKind) async throws {
        let store = try await kind.make()
        let count = kind == .folder ? 100 : 5_010
        for number in 0..<count { try await kind.seed(store, "many/\(1_000_000 + number)") }
        let found = try await store.list("many")
        #expect(found.count == count)
        #expect(Set(found).count == count)
    }

    @Test(arguments: StoreKind.allCases)
    func movedObjectsKeepTheirBytes(kind: StoreKind) async throws {
        let store = try await kind.make()
        let bytes = sample(10 << 16)
        try await write(bytes, to: "a/b", of: store)
        #expect(try await store.move("a/b", to: "x/y/z", .ifAbsent))
        #expect(try await store.facts("a/b") == nil)
        #expect(try await whole(try await store.open("x/y/z")) == bytes)
        try await store.write("other", to: "there")
        #expect(try await !store.move("there", to: "x/y/z", .ifAbsent))
        #expect(try await store.text(of: "there") == "other")
        #expect(try await store.move("there", to: "x/y/z", .always))
        #expect(try await store.text(of: "x/y/z") == "other")
        await #expect { try await store.move("no", to: "b", .always) } throws: {
            ($0 as? SluiceError)?.code == .notFound || ($0 as? SluiceError)?.code == .inputOutput
        }
    }

    @Test(arguments: StoreKind.allCases)
    func removedIsRemoved(kind: StoreKind) async throws {
        let store = try await kind.make()
        try await store.write("x", to: "in/a")
        try await store.remove("in/a")
        try await store.remove("in/a")
        try await store.remove("never/there")
        #expect(try await store.facts("in/a") == nil)
        #expect(try await store.list("").isEmpty)
    }

    @Test(arguments: StoreKind.allCases)
    func oneHoldsALeaseAtATime(kind: StoreKind) async throws {
        let store = try await kind.make()
        try await store.write("x", to: "job")
        let lease = try #require(try await store.lease("job", seconds: 60))
        #expect(try await store.lease("job", seconds: 60) == nil)
        try await lease.renew()
        // Whoever holds it may write.
        try await store.write("y", to: "job")
        try await lease.release()
        let next = try #require(try await store.lease("job", seconds: 60))
        await #expect(throws: SluiceError.self) { try await lease.renew() }
        try await next.release()
        await #expect(throws: SluiceError.self) { try await store.lease("nobody", seconds: 60) }
    }

    @Test(arguments: StoreKind.allCases)
    func whatWasOpenedStaysWhatItWas(kind: StoreKind) async throws {
        let store = try await kind.make()
        let bytes = sample(9 << 16)
        try await write(bytes, to: "a", of: store)
        let object = try await store.open("a")
        try await write(sample(9 << 16, seed: 7), to: "a", of: store)
        do throws(SluiceError) {
            // A folder has the old file still; a store says that it is another by now. Never a mixture.
            #expect(try await object.read(0..<object.size) == bytes)
        } catch {
            #expect(error.message.contains("changed"))
        }
    }

    @Test(arguments: StoreKind.allCases, ["../x", "a/../../x", "/x", "a/\u{0}b"])
    func noPathLeadsOut(kind: StoreKind, path: String) async throws {
        let store = try await kind.make()
        await #expect(throws: SluiceError.self) { try await store.write("x", to: path) }
        await #expect(throws: SluiceError.self) { try await store.open(path) }
        await #expect(throws: SluiceError.self) { try await store.remove(path) }
    }

    // MARK: - Helpers

    private func flat(_ store: any ObjectStore, _ folder: String) async throws -> [String] {
        let listing = try await store.entries(folder, recursive: false)
        var found: [String] = []
        while let page = try await listing.next() { found += page.map { $0.path + ($0.isFolder ? "/" : "") } }
        return found.sorted()
    }
}

/// Bytes of which no two pieces are the same.
func sample(_ size: Int, seed: UInt64 = 1) -> Buffer {
    let bytes = MutableBuffer(capacity: size + 65_536)
    var number = seed << 32
    while bytes.count < size {
        bytes.append(number)
        bytes.append(noise)
        number += 1
    }
    return bytes.freeze()[0..<size]
}

private let noise: Buffer = {
    let bytes = MutableBuffer()
    var state: UInt64 = 0x9e37_79b9_7f4a_7c15
    for _ in 0..<8_000 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes.append(state ^ state >> 29)
    }
    return bytes.freeze()
}()

/// Writes in pieces of odd sizes.
func write(_ bytes: Buffer, to path: String, of store: any ObjectStore) async throws {
    let sink = try await store.create(path)
    var position = 0
    while position < bytes.count {
        let end = min(bytes.count, position + 123_457)
        try await sink.write(bytes[position..<end])
        position = end
    }
    try await sink.finish()
}

/// All bytes, from the stream.
func whole(_ object: any StoredObject) async throws -> Buffer {
    let bytes = MutableBuffer(capacity: object.size)
    let stream = try await object.stream()
    while let piece = try await stream.next() { bytes.append(piece) }
    return bytes.freeze()
}
