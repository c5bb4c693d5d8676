import Glibc
import Support
import Testing

@testable import Storage

@Suite struct GlobTests {
    @Test(arguments: [
        ("*.csv", ["a.csv", "b.csv"]),
        ("?.csv", ["a.csv", "b.csv"]),
        ("[a-b].csv", ["a.csv", "b.csv"]),
        ("[!a].csv", ["b.csv"]),
        ("[^a].csv", ["b.csv"]),
        ("{b,a}.csv", ["a.csv", "b.csv"]),
        ("{a,sub/{x,y}}.csv", ["a.csv", "sub/x.csv"]),
        ("*", ["a.csv", "b.csv", "ü.txt"]),
        ("?.txt", ["ü.txt"]),
        (".*", [".hidden.csv"]),
        ("*/*.csv", ["sub/x.csv"]),
        ("**/*.csv", ["a.csv", "b.csv", "sub/deep/z.csv", "sub/x.csv"]),
        ("sub/**", ["sub/deep/z.csv", "sub/x.csv"]),
        ("sub/**/deep/*.csv", ["sub/deep/z.csv"]),
        ("./*.csv", ["./a.csv", "./b.csv"]),
    ])
    func expands(_ pattern: String, expected: [String]) async throws {
        try await withTree { folder in
            let found = try Glob.expand(folder + "/" + pattern)
            #expect(found == expected.map { folder + "/" + $0 })
        }
    }

    @Test func aFolderThatIsEmptyTodayHasNoMatches() async throws {
        try await withFolder { folder in
            let found = try Glob.matches(of: folder + "/*.csv")
            #expect(found == [])
            #expect(throws: SluiceError.self) { try Glob.matches(of: folder + "/missing/*.csv") }
            #expect(throws: SluiceError.self) { try Glob.expand(folder + "/*.csv") }
        }
    }

    @Test func wildcardsInANameCanBeTakenLiterally() async throws {
        try await withFolder { folder in
            try put("", at: folder + "/a[1]{x,y}*.csv")
            try put("", at: folder + "/a1x.csv")
            let pattern = Glob.literal(folder + "/a[1]{x,y}*.csv")
            let found = try Glob.matches(of: pattern)
            #expect(found == [folder + "/a[1]{x,y}*.csv"])
        }
    }

    @Test func literalFileWins() async throws {
        try await withFolder { folder in
            try put("", at: folder + "/[a].csv")
            try put("", at: folder + "/a.csv")
            #expect(try Glob.expand(folder + "/[a].csv") == [folder + "/[a].csv"])
            #expect(try Glob.expand(folder + "/\\[*.csv") == [folder + "/[a].csv"])
        }
    }

    @Test func plainNameIsNotLookedUp() throws {
        #expect(try Glob.expand("nowhere.csv") == ["nowhere.csv"])
    }

    @Test func noMatchIsAnError() async throws {
        try await withTree { folder in
            let error = #expect(throws: SluiceError.self) { try Glob.expand(folder + "/*.parquet") }
            #expect(error?.code == .notFound)
            let other = #expect(throws: SluiceError.self) { try Glob.expand(folder + "/none/*.csv") }
            #expect(other?.hint == "The folder '\(folder)/none/' does not exist.")
        }
    }

    @Test func linksToFoldersAreNotFollowedInCircles() async throws {
        try await withTree { folder in
            symlink(folder, folder + "/sub/circle")
            let found = try Glob.expand(folder + "/**/z.csv")
            #expect(found == [folder + "/sub/deep/z.csv"])
        }
    }

    @Test func manyStarsTakeNoTime() {
        let name = [UInt8](repeating: UInt8(ascii: "a"), count: 250)
        let pattern = Array((String(repeating: "*a", count: 100) + "b").utf8)
        #expect(!Glob.matches(name, pattern))
    }

    @Test(arguments: ["[", "[a", "a[", "\\", "{", "{a", "{a,b", "}", "[]", "[!", "*[a-", "{,}{,}"])
    func brokenPatternsAreHarmless(_ pattern: String) throws {
        for alternative in try Glob.alternatives(of: pattern) {
            _ = Glob.matches(Array("abc".utf8), Array(alternative.utf8))
        }
    }

    @Test func bracesThatExplodeAreRefused() {
        #expect(throws: SluiceError.self) {
            try Glob.alternatives(of: String(repeating: "{a,b}", count: 40))
        }
    }

    private func withTree(_ body: (String) async throws -> Void) async throws {
        try await withFolder { folder in
            mkdir(folder + "/sub", 0o700)
            mkdir(folder + "/sub/deep", 0o700)
            for name in ["a.csv", "b.csv", "ü.txt", ".hidden.csv", "sub/x.csv", "sub/deep/z.csv"] {
                try put("", at: folder + "/" + name)
            }
            try await body(folder)
        }
    }
}
