import Columns
import Support
import Testing

@testable import TextFormats

@Suite struct JSONHostileTests {
    static let document =
        #"{"id":1,"name":"a\"b\\","list":[1,2.5,-3e2],"s":{"t":true,"n":null}} "# + "\n"
        + #"{"id":-2,"name":"é😀\u20ac","list":[],"s":{"t":false,"n":"x"}}"#

    @Test(arguments: ["[}", "[{\"a\":1}}", "[{\"a\":1},{\"a\":2} }\n"])
    func anArrayThatEndsInABraceIsAnError(_ text: String) async throws {
        for size in [1, 1 << 20] {
            let error = await failure { _ = try await readJSON(Array(text.utf8), .chunks(size)) }
            #expect(error?.message == "the array ends in a brace")
            #expect(error?.place.offset == text.utf8.count - (text.hasSuffix("\n") ? 2 : 1))
        }
    }

    @Test func everyCutOffArrayIsAnError() async throws {
        let bytes = Array("[\(JSONHostileTests.document.replacing("} \n{", with: "} \n,{"))]".utf8)
        for length in 1..<bytes.count {
            for size in [1, 1 << 20] {
                let error = await failure { _ = try await readJSON(Array(bytes[..<length]), .chunks(size)) }
                #expect(error != nil, "cut to \(length) bytes")
                #expect((error?.place.offset ?? 0) <= length)
            }
        }
    }

