import Support
import Testing

@testable import Tables

@Suite struct PayloadTests {
    private func rewritten(_ text: String, chunk: Int) async throws -> String {
        struct Source: StreamSource {
            let text: String
            let chunk: Int
            var name: String { "test" }
            var streamSize: Int? { text.utf8.count }
            func stream() async throws(SluiceError) -> any ByteStream {
                MemoryStream(Buffer(Array(text.utf8)), chunkSize: chunk)
            }
        }
        let stream = try await PayloadSource(Source(text: text, chunk: chunk), key: "payload").stream()
        var bytes: [UInt8] = []
        while let more = try await stream.next() { bytes += more.bytes }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The same wherever a chunk ends.
    @Test(arguments: [
        (#"{"a": 1}"#, #"{"a": 1}"#), (#"[{"a":[1,"]"]},{"b":"x\"[,"}]"#, #"[{"a":[1,"]"]},{"b":"x\"[,"}]"#),
        ("5", #"{"payload":5}"#), (" true\n", " {\"payload\":true}\n"), (#""a\"b""#, #"{"payload":"a\"b"}"#),
        ("null", "null"), ("", ""), ("[]", "[]"), ("[ ]", "[ ]"),
        (
            "[1, -2.5e3,true , false,null]",
            #"[{"payload":1}, {"payload":-2.5e3},{"payload":true} , {"payload":false},null]"#
        ),
        (
            #"[{"a":1},5,"x, ]",[1,[2]],{"b":[3]}]"#,
            #"[{"a":1},{"payload":5},{"payload":"x, ]"},{"payload":[1,[2]]},{"b":[3]}]"#
        ),
        ("[[],[{}]]", #"[{"payload":[]},{"payload":[{}]}]"#), (#"{"a":1} {"b":2}"#, #"{"a":1} {"b":2}"#),
    ])
    func recordsThatAreNoObjectsStandInOne(_ text: String, _ expected: String) async throws {
        for chunk in 1...(text.utf8.count + 1) { #expect(try await rewritten(text, chunk: chunk) == expected) }
    }
}
