import Support
import Testing

@testable import Emulator

@Suite struct BlockTests {
    @Test func makesBlobsOfBlocks() async throws {
        let fixture = Fixture()
        let engine = try fixture.open()
        try engine.makeContainer("flat/box")
        try engine.putBlock("flat/box/a", "AAAA", "one ")
        try engine.putBlock("flat/box/a", "BBBB", "two ")
        try engine.putBlock("flat/box/a", "AAAA", "ONE ")
        #expect(try engine.names("flat/box") == [])
        try engine.commitBlocks("flat/box/a", ["AAAA", "BBBB", "AAAA"])
        #expect(try await engine.text("flat/box/a") == "ONE two ONE ")
        try engine.putBlock("flat/box/a", "AAAA", "uno ")
        #expect(fault { try engine.commitBlocks("flat/box/a", ["BBBB"], .uncommitted) } == "InvalidBlockList")
        #expect(fault { try engine.putBlock("flat/box/a", "CC==", "x") } == "InvalidBlobOrBlock")
        _ = try engine.commit(
            BlobPath("flat/box/a"), .none, [(.committed, "AAAA"), (.uncommitted, "AAAA"), (.latest, "BBBB")]
        ) { _ in }
        #expect(try await engine.text("flat/box/a") == "ONE uno two ")
        #expect(fault { try engine.commitBlocks("flat/box/a", ["DDDD"]) } == "InvalidBlockList")
        try engine.commitBlocks("flat/box/a", [])
        #expect(try await engine.text("flat/box/a") == "")
        await engine.content.settle()
        #expect(fixture.files() == 0)
    }

    @Test func appendsInOrder() async throws {
        let fixture = Fixture()
        let engine = try fixture.open()
        try engine.makeContainer("flat/box")
        let path = BlobPath("flat/box/log")
        _ = try engine.put(path, .none, kind: .append) { _ in }
        for number in 0..<100 {
            let bytes = Buffer(Array("line \(number)\n".utf8))
            let writer = try engine.appendWriter(path, .none, length: bytes.count, wantsMD5: false, wantsCRC64: false)
            try writer.write(bytes)
            let size = try engine.find(path).entry.size
            #expect(
                fault { _ = try engine.append(path, .none, writer.extent, position: size + 1, largest: nil) }
                    == "AppendPositionConditionNotMet")
            #expect(try engine.append(path, .none, writer.extent, position: size, largest: nil).offset == size)
        }
        #expect(try await engine.text("flat/box/log") == (0..<100).map { "line \($0)\n" }.joined())
        #expect(try engine.find(path).entry.extents.count == 1)
        #expect(fault { try engine.putBlock("flat/box/log", "AAAA", "x") } == "InvalidBlobType")
    }

    @Test func listsByPagesAndDelimiters() throws {
        let fixture = Fixture()
        let engine = try fixture.open()
        try engine.makeContainer("flat/box")
        for name in ["a-b", "a/1", "a/2", "a/b/3", "a0", "b/1", "c"] { try engine.write("flat/box/\(name)", "") }
        try engine.putBlock("flat/box/b/0", "AAAA", "x")
        for limit in 1...8 {
            #expect(
                try engine.names("flat/box", limit: limit) == ["a-b", "a/1", "a/2", "a/b/3", "a0", "b/1", "c"])
            #expect(
                try engine.names("flat/box", delimiter: "/", limit: limit) == ["a-b", "a/…", "a0", "b/…", "c"])
            #expect(
                try engine.names("flat/box", prefix: "a/", delimiter: "/", limit: limit) == ["a/1", "a/2", "a/b/…"])
        }
        #expect(try engine.names("flat/box", prefix: "zz") == [])
        let all = try engine.list(BlobPath("flat/box").parent, ListQuery(showsUncommitted: true))
        #expect(all.items.count == 8)
    }
}

@Suite struct PathTests {
    @Test func makesDirectoriesAboveOnHierarchicalAccountsOnly() throws {
        let fixture = Fixture()
        let engine = try fixture.open()
        for account in ["flat", "lake"] {
            try engine.makeContainer("\(account)/box")
            try engine.write("\(account)/box/a/b/c.txt", "x")
        }
        #expect(try engine.names("flat/box") == ["a/b/c.txt"])
        #expect(try engine.names("lake/box") == ["a", "a/b", "a/b/c.txt"])
        #expect(try engine.names("lake/box", delimiter: "/") == ["a/…"])
        #expect(try engine.paths("lake/box", recursive: false) == ["a/"])
        #expect(try engine.paths("flat/box", recursive: false) == ["a/"])
        #expect(try engine.paths("lake/box", "a/b") == ["a/b/c.txt"])
        #expect(fault { _ = try engine.paths("lake/box", "nowhere") } == "PathNotFound")
        #expect(try engine.paths("flat/box", "nowhere") == [])
        #expect(fault { try engine.write("lake/box/a/b", "x") } == "ResourceTypeMismatch")
        #expect(fault { try engine.write("lake/box/a/b/c.txt/d", "x") } == "PathConflict")
        _ = try engine.createPath(BlobPath("lake/box/a-"), isDirectory: true, .none) { _ in }
        #expect(try engine.names("lake/box", delimiter: "/", limit: 1) == ["a-/…", "a/…"])
    }

