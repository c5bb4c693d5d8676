import Glibc
import Platforms
import Support
import Testing

/// The page of platforms says what each can do as each says it.
@Suite struct AbilityTests {
    private static let rows: [(String, @Sendable (PlatformAbilities) -> Bool)] = [
        ("jobs are deployed first", { $0.deploys }), ("starts jobs by clock and event", { $0.triggers }),
        ("`start --time`", { $0.limitsTime }), ("`start --memory`", { $0.limitsMemory }),
        ("`cancel --force` is more than asking", { $0.forces }), ("tells the exit code", { $0.tellsExitCode }),
        ("divides runs into tasks", { $0.spreads }), ("keeps the record on this machine", { $0.keepsHistory }),
    ]

    @Test func thePageIsRight() async throws {
        var folder = Array("/tmp/sluice-platform-XXXXXX".utf8CString)
        let place = String(cString: try #require(mkdtemp(&folder)))
        defer { removeTree(place) }
        var all: [PlatformAbilities] = []
        for one in Place.all { all.append(try await one.make(place).platform.abilities) }
        let names = PlatformRegistry.standard.kinds.map(\.name)
        #expect(names.count == all.count)
        var lines = ["| | \(names.joined(separator: " | ")) |", "| --- |" + names.map { _ in " --- |" }.joined()]
        for (text, ability) in Self.rows {
            let cells = all.map { ability($0) ? "yes" : "no" }
            lines.append("| \(text) | \(cells.joined(separator: " | ")) |")
        }
        let page = "\(#filePath)".split(separator: "/").dropLast(3).joined(separator: "/")
        let text = try #require(read("/\(page)/docs/platforms.md"))
        let begin = try #require(text.firstRange(of: "<!-- abilities -->\n"))
        let end = try #require(text.firstRange(of: "\n<!-- /abilities -->"))
        #expect(String(text[begin.upperBound..<end.lowerBound]) == lines.joined(separator: "\n"))
    }

    private func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}
