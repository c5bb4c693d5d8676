import Glibc
import Storage
import Support
import Testing

@Suite struct FolderStoreTests {
    private func sorted(_ listing: any ObjectListing) async throws -> [ObjectEntry] {
        var all: [ObjectEntry] = []
        while let page = try await listing.next() { all += page }
        return all.sorted { $0.path < $1.path }
    }

    @Test func entriesAreListedFlatAndInDepth() async throws {
        try await withFolder { folder in
            let store = FolderStore(folder)
            for path in ["a", "b/c", "b/d/e"] { try await store.write("12345", to: path) }
            try put("x", at: folder + "/b/.c.123.partial")
            let flat = try await sorted(try await store.entries("b", recursive: false))
            #expect(flat.map(\.path) == ["b/c", "b/d"] && flat.map(\.isFolder) == [false, true])
            #expect(flat[0].size == 5 && flat[0].tag != nil && flat[0].modified != nil && flat[1].tag == nil)
            let deep = try await sorted(try await store.entries("", recursive: true))
            #expect(deep.map(\.path) == ["a", "b/c", "b/d/e"])
            #expect(try await sorted(try await store.entries("none", recursive: true)).isEmpty)
            await #expect(throws: SluiceError.self) { try await store.entries("a", recursive: true) }
        }
    }

    @Test func aFolderThatCannotBeReadIsNotAnEmptyOne() async throws {
        try await withFolder { folder in
            let store = FolderStore(folder)
            try await store.write("x", to: "b/c")
            // Even for the superuser a path through a file is no folder, and a name that is too long no name.
            let long = String(repeating: "n", count: 300)
            await #expect(throws: SluiceError.self) { try await store.list("b/\(long)") }
        }
    }

    @Test func conditionsDecideWhoWrites() async throws {
        try await withFolder { folder in
            let store = FolderStore(folder)
            #expect(try await store.put("x/y", Buffer([1]), .ifAbsent))
            #expect(try await store.put("x/y", Buffer([2]), .ifAbsent) == false)
            let first = try #require(try await store.facts("x/y")?.tag)
            #expect(try await store.put("x/y", Buffer([3]), .ifUnchanged(tag: first)))
            #expect(try await store.put("x/y", Buffer([4]), .ifUnchanged(tag: first)) == false)
            #expect(try await store.put("none", Buffer([4]), .ifUnchanged(tag: first)) == false)
            #expect(try contents(of: folder + "/x/y") == [3])
            #expect(names(in: folder + "/x") == ["y"])
            let late = try await store.create("x/y", .ifAbsent)
            try await late.write(Buffer([5]))
            let error = await #expect(throws: SluiceError.self) { try await late.finish() }
            #expect(error?.code == .conflict)
            await late.abandon()
            #expect(names(in: folder + "/x") == ["y"])
        }
    }

    @Test func ofManyWhoClaimOneGetsIt() async throws {
        try await withFolder { folder in
            let store = FolderStore(folder)
            for round in 0..<20 {
                let won = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for number in 0..<8 {
                        group.addTask { try await store.claim("c/\(round)", Buffer([UInt8(number)])) }
                    }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect(won == 1)
            }
        }
    }

    @Test func countersThatCompareLoseNoCount() async throws {
        try await withFolder { folder in
            let store = FolderStore(folder)
            try await store.write("0", to: "n")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<25 {
                            while true {
                                let file = try await store.open("n")
                                let text = String(decoding: try await file.read(0..<file.size).bytes, as: UTF8.self)
                                let next = Buffer(Array(String((Int(text) ?? -1000) + 1).utf8))
                                let tag = try #require(file.facts.tag)
                                if try await store.put("n", next, .ifUnchanged(tag: tag)) { break }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.text(of: "n") == "100")
        }
    }

    @Test func objectsMove() async throws {
        try await withFolder { folder in
            let store = FolderStore(folder)
            try await store.write("1", to: "a")
            try await store.write("2", to: "b/c")
            #expect(try await store.move("a", to: "b/c", .ifAbsent) == false)
            #expect(try await store.move("a", to: "d/e", .ifAbsent))
            #expect(try await store.move("d/e", to: "b/c", .always))
            #expect(try await store.list("") == ["b/c"])
            #expect(try await store.text(of: "b/c") == "1")
            #expect(try await store.move("b", to: "z", .ifAbsent))
            #expect(try await store.list("") == ["z/c"])
            await #expect(throws: SluiceError.self) { try await store.move("none", to: "x", .always) }
        }
    }

    @Test func aLeaseHasOneOwnerAndLeavesNothing() async throws {
        try await withFolder { folder in
            let store = FolderStore(folder)
            try await store.write("1", to: "a")
            let lease = try #require(try await store.lease("a", seconds: 15))
            #expect(try await store.lease("a", seconds: 15) == nil)
            try await lease.renew()
            #expect(try await store.list("") == ["a"])
            try await lease.release()
            let second = try #require(try await store.lease("a", seconds: 15))
            await #expect(throws: SluiceError.self) { try await lease.renew() }
            try await second.release()
            #expect(names(in: folder) == ["a"])
            await #expect(throws: SluiceError.self) { try await store.lease("none", seconds: 15) }
        }
    }

    @Test(arguments: ["../x", "a/../../x", "/etc/passwd", "a\0b"])
    func namesThatLeadOutAreRefused(path: String) async throws {
        try await withFolder { folder in
            let store = FolderStore(folder + "/in")
            await #expect(throws: SluiceError.self) { try await store.write("x", to: path) }
            await #expect(throws: SluiceError.self) { try await store.open(path) }
            await #expect(throws: SluiceError.self) { try await store.remove(path) }
            await #expect(throws: SluiceError.self) { try await store.list(path) }
            await #expect(throws: SluiceError.self) { try await store.move("a", to: path, .always) }
        }
    }

    @Test(arguments: [
        "*.csv", "a/*.csv", "**/*.csv", "**", "a/**", "*/b/*", "a/**/x.csv", "{a,c}/*", "a/[bc]/?.csv", "x.csv", "a/b",
        ".*", "**/.h/*", "a/b/c/**/z", "\\*.csv", "none/*", "*/*/*.csv", "**/**/*.csv",
    ])
    func patternsMeanWhatTheyMeanInFolders(pattern: String) async throws {
        try await withFolder { folder in
            let store = FolderStore(folder)
            for path in [
                "x.csv", "y.txt", "a/x.csv", "a/b/x.csv", "a/b/c/x.csv", "a/b/c/d/z", "a/c/y.csv", "c/x.csv",
                ".h/x.csv",
                "a/.h/x.csv", "a/.x.csv", "*.csv",
            ] {
                try await store.write("x", to: path)
            }
            // The walk through folders of this machine, which has other code, is the measure.
            let expected: [String]
            do { expected = try Glob.matches(of: folder + "/" + pattern) } catch { expected = [] }
            let found = try await store.matches(of: [pattern])
            #expect(found.map { folder + "/" + $0.path } == expected)
        }
    }
}
