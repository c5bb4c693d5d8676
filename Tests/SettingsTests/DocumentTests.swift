import Settings
import Support
import Testing

@Suite struct DocumentTests {
    @Test func everyNodeKnowsWhereItStands() throws {
        let (node, problems) = parseDocument("a: 1\nb:\n  - x\n  - {c: 'd'}\n", file: "f.yaml")
        #expect(problems.isEmpty)
        let inner = try #require(node?["b"]?.items.last?["c"])
        #expect(inner.mark == Diagnostic.Mark(file: "f.yaml", line: 4, column: 9))
        #expect(inner.scalar?.literal == "d")
        #expect(inner.scalar?.isPlain == false)
        #expect(node?["a"]?.scalar?.isPlain == true)
    }

    @Test func aNameWrittenTwiceIsReported() throws {
        let (node, problems) = parseDocument("jobs:\n  a: 1\n  a: 2\n", file: "f.yaml")
        #expect(node?["jobs"]?["a"]?.scalar?.literal == "1")
        #expect(problems.map(\.description) == ["f.yaml:3:3: error: \"a\" is written twice in this mapping"])
        #expect(problems.first?.hint == "the first is at line 2; keep one of them")
    }

    @Test func jsonIsReadAsWell() throws {
        let (node, problems) = parseDocument(#"{"a": [1, true, null, "x\n\u00e9"]}"#, file: "f.json")
        #expect(problems.isEmpty)
        let items = try #require(node?["a"]?.items)
        #expect(items.map { $0.scalar?.literal } == ["1", "true", "null", "x\né"])
        #expect(items[2].isNull)
    }

    @Test(arguments: ["a: [1, 2", "a:\n\t- b", "a: b: c", "a: *nowhere", "a: 1\n---\nb: 2", "\u{1}", "? [x]\n: y"])
    func brokenTextIsOneProblemWithAPlace(_ text: String) {
        let (node, problems) = parseDocument(text, file: "f.yaml")
        #expect(node == nil)
        #expect(problems.count == 1)
        #expect(problems.first?.mark.file == "f.yaml")
        #expect(problems.first?.message.isEmpty == false)
    }

    @Test func aliasesCannotSwellADocument() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(items)]\n"
        }
        let (node, problems) = parseDocument(text, file: "f.yaml")
        #expect(node == nil)
        #expect(problems.first?.message == "the document has more than 1000000 nodes")
    }

    @Test func deepNestingEndsInAMessage() {
        let text = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
        let (node, problems) = parseDocument(text, file: "f.yaml")
        #expect(node == nil)
        #expect(problems.first?.message.hasPrefix("nested deeper than") == true)
    }

    @Test func overlaysMergeMappingsAndReplaceTheRest() throws {
        let below = try #require(parseDocument("a: {x: 1, y: [1, 2]}\nb: 2\n", file: "f").node)
        let above = try #require(parseDocument("a: {y: [3], z: 4}\nc: 5\n", file: "f").node)
        let merged = below.overlaid(by: above)
        #expect(merged["a"]?.entries.map(\.key) == ["x", "y", "z"])
        #expect(merged["a"]?["y"]?.items.map { $0.scalar?.literal } == ["3"])
        #expect(merged.entries.map(\.key) == ["a", "b", "c"])
    }
}