    @Test func cutOffLinesAreAnErrorUnlessARecordEndsThere() async throws {
        let bytes = Array(JSONHostileTests.document.utf8)
        for length in 1..<bytes.count {
            let error = await failure { _ = try await readJSON(Array(bytes[..<length])) }
            let endsRecord = bytes[..<length].reversed().first { $0 != 0x20 && $0 != 0x0a } == UInt8(ascii: "}")
            if !endsRecord { #expect(error != nil, "cut to \(length) bytes") }
        }
    }

    @Test(arguments: ["[", "{\"a\":", "[{\"a\":"])
    func manyBracketsAreAnErrorNotACrash(_ opening: String) async throws {
        let text = String(repeating: opening, count: 1_000_000 / opening.count)
        for nested in [JSONOptions.Nested.keep, .json] {
            var options = JSONOptions()
            options.nested = nested
            let error = await failure { _ = try await readJSON(text, options) }
            #expect(error?.code == .limitExceeded)
            #expect(error?.message.contains("deeper than 1024") == true)
        }
        let schema = Schema([Field("a", .json)])
        let error = await failure { _ = try await readJSON("{\"a\":" + text, schema: schema) }
        #expect(error?.code == .limitExceeded)
    }

    @Test(arguments: ["{\"a\":\"\u{1}\"}", "{\"a\":[{\"b\":\"open}", "\"\u{1}\""])
    func whatIsWrongBeforeParsingBeginsNamesItsRecord(_ bad: String) async throws {
        for before in ["{\"a\":\"x\\\"[\"}", "[{},{}]", "\"{\"", "12", "null"] {
            for count in [0, 1, 5] {
                let start = String(repeating: before + "\n", count: count)
                var options = JSONOptions()
                options.layout = .lines
                let error = await failure { _ = try await readJSON(start + bad + "\n{}", options) }
                #expect(error?.place.row == count + 1, "\(count) times \(before)")
                let items = String(repeating: before + ",", count: count)
                let inArray = await failure { _ = try await readJSON("[\(items)\(bad),{}]") }
                #expect(inArray?.place.row == count + 1, "\(count) times \(before) in an array")
            }
        }
        let invalid = await failure { _ = try await readJSON(Array("1 2\n3\n\"".utf8) + [0xff, 0x22]) }
        #expect(invalid?.place.row == 4)
        #expect(invalid?.place.offset == 7)
    }

    @Test func aRecordBeyondTheLimitIsAnError() async throws {
        var options = JSONOptions.chunks(64 << 10)
        options.limits.maxRecordBytes = 1 << 20
        let endless = "{\"a\":1}\n{\"a\":\"" + String(repeating: "x", count: 8 << 20)
        let error = await failure { _ = try await readJSON(endless, options) }
        #expect(error?.code == .limitExceeded)
        #expect(error?.message.hasPrefix("a record is larger than") == true)
        // What is wrong with the text is said rather than that the limit was reached because of it.
        let broken = "{\"a\":1}\n{\"a\":\"x}\n" + String(repeating: "{\"a\":1}\n", count: 1 << 18)
        let reason = await failure { _ = try await readJSON(broken, options) }
        #expect(reason?.message == "a control character stands in a string without being escaped")
        #expect(reason?.place.offset == 16)
        #expect(reason?.place.row == 2)
    }

    @Test(arguments: [
        ("{\"a\":1}\n{\"a\":01}", "01 is not a number", 13), ("{\"a\":1.}", "1. is not a number", 5),
        ("{\"a\":-}", "- is not a number", 5), ("{\"a\":1e}", "1e is not a number", 5),
        ("{\"a\":.5}", "unexpected .5", 5), ("{\"a\":+1}", "unexpected +1", 5), ("{\"a\":NaN}", "unexpected NaN", 5),
        ("{\"a\":tru}", "unexpected tru", 5), ("{\"a\":truex}", "unexpected truex", 5),
        ("{\"a\":nul", "unexpected nul", 5), ("{\"a\" 1}", "unexpected 1", 5), ("{a:1}", "unexpected a", 1),
        ("{\"a\":1,}", "unexpected }", 7), ("{,}", "unexpected ,", 1), ("[1,]", "unexpected ]", 3),
        ("[,1]", "unexpected ,", 1), ("[1,,2]", "unexpected ,", 3), ("[1 2]", "unexpected 2", 3),
        ("{\"a\":1}}", "unexpected }", 7), ("{\"a\":[1}", "unexpected }", 7), ("1,2", "unexpected ,", 1),
        ("{\"a\":\"\\x\"}", "\\x\" is not an escape", 6), ("{\"a\":\"\\u12g4\"}", "\\u12g4\" is not an escape", 6),
        ("{\"a\":\"b", "a string begins here and does not end", 5),
        ("{\"a\":1", "the text ends in the middle of a value", 6),
        ("[{\"a\":1},", "the text ends in the middle of a value", 9), ("{\"a\":1\0}", "1 is not a number", 5),
        ("[1] x", "text follows the end of the array", 4),
        ("{\"a\":\"\u{1}\"}", "a control character stands in a string without being escaped", 6),
    ])
    func brokenTextIsAnErrorThatSaysWhere(_ text: String, _ message: String, _ offset: Int) async throws {
        for size in [1, 1 << 20] {
            let error = await failure { _ = try await readJSON(text, .chunks(size)) }
            #expect(error?.message == message, "\(text)")
            #expect(error?.place.offset == offset, "\(text)")
            #expect(error?.code == .invalidData)
        }
    }

    @Test func whatIsNotUTF8IsAnError() async throws {
        let sequences: [[UInt8]] = [
            [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0x80],
        ]
        for sequence in sequences {
            let bytes = Array("{\"a\":\"x".utf8) + sequence + Array("y\"}".utf8)
            let error = await failure { _ = try await readJSON(bytes) }
            #expect(error?.message == "the text is not UTF-8")
            #expect(error?.place.offset == 7)
        }
        let wide: [UInt8] = [0xff, 0xfe] + "{\"a\":1}".utf8.flatMap { [$0, 0] }
        for bytes in [wide, Array(wide.dropFirst(2)), [0, 0x7b, 0, 0x7d]] {
            let error = await failure { _ = try await readJSON(bytes) }
            #expect(error?.code == .unsupported)
            #expect(error?.hint?.contains("iconv") == true)
        }
    }

    @Test func halfASurrogatePairIsAnErrorUnlessItStaysJSON() async throws {
        let text = #"{"a":"x\ud800y"}"#
        let error = await failure { _ = try await readJSON(text) }
        #expect(error?.place.offset == 7)
        let read = try await readJSON(text, schema: Schema([Field("a", .json)]))
        #expect(read.rows == [[.text(#""x\ud800y""#)]])
    }

    @Test func brokenTextReadsTheSameHoweverItIsCut() async throws {
        var random = TestRandom(seed: 11)
        let original = Array(JSONHostileTests.document.utf8)
        let array = Array("[\(JSONHostileTests.document.replacing("} \n{", with: "} \n,{"))]".utf8)
        let replacements = Array("{}[]\",:\\ \n01-.eEtfnu\u{0}\u{1f}\u{ff}".utf8)
        var failures = 0
        for round in 0..<600 {
            var bytes = round % 2 == 0 ? original : array
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = replacements.randomElement(using: &random) ?? 0
                case 1: bytes.remove(at: place)
                default: bytes.insert(replacements.randomElement(using: &random) ?? 0, at: place)
                }
            }
            var results: [[[Value]]?] = []
            for size in [1, 50, 1 << 20] { results.append(try? await readJSON(bytes, .chunks(size)).rows) }
            #expect(results[0] == results[1] && results[1] == results[2], "\(String(decoding: bytes, as: UTF8.self))")
            if results[0] == nil { failures += 1 }
        }
        #expect(failures > 300)
    }

    @Test func aGivenSchemaHoldsEveryValueToIt() async throws {
        func error(_ text: String, _ type: DataType, nullable: Bool = true) async -> SluiceError? {
            await failure {
                _ = try await readJSON(
                    "{\"o\":{\"v\":[]}}\n{\"o\":{\"v\":[null]}}\n{\"o\":{\"v\":[\(text)]}}", .chunks(1),
                    schema: Schema([
                        Field("o", .structure([Field("v", .list(Field("item", type, nullable: nullable)))]))
                    ]))
            }
        }
        let cases: [(String, DataType, String)] = [
            ("1.5", .int64, "1.5 does not fit int64"), ("128", .int8, "128 does not fit int8"),
            ("-1", .uint16, "-1 does not fit uint16"), ("\"x\"", .float64, "\"x\" does not fit float64"),
            ("1e39", .float32, "1e39 does not fit float32"),
            ("1.005", .decimal(precision: 5, scale: 2), "1.005 does not fit decimal(5,2)"),
            ("1", .bool, "1 does not fit bool"), ("[1]", .utf8, "[ does not fit utf8"),
            ("\"2023-02-29\"", .date, "\"2023-02-29\" does not fit date"),
            ("\"xyz\"", .uuid, "\"xyz\" does not fit uuid"), ("\"a\"", .binary, "\"a\" does not fit binary"),
            ("{}", .list(Field("item", .int8)), "{ does not fit list<item: int8>"),
        ]
        for (text, type, message) in cases {
            let error = await error(text, type)
            #expect(error?.code == .conversion)
            #expect(error?.message.hasPrefix(message) == true, "\(String(describing: error))")
            #expect(error?.place.row == 3)
            #expect(error?.place.column?.hasPrefix("o.v.item") == true)
            #expect((error?.place.offset ?? 0) >= 34)
        }
        let missing = await failure {
            _ = try await readJSON("{\"a\":1}\n{}", schema: Schema([Field("a", .int8, nullable: false)]))
        }
        #expect(missing?.place.row == 2)
        #expect(missing?.message == "a value is missing that the schema demands")
        var options = JSONOptions()
        options.unknownKeys = .error
        let unknown = await failure {
            _ = try await readJSON("{\"a\":1,\"b\":2}", options, schema: Schema([Field("a", .int8)]))
        }
        #expect(unknown?.message == "the schema does not know the key \"b\"")
    }

    @Test func recordsThatLackMostKeysStayWithinMemory() async throws {
        var options = JSONOptions()
        options.limits.maxMissingValues = 1000
        let keys = (0..<100).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        let text = "[{\(keys)}\(String(repeating: ",{}", count: 100)),{\"k7\":1}]"
        let reader = try await JSONReader.open(MemorySource(Buffer(Array(text.utf8))), options: options)
        var rows = 0
        var batches = 0
        var last: RecordBatch?
        while let batch = try await reader.next() {
            rows += batch.rowCount
            batches += 1
            #expect(batch.rowCount <= 12)
            last = batch
        }
        #expect(rows == 102)
        #expect(batches >= 9)
        #expect(last?.columns[7].value(at: (last?.rowCount ?? 1) - 1) == .int(1))
        // One record cannot be cut, so it is refused when it would become too large.
        let record = "{\"a\":[{\(keys)}\(String(repeating: ",{}", count: 200))]}"
        let error = await failure { _ = try await readJSON(record, options) }
        #expect(error?.code == .limitExceeded)
        #expect(error?.message == "a record takes too much memory as columns")
    }
}
