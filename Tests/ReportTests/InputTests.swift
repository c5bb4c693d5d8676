import CStripes
import Glibc
import Storage
import Support
import TestData
import Testing

@testable import Report

/// A folder that goes with the test.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = "/tmp/sluice-report-\(UInt64.random(in: 0 ... .max))"
        try #require(mkdir(path, 0o777) == 0)
    }

    deinit { removeTree(path) }

    /// Writes a file, with the folders on the way.
    func write(_ text: String, to name: String) async throws {
        try await FolderStore(path).write(text, to: name)
    }

    /// The files below, sorted.
    func files(_ folder: String = "") async throws -> [String] { try await FolderStore(path).list(folder) }

    func text(_ name: String) async throws -> String { try await FolderStore(path).text(of: name) }
}

private func removeTree(_ path: String) {
    for name in listing(path) {
        let inner = path + "/" + name
        var status = stat()
        if lstat(inner, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { removeTree(inner) } else { unlink(inner) }
    }
    rmdir(path)
}

private func listing(_ path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}

@Suite("Inputs of a report")
struct InputTests {
    @Test func aFolderStandsForAllFilesOfRecordsInIt() async throws {
        let folder = try Folder()
        for name in ["a.json", "b/c.NDJSON", "b/d.jsonl.gz", "b/e/f.json.zst", "g.csv", "h.json.bak", ".i.json"] {
            try await folder.write("x", to: "in/" + name)
        }
        let found = try await InputFinder.find(["in"], in: folder.path, besides: nil, of: LocalStores())
        #expect(found.map(\.name) == ["in/a.json", "in/b/c.NDJSON", "in/b/d.jsonl.gz", "in/b/e/f.json.zst"])
    }

    @Test func whatLiesInTheOutputIsNotReadAgain() async throws {
        let folder = try Folder()
        for name in ["a.json", "reports/processed_a.json", "reports-old/b.json"] {
            try await folder.write("x", to: name)
        }
        let found = try await InputFinder.find(
            [".", "*/*.json"], in: folder.path, besides: FolderStore("\(folder.path)/reports"), of: LocalStores())
        #expect(found.map(\.name) == ["a.json", "reports-old/b.json"])
    }

    @Test func eachFileCountsOnceHoweverOftenItIsMeant() async throws {
        let folder = try Folder()
        try await folder.write("x", to: "in/a.json")
        let found = try await InputFinder.find(
            ["in", "./in/a.json", "in/*.json", "in/../in//a.json", "\(folder.path)/in/a.json"], in: folder.path,
            besides: nil, of: LocalStores())
        #expect(found.map(\.name) == ["in/a.json"])
    }

    @Test(arguments: [
        ("none.json", "there is no such file"), ("*.json", "no file matches the pattern"),
        ("empty", "there is no file to report on in the folder"),
    ])
    func nothingFoundIsAnError(pattern: String, says: String) async throws {
        let folder = try Folder()
        try await folder.write("x", to: "empty/a.txt")
        let error = await #expect(throws: SluiceError.self) {
            try await InputFinder.find([pattern], in: folder.path, besides: nil, of: LocalStores())
        }
        #expect(error?.message == says)
        #expect(error?.code == .notFound)
    }

    @Test func aStoreHasInputsToo() async throws {
        let stores = try TestStores()
        let folder = try Folder()
        try await folder.write("x", to: "local.json")
        let store = try stores.store(at: "test://sales")
        for name in ["in/a.json", "in/b/c.ndjson.gz", "in/d.csv", "out/processed_a.json", "x.json"] {
            try await store.write("x", to: name)
        }
        let found = try await InputFinder.find(
            ["test://sales", "local.json", "test://sales/in/*.csv", "test://sales/x.json"], in: folder.path,
            besides: try stores.store(at: "test://sales/out"), of: stores)
        #expect(found.map(\.name) == ["in/a.json", "in/b/c.ndjson.gz", "in/d.csv", "local.json", "x.json"])
        #expect(found.map(\.path)[1] == "test://sales/in/b/c.ndjson.gz")
        for nothing in ["test://sales/none", "test://sales/in/*.parquet"] {
            let error = await #expect(throws: SluiceError.self) {
                try await InputFinder.find([nothing], in: folder.path, besides: nil, of: stores)
            }
            #expect(error?.code == .notFound)
        }
    }

    @Test func standardInputStandsAlone() async throws {
        await #expect(throws: SluiceError.self) {
            try await InputFinder.find(["-", "/dev/null"], in: "/", besides: nil, of: LocalStores())
        }
        #expect(try await InputFinder.find(["-"], in: "/", besides: nil, of: LocalStores()).map(\.path) == ["-"])
    }
}

@Suite("Names of reports")
struct ReportNameTests {
    @Test(arguments: [
        ("a/b.c.json", "b.c"), ("sales.ndjson.gz", "sales"), ("x", "x"), (".json", ".json"), ("a\nb.json", "a_b"),
        ("standard input", "standard input"), (String(repeating: "ü", count: 100), String(repeating: "ü", count: 48)),
    ])
    func theStemIsTheNameWithoutFoldersAndEndings(name: String, stem: String) {
        #expect(ReportNames.stem(of: name) == stem)
    }

    @Test func followFromNameContentRulesAndFormat() throws {
        func name(_ name: String, _ content: String, _ rules: String, _ format: ReportFormat) throws -> String {
            try ReportNames(of: name, content: content, rules: rules, format: format).report
        }
        let first = try name("a/x.json", "1", "r", .sales)
        #expect(first.wholeMatch(of: /processed_x_[0-9a-f]{12}\.json/) != nil)
        #expect(try name("a/x.json", "1", "r", .sales) == first)
        let others = [
            try name("b/x.json", "1", "r", .sales), try name("a/x.json", "2", "r", .sales),
            try name("a/x.json", "1", "s", .sales), try name("a/x.json", "1", "r", .classic),
        ]
        #expect(Set(others + [first]).count == 5)
    }

