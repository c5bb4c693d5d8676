import Support
import Testing

@testable import Sales

/// Bytes that can be read anywhere, though not all at once.
private struct DirectMemory: StreamSource, DirectAccess {
    let contents: Buffer
    let name: String

    var size: Int { contents.count }
    var streamSize: Int? { contents.count }
    func stream() async throws(SluiceError) -> any ByteStream { MemoryStream(contents, name: name) }

    func read(into target: UnsafeMutableRawBufferPointer, at position: Int) throws(SluiceError) -> Int {
        let count = min(target.count, contents.count - position, 300_000)
        guard count > 0 else { return 0 }
        contents[position..<position + count].withUnsafeBytes { target.copyMemory(from: $0) }
        return count
    }
}

@Suite("Reading by blocks")
struct BlockFeedTests {
    /// What a reading comes to: the report and the rejected records, or the failure.
    private func outcome(_ source: any StreamSource, threads: Int) async -> String {
        let rejects = MemorySink()
        do throws(SluiceError) {
            let partial = try await SalesReading(rules: SalesRules(), threads: threads, now: 1_800_000_000_000_000)
                .read(source, name: source.name, rejects: rejects)
            return try partial.report(at: 0, seconds: 0).json()
                + String(decoding: rejects.contents.bytes, as: UTF8.self)
        } catch {
            return "\(error)"
        }
    }

    private func check(_ text: String, name: String = "b.json", contains: String = "") async {
        let bytes = Buffer(Array(text.utf8))
        #expect(bytes.count > 2 * Feed.pieceSize)
        let streamed = await outcome(MemorySource(bytes, name: name), threads: 1)
        #expect(streamed.contains(contains))
        for threads in [1, 2, 5] {
            let direct = await outcome(DirectMemory(contents: bytes, name: name), threads: threads)
            #expect(direct == streamed, "\(threads) threads")
        }
    }

    private func records(_ count: Int, _ changes: (Int) -> [String: String] = { _ in [:] }) -> [String] {
        (0..<count).map { number in
            var all = changes(number)
            let customer = #"{"customer_id": "C\#(number % 700)", "name": "N\#(number)", "email": "a@b.c"}"#
            all["customer"] = all["customer"] ?? customer
            return Batch.record("T\(number)", all)
        }
    }

    @Test("finds the same as a reading from the front", arguments: [",\n  ", ",", " ,\r\n\t"])
    func documents(separator: String) async {
        let all = records(6000) {
            $0 % 501 == 7 ? ["total": "\"x\""] : $0 % 900 == 3 ? ["transaction_id": "\"twice\""] : [:]
        }
        await check(Batch.document(all, separator: separator), contains: "\"total_transactions\": 6000")
    }

    @Test("goes on over blocks in which no record begins")
    func largeRecords() async {
        let long = String(repeating: "long ", count: 400_000)
        let all = records(4000) { [1000, 1001, 3999].contains($0) ? ["note": "\"\(long)\""] : [:] }
        await check(Batch.document(all), contains: "\"valid_transactions\": 4000")
    }

    @Test("sees where a guess is wrong: records within records, and behind the last one")
    func wrongGuesses() async {
        let inner = records(3).joined(separator: ",\n  ")
        let all = records(5000) { $0 % 10 == 0 ? ["history": "[\(inner)]"] : [:] }
        await check(Batch.document(all), contains: "\"total_transactions\": 5000")
        let quoted = records(5000) { $0 % 10 == 0 ? ["note": #""},\n  {\"transaction_id\": ""#] : [:] }
        await check(Batch.document(quoted), contains: "\"total_transactions\": 5000")
        let document = Batch.document(records(3000)).dropLast()
        await check(document + #", "other": ["# + records(5000).joined(separator: ",\n  ") + "]}", contains: "3000")
        await check(document + #", "other": ""# + String(repeating: "x", count: 3 << 20) + "\"}", contains: "3000")
    }

    @Test("says of a broken input what a reading from the front says")
    func broken() async {
        let document = Batch.document(records(5000))
        await check(String(document.dropLast(2)), contains: "ends before its array")
        await check(String(document.dropLast(700)), contains: "ends before its array")
        await check(document + "x", contains: "x")
        await check(document.replacing("}]}", with: "}}}"))
        await check(document.replacing("\"T2500\"", with: "\"T2500"))
        await check(Batch.document(records(3000) + [""] + records(3000)), contains: "not valid JSON")
    }

    @Test("takes lines, whether the last one ends or not", arguments: ["\n", "\r\n", "\n\n"])
    func lines(separator: String) async {
        let all = records(6000) { $0 % 700 == 5 ? ["status": "1"] : $0 % 701 == 6 ? ["total": "}"] : [:] }
        let text = all.joined(separator: separator)
        await check(text, name: "b.ndjson", contains: "\"total_transactions\": 6000")
        await check(text + separator, name: "b.ndjson", contains: "\"total_transactions\": 6000")
        await check(text, name: "b.json", contains: "\"total_transactions\": 6000")
    }
}
