import Azure
import Glibc
import Storage
import Support
import Testing

@testable import Stores

@Suite struct CopyNameTests {
    @Test(arguments: [
        "../x", "a/../../x", "/etc/passwd", "a\u{0}b", "a//b", "..", "", "./x", "a\\..\\b", "C:x", "c:/x", "a\nb", "a/",
    ])
    func namesThatLeadElsewhereAreRefused(name: String) {
        #expect(throws: SluiceError.self) { try CopyName.check(name, for: FolderStore("/tmp/out")) }
    }

    @Test(arguments: ["a", "a/b.csv", "..a", "a..", "...", "a b/c", "é/ü", "ab:c", "1:", "a?b*"])
    func ordinaryNamesAreNot(name: String) throws { try CopyName.check(name, for: FolderStore("/tmp/out")) }

    @Test func linksOutOfTheFolderAreNotFollowed() throws {
        let folder = Scratch()
        mkdir(folder.path + "/out", 0o777)
        mkdir(folder.path + "/elsewhere", 0o777)
        mkdir(folder.path + "/out/real", 0o777)
        symlink("../elsewhere", folder.path + "/out/sub")
        symlink("/etc/passwd", folder.path + "/out/file")
        symlink("real", folder.path + "/out/inside")
        let store = FolderStore(folder.path + "/out")
        #expect(throws: SluiceError.self) { try CopyName.checkLinks("sub/x", in: store) }
        #expect(throws: SluiceError.self) { try CopyName.checkLinks("file", in: store) }
        try CopyName.checkLinks("inside/x", in: store)
        try CopyName.checkLinks("real/x", in: store)
        try CopyName.checkLinks("new/x", in: store)
    }
}

@Suite struct PathPatternTests {
    @Test(arguments: [
        ("*.csv", "a.csv", true), ("*.csv", "in/a.csv", false), ("**/*.csv", "a.csv", true),
        ("**/*.csv", "in/deep/a.csv", true), ("in/**/a.csv", "in/a.csv", true), ("in/**", "in/x/y", true),
        ("in/**", "out/x", false), ("in/{a,b}/*.json", "in/b/x.json", true), ("in/{a,b}/*.json", "in/c/x.json", false),
        ("**", "a/b/c", true), ("*", ".hidden", false), (".*", ".hidden", true), ("**/x", "a/.b/x", false),
        ("a\\*b", "a*b", true), ("[a-c]?/x", "b1/x", true), ("**/**/**/x", "x", true),
    ])
    func patternsFitPaths(pattern: String, path: String, fits: Bool) throws {
        #expect(try PathPattern(pattern).fits(path) == fits)
    }

    @Test(arguments: [
        ("in/2026/*.csv", "in/2026", false), ("*.csv", "", false), ("in/**/x", "in", true), ("a*/b", "", true),
    ])
    func theFolderToListIsKnown(pattern: String, folder: String, isDeep: Bool) throws {
        #expect(try PathPattern(pattern).folder == folder)
        #expect(try PathPattern(pattern).reachesDeeper == isDeep)
    }

    /// Patterns that take forever elsewhere.
    @Test func manyStarsTakeLittleTime() throws {
        let pattern = try PathPattern(Array(repeating: "**/*a*", count: 30).joined(separator: "/") + "/b")
        let path = Array(repeating: "aaaaaaaaaa", count: 200).joined(separator: "/")
        #expect(!pattern.fits(path))
    }
}

@Suite struct ChecksumTests {
    @Test func checksumsOfPiecesMakeThatOfTheWhole() {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 5) }
        let whole = CRC64.of(Buffer(bytes)).value
        for cut in [0, 1, 7, 4096, 65_535, 99_999, 100_000] {
            let first = CRC64.of(Buffer(Array(bytes[..<cut]))).value
            let second = CRC64.of(Buffer(Array(bytes[cut...]))).value
            #expect(CRC64.combined(first, second, secondCount: bytes.count - cut) == whole)
        }
        #expect(CRC64.of(Buffer(Array("123456789".utf8))).value == 0xae8b_1486_0a79_9888)
        #expect(CRC64.value(of: CRC64.bytes(of: whole)) == whole)
    }
}

/// A folder of a test's own, gone with it.
final class Scratch: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/sluice-stores-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }

    deinit { _ = system("rm -rf '\(path)'") }
}
