import Azure
import Storage
import Support
import Testing

@testable import Stores

/// What goes wrong on the way, and what stays right all the same.
@Suite struct StoreFaultTests {
    /// The step that makes a write visible: by store, and by how much is written.
    private static func publication(_ kind: StoreKind, isLarge: Bool) -> (method: String, query: String) {
        kind.dialect == "dfs" ? ("PUT", "mode=legacy") : isLarge ? ("PUT", "comp=blocklist") : ("PUT", "")
    }

    @Test(arguments: StoreKind.remote, [false, true])
    func aLostAnswerToAWriteDoublesNothing(kind: StoreKind, isLarge: Bool) async throws {
        let (store, container) = try await kind.makeNamed()
        let step = Self.publication(kind, isLarge: isLarge)
        let bytes = sample(isLarge ? 9 << 16 : 1000)
        for condition in [WriteCondition.ifAbsent, .always] {
            Lab.shared.fault(.lost, step.method, in: container, query: step.query)
            let sink = try await store.create("in/a", condition)
            try await sink.write(bytes)
            try await sink.finish()
        }
        let tag = try #require(try await store.facts("in/a")?.tag)
        Lab.shared.fault(.lost, step.method, in: container, query: step.query)
        let sink = try await store.create("in/a", .ifUnchanged(tag: tag))
        try await sink.write(bytes)
        try await sink.finish()
        #expect(try await whole(try await store.open("in/a")) == bytes)
        #expect(try await store.list("") == ["in/a"])
    }

    @Test(arguments: StoreKind.remote)
    func aClaimWhoseAnswerWasLostIsOnesOwn(kind: StoreKind) async throws {
        let (store, container) = try await kind.makeNamed()
        let step = Self.publication(kind, isLarge: false)
        Lab.shared.fault(.lost, step.method, in: container, query: step.query)
        #expect(try await store.claim("claim", Buffer([1])))
        #expect(try await !store.claim("claim", Buffer([1])))
        // The same once more, against a claim that is there: the retry must not be taken for the first's success.
        Lab.shared.fault(.lost, step.method, in: container, query: step.query)
        #expect(try await !store.claim("claim", Buffer([1])))
    }

    @Test(arguments: StoreKind.remote)
    func lostAnswersToOtherWritesAreUnderstood(kind: StoreKind) async throws {
        let (store, container) = try await kind.makeNamed()
        try await store.write("x", to: "a")
        Lab.shared.fault(.lost, "DELETE", in: container)
        try await store.remove("a")
        #expect(try await store.facts("a") == nil)
        try await store.write("x", to: "a")
        Lab.shared.fault(.lost, "PUT", in: container, query: kind.dialect == "dfs" ? "mode=legacy" : "")
        #expect(try await store.move("a", to: "b", .ifAbsent))
        #expect(try await store.list("") == ["b"])
        Lab.shared.fault(.lost, kind.dialect == "dfs" ? "POST" : "PUT", in: container)
        let lease = try #require(try await store.lease("b", seconds: 60))
        try await lease.release()
    }

    @Test(arguments: StoreKind.remote, [429, 500, 503])
    func whatIsBusyIsAskedAgain(kind: StoreKind, status: Int) async throws {
        let (store, container) = try await kind.makeNamed()
        for method in ["PUT", "PATCH", "GET", "HEAD", "DELETE"] {
            Lab.shared.fault(.status(status), method, in: container, times: 2)
        }
        let bytes = sample(9 << 16)
        try await write(bytes, to: "a", of: store)
        #expect(try await whole(try await store.open("a")) == bytes)
        #expect(try await store.list("") == ["a"])
        try await store.remove("a")
    }

    @Test(arguments: StoreKind.remote)
    func aBodyThatBreaksOffGoesOn(kind: StoreKind) async throws {
        let (store, container) = try await kind.makeNamed()
        let bytes = sample(13 << 16)
        try await write(bytes, to: "a", of: store)
        let object = try await store.open("a")
        Lab.shared.fault(.cut(10_000), "GET", in: container, times: 3)
        #expect(try await whole(object) == bytes)
        Lab.shared.fault(.cut(0), "GET", in: container)
        #expect(try await object.read(5..<600_000) == bytes[5..<600_000])
    }

