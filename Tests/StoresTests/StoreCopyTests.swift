import Azure
import Glibc
import Storage
import Support
import Synchronization
import Testing

@testable import Stores

@Suite struct StoreCopyTests {
    @Test(arguments: StoreKind.remote)
    func foldersGoUpAndComeDownAgain(kind: StoreKind) async throws {
        let (store, _) = try await kind.makeNamed()
        let here = Scratch()
        let folder = FolderStore(here.path + "/in")
        for (path, size) in [("a.csv", 10), ("b.json", 0), ("sub/c.csv", 9 << 16), ("sub/deep/d", 1)] {
            try await write(sample(size), to: path, of: folder)
        }
        let up = StoreCopy.small(from: folder, to: store)
        let first = try await up.copy(folder: "", recursive: true, into: "x/y")
        #expect(first.copied == 4 && first.failed == 0 && first.bytes == (9 << 16) + 11)
        let again = try await up.copy(folder: "", recursive: true, into: "x/y")
        #expect(again.identical == 4 && again.copied == 0)

        let out = FolderStore(here.path + "/out")
        let down = StoreCopy.small(from: store, to: out)
        #expect(try await down.copy(folder: "x/y", recursive: true, into: "").copied == 4)
        #expect(try await down.copy(folder: "x/y", recursive: true, into: "").identical == 4)
        #expect(system("diff -r '\(here.path)/in' '\(here.path)/out' > /dev/null") == 0)

        // One that has changed, with the same size, is copied; the others are not.
        try await write(Buffer(Array("0123456789".utf8)), to: "a.csv", of: folder)
        let changed = try await up.copy(folder: "", recursive: true, into: "x/y")
        #expect(changed.copied == 1 && changed.identical == 3)
        var keeping = up
        keeping.existing = .keep
        #expect(try await keeping.copy(folder: "", recursive: true, into: "x/y").kept == 4)
        var replacing = up
        replacing.existing = .replace
        #expect(try await replacing.copy(folder: "", recursive: false, into: "x/y").copied == 2)
        let chosen = try await up.copy(folder: "", recursive: true, into: "z") { $0.hasSuffix(".csv") }
        #expect(chosen.copied == 2)
        #expect(try await store.list("z") == ["z/a.csv", "z/sub/c.csv"])
    }