    @Test func takesAppendsInAnyOrderAndFlushesWithoutGaps() async throws {
        let fixture = Fixture()
        let engine = try fixture.open()
        try engine.makeContainer("lake/box")
        let path = BlobPath("lake/box/f")
        #expect(fault { try engine.appendFile("lake/box/f", 0, "x") } == "BlobNotFound")
        _ = try engine.createPath(path, isDirectory: false, .none) { _ in }
        try engine.appendFile("lake/box/f", 5, "world")
        #expect(
            fault { _ = try engine.flushPath(path, .none, position: 10, retains: false) { _ in } }
                == "InvalidFlushPosition")
        try engine.appendFile("lake/box/f", 0, "HELLO")
        try engine.appendFile("lake/box/f", 0, "hello")
        for wrong in [4, 9, 11] {
            #expect(
                fault { _ = try engine.flushPath(path, .none, position: wrong, retains: false) { _ in } }
                    == "InvalidFlushPosition")
        }
        #expect(
            fault { _ = try engine.flushPath(path, .none, position: 5, retains: false) { _ in } }
                == "InvalidFlushPosition")
        _ = try engine.flushPath(path, .none, position: 5, retains: true) { _ in }
        #expect(try await engine.text("lake/box/f") == "hello")
        #expect(fault { try engine.appendFile("lake/box/f", 3, "x") } == "InvalidFlushPosition")
        _ = try engine.flushPath(path, .none, position: 10, retains: false) { _ in }
        #expect(try await engine.text("lake/box/f") == "helloworld")
        try engine.appendFile("lake/box/f", 10, "!")
        _ = try engine.createPath(path, isDirectory: false, .none) { _ in }
        #expect(try await engine.text("lake/box/f") == "")
        #expect(
            fault { _ = try engine.flushPath(path, .none, position: 11, retains: false) { _ in } }
                == "InvalidFlushPosition")
        try engine.write("lake/box/blob", "made by Blob")
        #expect(fault { try engine.appendFile("lake/box/blob", 12, "x") } == "InvalidFlushOperation")
    }

    @Test func renamesABlobWithoutThoseWhoseNamesBeginWithIts() throws {
        let fixture = Fixture()
        let engine = try fixture.open()
        try engine.makeContainer("flat/box")
        for name in ["a", "a/1", "b/1"] { try engine.write("flat/box/\(name)", name) }
        _ = try engine.rename(BlobPath("flat/box/a"), .none, to: BlobPath("flat/box/b"), .none)
        #expect(try engine.names("flat/box") == ["a/1", "b", "b/1"])
    }

    @Test(arguments: ["flat", "lake"]) func renamesWholeDirectories(account: String) async throws {
        let fixture = Fixture()
        let engine = try fixture.open()
        let box = "\(account)/box"
        try engine.makeContainer(box)
        for name in ["d/1", "d/e/2", "d/e/f/3", "d-x", "other/x"] { try engine.write("\(box)/\(name)", name) }
        let etag = try engine.find(BlobPath("\(box)/d/e/2")).entry.etag
        _ = try engine.rename(BlobPath("\(box)/d"), .none, to: BlobPath("\(box)/new"), .none)
        #expect(
            try engine.paths(box).filter { !$0.hasSuffix("/") } == ["d-x", "new/1", "new/e/2", "new/e/f/3", "other/x"])
        #expect(try await engine.text("\(box)/new/e/f/3") == "d/e/f/3")
        #expect(try engine.find(BlobPath("\(box)/new/e/2")).entry.etag == etag)
        func rename(_ from: String, _ to: String) -> String {
            fault { _ = try engine.rename(BlobPath("\(box)/\(from)"), .none, to: BlobPath("\(box)/\(to)"), .none) }
        }
        #expect(rename("d", "z") == "SourcePathNotFound")
        #expect(rename("new", "new/e/g") == "InvalidRenameSourcePath")
        #expect(rename("new", "other") == "DirectoryNotEmpty")
        #expect(rename("new/1", "d-x") == "nothing")
        #expect(try await engine.text("\(box)/d-x") == "d/1")
        if account == "lake" {
            #expect(rename("new/e/2", "missing/2") == "RenameDestinationParentPathNotFound")
            #expect(rename("d-x", "other") == "InvalidSourceOrDestinationResourceType")
        }
        let createOnly = Guard(conditions: Conditions(noneMatches: ["*"]))
        #expect(
            fault { _ = try engine.rename(BlobPath("\(box)/d-x"), .none, to: BlobPath("\(box)/other/x"), createOnly) }
                == "BlobAlreadyExists")
        #expect(
            fault { try engine.deletePath(BlobPath("\(box)/new"), .none, isRecursive: false) } == "DirectoryNotEmpty")
        try engine.deletePath(BlobPath("\(box)/new"), .none, isRecursive: true)
        #expect(try engine.paths(box).filter { !$0.hasSuffix("/") } == ["d-x", "other/x"])
        // What a restart finds is the same.
        let before = try engine.paths(box)
        await engine.stop()
        #expect(try engine.paths(box) == before)
    }
}

@Suite struct SortedNamesTests {
    @Test func isAsADictionaryInOrder() {
        var generator = SystemRandomNumberGenerator()
        var sorted = SortedNames<Int>()
        var model: [BlobName: Int] = [:]
        for step in 0..<20_000 {
            let name = BlobName(String(UInt16.random(in: 0..<3000, using: &generator), radix: 7))
            if UInt8.random(in: 0..<4, using: &generator) == 0 {
                sorted[name] = nil
                model[name] = nil
            } else {
                sorted[name] = step
                model[name] = step
            }
        }
        var walked: [BlobName] = []
        sorted.walk(from: BlobName("")) { name, value in
            #expect(model[name] == value)
            walked.append(name)
            return true
        }
        #expect(walked == model.keys.sorted())
        #expect(sorted.count == model.count)
    }
}
