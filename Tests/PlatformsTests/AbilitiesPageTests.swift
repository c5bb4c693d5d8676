import Glibc
import Platforms
import Support
import Testing

/// docs/platforms.md says of each platform what the suite has found that it can: `SLUICE_RECORD=1 swift test` writes it anew.
@Suite struct AbilitiesPageTests {
    /// What there is to say, and where it is held against the platform.
    private static let rows: [(words: String, has: @Sendable (PlatformAbilities) -> Bool)] = [
        ("start, find, status, log, cancel; plan, apply, delete, check", { _ in true }),
        ("one id is started once, and found from any process", { _ in true }),
        ("found from any machine", { !$0.keepsHistory }),
        ("jobs are deployed before they are started", \.deploys),
        ("runs from a package, where `packages` is set (`PackagedRunTests`)", { _ in true }),
        ("started by clock or event", \.triggers),
        ("limit of time for one run", \.limitsTime), ("limit of memory for one run", \.limitsMemory),
        ("force is more than asking", \.forces), ("tells the exit code", \.tellsExitCode),
        ("record with rows and steps in the history here", \.keepsHistory), ("a run divided into tasks", \.spreads),
        ("nodes whose number can be set by hand", \.resizes),
    ]

    @Test func thePageSaysWhatEachCanDo() async throws {
        var columns: [(name: String, abilities: PlatformAbilities)] = []
        for place in Place.all {
            let (platform, _) = try await place.make("/tmp")
            columns.append((place.testDescription, platform.abilities))
        }
        var table = "| | \(columns.map(\.name).joined(separator: " | ")) |\n"
        table += "| --- |\(String(repeating: " --- |", count: columns.count))\n"
        for row in Self.rows {
            let words = columns.map { row.has($0.abilities) ? "yes" : "–" }
            table += "| \(row.words) | \(words.joined(separator: " | ")) |\n"
        }
        let page = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined() + "/docs/platforms.md"
        let text = try #require(Self.read(page))
        let parts = text.split(separator: "<!-- abilities -->\n", maxSplits: 1, omittingEmptySubsequences: false)
        try #require(parts.count == 2)
        let end = try #require(parts[1].firstRange(of: "<!-- /abilities -->"))
        if getenv("SLUICE_RECORD") != nil {
            let file = try #require(fopen(page, "w"))
            fputs("\(parts[0])<!-- abilities -->\n\(table)\(parts[1][end.lowerBound...])", file)
            fclose(file)
        } else {
            #expect(parts[1][..<end.lowerBound] == table[...])
        }
    }

    private static func read(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