    @Test func storeToStoreGoesBothWays() async throws {
        let (blob, _) = try await StoreKind.blobFlat.makeNamed()
        let (lake, _) = try await StoreKind.dfsHierarchical.makeNamed()
        try await write(sample(9 << 16), to: "in/a", of: blob)
        #expect(
            try await StoreCopy.small(from: blob, to: lake).copy(folder: "in", recursive: true, into: "").copied == 1)
        #expect(
            try await StoreCopy.small(from: lake, to: blob).copy(folder: "", recursive: true, into: "back").copied == 1)
        #expect(try await whole(try await blob.open("back/a")) == sample(9 << 16))
    }

    /// Blocks that a dead process sent are not sent again, and nothing else is used of them.
    @Test func anUploadThatBrokeOffGoesOn() async throws {
        let (store, container) = try await StoreKind.blobFlat.makeNamed()
        let folder = FolderStore(Scratch().path)
        let bytes = sample(40 << 16)
        try await write(bytes, to: "big", of: folder)
        let copy = StoreCopy.small(from: folder, to: store)
        Lab.shared.fault(.status(403), "PUT", in: container, query: "comp=blocklist")
        let broken = try await copy.copy("big", to: "big")
        guard case .failed = broken.result else {
            Issue.record("it was to fail")
            return
        }
        #expect(try await store.facts("big") == nil)
        let before = Lab.shared.requests(in: container).count { $0.contains("comp=block&") }
        guard case .copied = try await copy.copy("big", to: "big").result else {
            Issue.record("it was to be copied")
            return
        }
        #expect(Lab.shared.requests(in: container).count { $0.contains("comp=block&") } == before)
        #expect(try await whole(try await store.open("big")) == bytes)

        // What has changed since is sent.
        let other = sample(40 << 16, seed: 9)
        Lab.shared.fault(.status(403), "PUT", in: container, query: "comp=blocklist")
        _ = try await copy.copy("big", to: "two")
        try await write(other, to: "big", of: folder)
        _ = try await copy.copy("big", to: "two")
        #expect(try await whole(try await store.open("two")) == other)
    }

    @Test(arguments: StoreKind.remote)
    func aDownloadThatBrokeOffGoesOn(kind: StoreKind) async throws {
        let (store, container) = try await kind.makeNamed()
        let here = Scratch()
        let folder = FolderStore(here.path)
        let bytes = sample(40 << 16)
        try await write(bytes, to: "big", of: store)
        let copy = StoreCopy.small(from: store, to: folder)
        // Some ranges arrive, the last ones do not.
        Lab.shared.fault(.status(403), "GET", in: container, times: 1)
        var failures = 0
        for _ in 0..<8 {
            if case .failed = try await copy.copy("big", to: "sub/big").result { failures += 1 } else { break }
            #expect(try await folder.facts("sub/big") == nil)
            #expect(try await folder.list("").isEmpty)
        }
        #expect(failures == 1)
        let asked = Lab.shared.requests(in: container).count { $0.hasPrefix("GET") && $0.contains("/big") }
        // Ten ranges of 4 MiB; of those that were there, none is asked for twice, except by those that were cut short.
        #expect(asked <= 10 + 1 + 8)
        #expect(try await whole(try await folder.open("sub/big")) == bytes)
        #expect(system("test $(find '\(here.path)' -type f | wc -l) = 1") == 0)
    }

    /// What a killed process left: some pieces, some of them damaged, and the beginning of a line.
    @Test func aJournalIsNotTrustedBlindly() async throws {
        let (store, _) = try await StoreKind.blobFlat.makeNamed()
        let here = Scratch()
        let folder = FolderStore(here.path)
        let bytes = sample(40 << 16)
        try await write(bytes, to: "big", of: store)
        let object = try #require(try await store.open("big") as? AzureObject)
        let partial = try FileDownload(object, folder, "big", .always, StoreCopy.Monitor(), pieceSize: 512 << 10)
        let piece = bytes[0..<8 << 16]
        let data = try PartialFile(partial.partial, name: "big")
        try data.write(piece, at: 0)
        try data.write(sample(8 << 16, seed: 5), at: 8 << 16)
        let journal = try PartialFile(partial.journal, name: "big")
        let crc = String(CRC64.of(piece).value, radix: 16)
        try journal.append("0 \(crc)\n1 \(crc)\n99 1\nrubbish\n-1 0\n4 ")
        let outcome = try await StoreCopy.small(from: store, to: folder).copy("big", to: "big")
        if case .failed(let error) = outcome.result { throw error }
        #expect(try await whole(try await folder.open("big")) == bytes)
    }

    @Test(arguments: StoreKind.remote)
    func rangesThatBreakOffOrAreDamagedOnTheirWayHereAreAskedForAgain(kind: StoreKind) async throws {
        let (store, container) = try await kind.makeNamed()
        let here = Scratch()
        let folder = FolderStore(here.path)
        let bytes = sample(40 << 16)
        try await write(bytes, to: "big", of: store)
        let copy = StoreCopy.small(from: store, to: folder)
        Lab.shared.fault(.cut(10_000), "GET", in: container, times: 3)
        if kind.dialect == "blob" { Lab.shared.fault(.damage, "GET", in: container, times: 2) }
        let outcome = try await copy.copy("big", to: "big")
        if case .failed(let error) = outcome.result { throw error }
        #expect(try await whole(try await folder.open("big")) == bytes)
        guard kind.dialect == "blob" else { return }
        // What stays damaged never gets a name.
        Lab.shared.fault(.damage, "GET", in: container, times: 50)
        guard case .failed = try await copy.copy("big", to: "other").result else {
            Issue.record("it was to fail")
            return
        }
        #expect(try await folder.facts("other") == nil)
    }

    /// A partial file whose journal vouches for the wrong bytes.
    @Test(arguments: [StoreKind.blobFlat, .dfsHierarchical])
    func whatIsNotAsItsWriterLeftItGetsNoName(kind: StoreKind) async throws {
        let (store, _) = try await kind.makeNamed()
        let here = Scratch()
        let folder = FolderStore(here.path)
        try await write(sample(40 << 16), to: "big", of: store)
        let object = try #require(try await store.open("big") as? AzureObject)
        let partial = try FileDownload(object, folder, "big", .always, StoreCopy.Monitor(), pieceSize: 512 << 10)
        let wrong = sample(8 << 16, seed: 5)
        let data = try PartialFile(partial.partial, name: "big")
        try data.write(wrong, at: 0)
        try PartialFile(partial.journal, name: "big").append("0 \(String(CRC64.of(wrong).value, radix: 16))\n")
        let copy = StoreCopy.small(from: store, to: folder)
        guard case .failed(let error) = try await copy.copy("big", to: "big").result else {
            Issue.record("it was to fail")
            return
        }
        #expect(error.message.contains("CRC64"))
        #expect(try await folder.facts("big") == nil)
        // Nothing of it is left for the next attempt.
        if case .failed(let error) = try await copy.copy("big", to: "big").result { throw error }
        #expect(try await whole(try await folder.open("big")) == sample(40 << 16))
    }

    @Test(arguments: StoreKind.remote, [0, 1000, 9 << 16])
    func everyWriterLeavesTheChecksumOfTheWhole(kind: StoreKind, size: Int) async throws {
        let (store, _) = try await kind.makeNamed()
        let bytes = size == 0 ? Buffer.empty : sample(size)
        try await write(bytes, to: "written", of: store)
        let folder = FolderStore(Scratch().path)
        try await write(bytes, to: "copied", of: folder)
        let copied = try await StoreCopy.small(from: folder, to: store).copy("copied", to: "copied")
        if case .failed(let error) = copied.result { throw error }
        for name in ["written", "copied"] {
            let object = try #require(try await store.open(name) as? AzureObject)
            #expect(object.crc == CRC64.of(bytes).bytes)
            #expect(try await whole(object) == bytes)
        }
    }

    @Test(arguments: StoreKind.remote, [1000, 9 << 16])
    func aFileThatChangesWhileItIsSentIsNotTaken(kind: StoreKind, size: Int) async throws {
        let (store, _) = try await kind.makeNamed()
        let sink = try #require(try await store.create("changing", .always) as? AzureSink)
        await #expect(throws: SluiceError.self) {
            try await sink.write(Restless(size: size)) { _ in }
            try await sink.finish()
        }
        await sink.abandon()
        #expect(try await store.facts("changing") == nil)
        #expect(try await store.list("").isEmpty)
    }

    @Test func oneFailureDoesNotStopTheOthers() async throws {
        let (store, container) = try await StoreKind.blobFlat.makeNamed()
        let evil = ["ok", "a/../../escape", "C:x", "back\\slash", "a/b"]
        for name in evil {
            let path = BlobNaming.path("flat1", container, name)
            try BlobNaming.put(path)
        }
        let here = Scratch()
        mkdir(here.path + "/out", 0o777)
        var failed: [String] = []
        let summary = try await StoreCopy.small(from: store, to: FolderStore(here.path + "/out"))
            .copy(
                folder: "", recursive: true, into: "",
                each: { outcome in
                    if case .failed = outcome.result { failed.append(outcome.from) }
                })
        #expect(summary.copied == 2 && summary.failed == 3)
        #expect(Set(failed) == ["a/../../escape", "C:x", "back\\slash"])
        #expect(system("test ! -e '\(here.path)/escape' && test -e '\(here.path)/out/a/b'") == 0)
    }

    @Test func whatIsMissingIsSaid() async throws {
        let (store, _) = try await StoreKind.blobFlat.makeNamed()
        let copy = StoreCopy.small(from: store, to: FolderStore(Scratch().path))
        await #expect { try await copy.copy("no", to: "no") } throws: { ($0 as? SluiceError)?.code == .notFound }
    }

    @Test(arguments: StoreKind.allCases)
    func selectionsAndRemovals(kind: StoreKind) async throws {
        let store = try await kind.make()
        for path in ["in/a.csv", "in/b.json", "in/sub/c.csv", "x[1].csv"] { try await store.write(path, to: path) }
        func names(_ path: String, recursive: Bool = false) async throws -> [String] {
            let listing = try await StoreSelection(StorePlace(store, path)).entries(recursive: recursive)
            var found: [String] = []
            while let page = try await listing.next() { found += page.map(\.path) }
            return found.sorted()
        }
        #expect(try await names("in/*.csv") == ["in/a.csv"])
        #expect(try await names("**/*.csv") == ["in/a.csv", "in/sub/c.csv", "x[1].csv"])
        #expect(try await names("x[1].csv") == ["x[1].csv"])
        #expect(try await names("in/a.csv") == ["in/a.csv"])
        #expect(try await names("in") == ["in/a.csv", "in/b.json", "in/sub"])
        #expect(try await names("in/*.nothing").isEmpty)
        await #expect(throws: SluiceError.self) { try await names("nowhere") }
        let folder = try await StoreSelection(StorePlace(store, "in"))
        await #expect(throws: SluiceError.self) { try await StoreRemoval(folder, recursive: false) }
        let removal = try await StoreRemoval(folder, recursive: true)
        #expect(removal.objects.count == 3)
        var gone = 0
        await removal.run { _, error in gone += error == nil ? 1 : 0 }
        #expect(gone == 3)
        #expect(try await store.facts("in") == nil)
        #expect(try await store.list("") == ["x[1].csv"])
    }
}

/// A file that holds other bytes each time that it is read.
private final class Restless: DirectAccess {
    let size: Int
    private let turn = Atomic<UInt8>(0)

    init(size: Int) { self.size = size }

    func read(into target: UnsafeMutableRawBufferPointer, at position: Int) -> Int {
        let turn = turn.wrappingAdd(1, ordering: .relaxed).newValue
        for index in target.indices { target[index] = turn }
        return target.count
    }
}
