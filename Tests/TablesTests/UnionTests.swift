import Columns
import Storage
import Support
import Tables
import Testing
import TextFormats

/// A file in memory.
struct MemoryFile: InputFile {
    let source: MemorySource

    init(_ text: String, name: String) { source = MemorySource(Buffer(Array(text.utf8)), name: name) }

    var identity: FileIdentity? { nil }
    var name: String { source.name }
    var streamSize: Int? { source.streamSize }
    func stream() async throws(SluiceError) -> any ByteStream { try await source.stream() }
    func randomAccess() async throws(SluiceError) -> any RandomAccess { source }
}

/// What `texts`, converted together, look like as `format`, and the types that were found.
private func convert(
    _ texts: [String], as input: FileFormat = .csv, to format: FileFormat = .csv, shape: TableShape = .init(),
    reading: (inout TableReadOptions) -> Void = { _ in }
) async throws -> (text: String, summary: ConversionSummary) {
    var options = TableReadOptions()
    options.format = input
    reading(&options)
    let sink = MemorySink()
    let output = try TableOutput("out.\(format.rawValue)") { () throws(SluiceError) in sink }
    let files = texts.enumerated().map { MemoryFile($1, name: "\($0).\(input.rawValue)") }
    let summary = try await Convert.run(files, output, reading: options, shape: shape)
    return (String(decoding: try #require(sink.contents).bytes, as: UTF8.self), summary)
}

extension ConversionSummary {
    fileprivate var types: [String] { schema.fields.map { "\($0.name): \($0.type)" } }
}

@Suite struct UnionTests {
    @Test func columnsAreMatchedByNameAndMissingOnesAreNull() async throws {
        let (text, summary) = try await convert(["a,b\n1,x\n", "b,c\ny,true\n"])
        #expect(text == "a,b,c\n1,x,\n,y,true\n")
        #expect(summary.types == ["a: int64", "b: utf8", "c: bool"])
        #expect(summary.files == 2)
        #expect(summary.rows == 2)
    }

    @Test func wholeNumbersAndFractionsAreFloatsTogether() async throws {
        let (text, summary) = try await convert(["a\n1\n2\n", "a\n1.5\n"])
        #expect(summary.types == ["a: float64"])
        #expect(text == "a\n1.0\n2.0\n1.5\n")
        #expect(summary.restarts == 0)
    }

    @Test func numbersThatAreNotExactTogetherStayAsTheyAreWritten() async throws {
        let (text, summary) = try await convert(["a\n9007199254740993\n", "a\n1.50\n"])
        #expect(summary.types == ["a: utf8"])
        #expect(text == "a\n9007199254740993\n1.50\n")
    }

    @Test(arguments: [["a\n1.50\n", "a\nx\n"], ["a\nx\n", "a\n1.50\n"]])
    func textIsKeptAsItIsWritten(_ texts: [String]) async throws {
        let (text, summary) = try await convert(texts)
        #expect(summary.types == ["a: utf8"])
        #expect(Set(text.split(separator: "\n")) == ["a", "x", "1.50"])
    }

    @Test(arguments: [["a,b\n,1\n", "a,b\n7,2\n"], ["a,b\n7,2\n", "a,b\n,1\n"]])
    func columnWithoutValuesTakesTheTypeOfTheOthers(_ texts: [String]) async throws {
        let (_, summary) = try await convert(texts)
        #expect(summary.types == ["a: int64", "b: int64"])
    }

    @Test func columnWithoutValuesAnywhereIsText() async throws {
        let (text, summary) = try await convert(["a,b\n,1\n", "a,b\n,2\n"])
        #expect(summary.types == ["a: utf8", "b: int64"])
        #expect(text == "a,b\n,1\n,2\n")
    }

    @Test(arguments: [0, 1, 2])
    func lateWideningInAnyFileStartsAgainOnce(file: Int) async throws {
        var texts = (0..<3).map { file in
            "a,b\n" + (0..<2000).map { "\(file * 10_000 + $0),x" }.joined(separator: "\n") + "\n"
        }
        texts[file] += "1.5,y\n"
        let (text, summary) = try await convert(texts) { $0.csv.chunkBytes = 1024 }
        #expect(summary.types == ["a: float64", "b: utf8"])
        #expect(summary.rows == 6001)
        #expect(text.split(separator: "\n").count == 6002)
        #expect(text.contains("\n1.5,y\n") || text.hasSuffix("\n1.5,y\n"))
    }

    @Test func lateTextIsKeptAsItIsWrittenInEveryFile() async throws {
        let numbers = "a\n" + (0..<3000).map { "\($0).50" }.joined(separator: "\n") + "\n"
        let (text, summary) = try await convert([numbers, numbers + "end\n"]) { $0.csv.chunkBytes = 1024 }
        #expect(summary.types == ["a: utf8"])
        #expect(text == numbers + String(numbers.dropFirst(2)) + "end\n")
    }

    @Test func lateKeyInJSONIsKept() async throws {
        let records = (0..<3000).map { "{\"id\":\($0)}\n" }.joined()
        let (text, summary) = try await convert([records + "{\"id\":3000,\"late\":[1,2]}\n"], as: .ndjson, to: .ndjson)
        {
            $0.json.chunkBytes = 1024
        }
        #expect(summary.types == ["id: int64", "late: list<item: int64>"])
        #expect(summary.restarts == 1)
        #expect(text.hasSuffix("{\"id\":3000,\"late\":[1,2]}\n"))
    }

    @Test func arraysOnLinesAreRecords() async throws {
        let (text, summary) = try await convert(["[1,2]\n[3]\n"], as: .ndjson, to: .ndjson)
        #expect(summary.types == ["value: list<item: int64>"])
        #expect(text == "{\"value\":[1,2]}\n{\"value\":[3]}\n")
    }

    @Test func nestedValuesAreJSONTextInCSV() async throws {
        let (text, _) = try await convert(["[{\"id\":1,\"tags\":[\"a\",\"b\"],\"at\":{\"x\":1.5}}]"], as: .json)
        #expect(text == "id,tags,at\n1,\"[\"\"a\"\",\"\"b\"\"]\",\"{\"\"x\"\":1.5}\"\n")
    }

    @Test func filesOfDifferentFormatsGoTogether() async throws {
        let sink = MemorySink()
        let output = try TableOutput("o.ndjson") { () throws(SluiceError) in sink }
        let files = [
            MemoryFile("id\n1\n", name: "a.csv"), MemoryFile("{\"id\":2.5}", name: "b"),
            MemoryFile("id\n3\n", name: "c.tsv"),
        ]
        let summary = try await Convert.run(files, output)
        #expect(summary.inputFormats == [.csv, .json, .tsv])
        #expect(
            String(decoding: try #require(sink.contents).bytes, as: UTF8.self)
                == "{\"id\":1.0}\n{\"id\":2.5}\n{\"id\":3.0}\n")
    }

    @Test func givenSchemaIsObeyedAndNeverWidened() async throws {
        let schema = try Schema(parsing: "zip: utf8, n: int32")
        let (text, summary) = try await convert(["zip,n\n01234,1\n"]) { $0.schema = schema }
        #expect(summary.types == ["zip: utf8", "n: int32"])
        #expect(text == "zip,n\n01234,1\n")
        await #expect(throws: SluiceError.self) {
            try await convert(["zip,n\n01234,1.5\n"]) { $0.schema = schema }
        }
    }

    @Test func columnsRenamesAndLimitShapeTheOutput() async throws {
        let shape = TableShape(columns: ["c", "a"], renames: [("a", "z")], rowLimit: 1)
        let (text, _) = try await convert(["a,b,c\n1,2,3\n4,5,6\n"], shape: shape)
        #expect(text == "c,z\n3,1\n")
    }

    @Test func emptyFileIsATableWithoutRows() async throws {
        let (text, summary) = try await convert(["a,b\n", "a,b\n1,2\n"])
        #expect(text == "a,b\n1,2\n")
        #expect(summary.types == ["a: int64", "b: int64"])
    }
}