    @Test(arguments: StoreKind.remote)
    func damagedBytesAreNoticedAndAskedForAgain(kind: StoreKind) async throws {
        let (store, container) = try await kind.makeNamed()
        let bytes = sample(5 << 16)
        try await write(bytes, to: "a", of: store)
        let object = try await store.open("a")
        Lab.shared.fault(.damage, "GET", in: container, times: 2)
        #expect(try await whole(object) == bytes)
        // When it stays damaged, that is an error and never data.
        Lab.shared.fault(.damage, "GET", in: container, times: 20)
        await #expect(throws: SluiceError.self) { try await whole(object) }
    }

    @Test(arguments: StoreKind.remote)
    func aListingThatFailsIsNoEmptyListing(kind: StoreKind) async throws {
        let (store, container) = try await kind.makeNamed()
        try await store.write("x", to: "in/a")
        Lab.shared.fault(.status(500), "GET", in: container, times: 50)
        await #expect(throws: SluiceError.self) { try await store.list("") }
        await #expect(throws: SluiceError.self) { try await store.list("in") }
    }

    @Test(arguments: StoreKind.remote)
    func aMissingContainerIsSaid(kind: StoreKind) async throws {
        let url =
            kind.dialect == "dfs"
            ? "abfss://nowhere@\(kind.account).dfs.core.windows.net/in" : "az://\(kind.account)/nowhere/in"
        let store = try Lab.shared.stores(kind.account).store(url)
        await #expect { try await store.list("") } throws: { ($0 as? SluiceError)?.code == .notFound }
        await #expect { try await store.facts("a") } throws: { ($0 as? SluiceError)?.code == .notFound }
        await #expect { try await store.open("a") } throws: { ($0 as? SluiceError)?.code == .notFound }
        await #expect { try await store.write("x", to: "a") } throws: { ($0 as? SluiceError)?.code == .notFound }
    }

    @Test(arguments: StoreKind.remote)
    func aWrongKeyIsSaidAndNotShown(kind: StoreKind) async throws {
        let (_, url) = try await Lab.shared.container(kind.account, kind.dialect)
        let key = Base64.encode(Array("MarkedSecretKeyNobodyMaySee".utf8))
        let store = try Lab.shared.stores(kind.account, key: key).store(url)
        do throws(SluiceError) {
            _ = try await store.list("")
            Issue.record("the wrong key was taken")
        } catch {
            #expect(error.code == .permission)
            let text = "\(error) \(error.hint ?? "")"
            #expect(!text.contains(key) && !text.contains("MarkedSecret"))
            #expect(text.contains(kind.account))
        }
    }

    /// What an earlier process left behind is in nobody's way.
    @Test(arguments: StoreKind.remote)
    func whatADeadWriterLeftIsNotSeen(kind: StoreKind) async throws {
        let (store, _) = try await kind.makeNamed()
        let sink = try await store.create("in/a")
        try await sink.write(sample(17 << 16))
        #expect(try await store.list("").isEmpty)
        let listing = try await store.entries("in", recursive: false)
        var count = 0
        while let page = try await listing.next() { count += page.count }
        #expect(count == 0)
        try await write(sample(9 << 16, seed: 3), to: "in/a", of: store)
        #expect(try await store.list("") == ["in/a"])
        await sink.abandon()
        #expect(try await store.open("in/a").size == 9 << 16)
    }

    @Test func writersHoldLittle() async throws {
        var options = StoreOptions()
        options.writeMemory = 32 << 20
        #expect(options.concurrentBlocks(of: 8 << 20) == 3)
        #expect(options.concurrentBlocks(of: 512 << 20) == 1)
        var total = 0
        for index in 0..<50_000 { total += options.size(ofBlock: index) }
        #expect(total > 5 << 40)
        #expect(options.blockSize(for: 4 << 40) * 50_000 >= 4 << 40)
        #expect(options.blockSize(for: 1 << 30) == 8 << 20)
    }
}