    @Test func ofSeveralInputsDoNotDependOnTheirOrder() throws {
        let one = try ReportNames(combining: [("a", "1"), ("b", "2")], rules: "r")
        #expect(try ReportNames(combining: [("b", "2"), ("a", "1")], rules: "r") == one)
        #expect(try ReportNames(combining: [("a", "2"), ("b", "1")], rules: "r") != one)
        #expect(try ReportNames(combining: [("a1", ""), ("b", "2")], rules: "r") != one)
    }
}

@Suite("Hashes of content")
struct ContentHashTests {
    private func hash(_ bytes: [UInt8], pieces: [Int]) throws -> String {
        var hash = ContentHash()
        var rest = bytes[...]
        for piece in pieces {
            let part = Array(rest.prefix(piece))
            try part.withUnsafeBytes { try hash.update($0) }
            rest = rest.dropFirst(piece)
        }
        try Array(rest).withUnsafeBytes { try hash.update($0) }
        return try hash.finish()
    }

    @Test func doNotDependOnPieces() throws {
        for count in [0, 1, 1023, 1024, 1025, 5000, 70_000, 262_143, 262_144, 262_145, 600_000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ ($0 >> 8)) }
            let whole = try hash(bytes, pieces: [])
            #expect(whole.count == 64)
            for pieces in [[1], [1024], [1000, 24, 1], [1, 1, 1, 2000], [4096, 1023]] {
                #expect(try hash(bytes, pieces: pieces) == whole)
            }
        }
    }

    /// Whoever reads a block hashes it, and the blocks make the hash of the whole.
    @Test(arguments: [1, 262_144, 262_145, 600_000, 1_048_576])
    func areMadeOfThoseOfBlocks(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 131 ^ ($0 >> 13)) }
        let blocks = try bytes.withUnsafeBytes { bytes in
            try stride(from: 0, to: count, by: ContentHash.blockSize).map { start in
                let block = bytes[start..<min(start + ContentHash.blockSize, count)]
                return try ContentHash.hash(block: UnsafeRawBufferPointer(rebasing: block))
            }
        }
        #expect(try ContentHash.hash(blocks, length: count) == hash(bytes, pieces: [1000]))
        if blocks.count > 1 {
            #expect(try ContentHash.hash(blocks.reversed(), length: count) != hash(bytes, pieces: []))
        }
    }

    @Test func tellEveryChangeOfAByteAndOfTheLength() throws {
        let bytes = [UInt8](repeating: 7, count: 3000)
        var seen: Set<String> = [try hash(bytes, pieces: [])]
        for place in stride(from: 0, to: 3000, by: 61) {
            var other = bytes
            other[place] ^= 1
            #expect(seen.insert(try hash(other, pieces: [])).inserted)
        }
        for count in [2047, 2048, 2049, 3001] {
            #expect(seen.insert(try hash([UInt8](repeating: 7, count: count), pieces: [])).inserted)
        }
    }

    /// The same by the book, one chain after the other.
    @Test func areChainsOfBlake3sCompression() {
        let bytes = (0..<3072).map { UInt8(truncatingIfNeeded: $0 &* $0 &+ 17) }
        var state = sluice_stripes()
        sluice_stripes_begin(&state)
        sluice_stripes_take(&state, bytes, 3)
        let found = withUnsafeBytes(of: state.words) { Array($0.bindMemory(to: UInt32.self)) }
        for lane in 0..<16 {
            var chain = Blake3.start
            for row in 0..<3 {
                let words = (0..<16).map { line in
                    (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[row * 1024 + line * 64 + lane * 4 + $1]) << ($1 * 8) }
                }
                chain = Blake3.compress(chain, words, counter: UInt64(row))
            }
            #expect((0..<8).map { found[$0 * 16 + lane] } == chain)
        }
    }
}

/// The compression function as the specification of BLAKE3 writes it.
private enum Blake3 {
    static let start: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]

    static func compress(_ chain: [UInt32], _ block: [UInt32], counter: UInt64) -> [UInt32] {
        var v = chain + start[0..<4] + [UInt32(truncatingIfNeeded: counter), UInt32(counter >> 32), 64, 0]
        var m = block
        func rotate(_ value: UInt32, _ count: UInt32) -> UInt32 { value >> count | value << (32 - count) }
        func mix(_ a: Int, _ b: Int, _ c: Int, _ d: Int, _ x: UInt32, _ y: UInt32) {
            v[a] = v[a] &+ v[b] &+ x
            v[d] = rotate(v[d] ^ v[a], 16)
            v[c] = v[c] &+ v[d]
            v[b] = rotate(v[b] ^ v[c], 12)
            v[a] = v[a] &+ v[b] &+ y
            v[d] = rotate(v[d] ^ v[a], 8)
            v[c] = v[c] &+ v[d]
            v[b] = rotate(v[b] ^ v[c], 7)
        }
        for _ in 0..<7 {
            for column in 0..<4 { mix(column, column + 4, column + 8, column + 12, m[2 * column], m[2 * column + 1]) }
            for diagonal in 0..<4 {
                mix(
                    diagonal, 4 + (diagonal + 1) % 4, 8 + (diagonal + 2) % 4, 12 + (diagonal + 3) % 4,
                    m[8 + 2 * diagonal], m[9 + 2 * diagonal])
            }
            m = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8].map { m[$0] }
        }
        return (0..<8).map { v[$0] ^ v[$0 + 8] }
    }
}
