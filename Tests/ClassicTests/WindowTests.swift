import Support
import Testing

@testable import Classic

/// What comes of a document does not depend on the pieces in which it arrives.
@Suite struct WindowTests {
    private static let documents: [String] = {
        let rows = (0..<40).map {
            sale([
                "transaction_id": "\"t\($0 % 30)é😀\"", "total": "\(6000 + $0).25",
                "note": "\"a \\u00e9 \\ud83d\\ude00 b\"",
            ])
        }
        let good =
            "\u{20}\r\n {\"batch_id\": [\"x\", 12345.678], \"transactions\" : [ \(rows.joined(separator: " ,\r\n")) ] } \n"
        let wrong = sale(["customer": "null"])
        return [
            good, String(good.dropLast(3)), good + "x", good + String(repeating: " ", count: 500),
            "{\"transactions\": [\(rows[0]), \(wrong), \(rows[1])], \"a\": [\(String(repeating: "1,", count: 200)) tru]}",
            "{\"transactions\": [\(rows[0]), \(wrong)], \"a\": \"\(String(repeating: "b", count: 700))",
            "{\"transactions\": [\(wrong)], \"transactions\": [\(rows[0])], \"a\": {\"b\": {}}}",
            "{\"a\": \"\(String(repeating: "é", count: 300))\\ud83d\\uzzzz\"}",
            "  -12345678901234567890123456789.5e-300  ",
            String(repeating: "[", count: 2000), "{\"a\": [\(String(repeating: "7", count: 4400))]}",
            "{\"transactions\": {  \n\(String(repeating: " ", count: 200))}}", "{}", "[]", "", "\u{feff}{}",
            "{\"transactions\": []}", "{\"transactions\":[\(rows[0])]}",
        ]
    }()

    @Test(arguments: documents.indices)
    func piecesMakeNoDifference(index: Int) async throws {
        let bytes = Array(WindowTests.documents[index].utf8)
        let whole = try await outcome(Pieces(bytes: bytes))
        for size in [1, 2, 3, 7] + Array(64...110) + [500, 1000] {
            let made = try await outcome(Pieces(bytes: bytes, size: size))
            #expect(made.text == whole.text, "pieces of \(size)")
            #expect(made.failure == whole.failure, "pieces of \(size)")
            #expect(made.counts == whole.counts, "pieces of \(size)")
        }
    }

    /// Every place at which a character can be cut off or wrong, at every place in a piece.
    @Test(
        arguments: [
            ([0xe2, 0x82, 0xac], nil), ([0xf0, 0x9f, 0x98, 0x80], nil), ([0xe2, 0x82], "invalid continuation byte"),
            ([0xf0, 0x9f, 0x98], "invalid continuation byte"), ([0xc0, 0x80], "invalid start byte"),
            ([0x80], "invalid start byte"), ([0xed, 0xa0, 0x80], "invalid continuation byte"),
            ([0xf4, 0x90, 0x80, 0x80], "invalid continuation byte"), ([0xff], "invalid start byte"),
        ] as [([UInt8], String?)])
    func charactersMayBeCutByPieces(character: [UInt8], reason: String?) async throws {
        for before in 55...70 {
            let padding = [UInt8](repeating: 0x20, count: before)
            let bytes = padding + Array("{\"a\": \"".utf8) + character + Array("\"} trailing".utf8)
            for size in [1, 64, 65, 1000] {
                let failure = try await outcome(Pieces(bytes: bytes, size: size)).failure
                guard let reason else {
                    #expect(failure?.text.hasPrefix("JSON parsing failed: Extra data") == true)
                    continue
                }
                guard case .unreadable(let text) = failure else {
                    Issue.record("\(String(describing: failure))")
                    continue
                }
                #expect(text.contains("in position \(before + 7)") && text.hasSuffix(reason))
            }
        }
    }

    /// A text that is wrong as JSON early on, and no text at all much later.
    @Test func bytesThatAreNoTextComeBeforeAllElse() async throws {
        let bytes = Array("{x".utf8) + [UInt8](repeating: 0x20, count: 3_000_000) + [0xe2, 0x82]
        #expect(
            try await outcome(Pieces(bytes: bytes)).failure
                == .unreadable("'utf-8' codec can't decode bytes in position 3000002-3000003: unexpected end of data"))
    }

    @Test func workEndsWhenNobodyWantsItAnyMore() async throws {
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await outcome("{}").text
        }
        let error = await #expect(throws: SluiceError.self) { try await task.value }
        #expect(error?.code == .cancelled)
    }
}
