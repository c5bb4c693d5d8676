import Tables
import Testing

@Suite struct FileFormatTests {
    @Test(arguments: [
        ("a.csv", FileFormat.csv), ("A.CSV", .csv), ("x.y.tsv", .tsv), ("t.tab", .tsv), ("j.json", .json),
        ("n.ndjson", .ndjson), ("n.jsonl", .ndjson), ("p.parquet", .parquet), ("p.pq", .parquet),
    ])
    func namesTell(_ name: String, format: FileFormat) { #expect(FileFormat(fileName: name) == format) }

    @Test(arguments: ["", "csv", "a.", "a.txt", "a.csv.gz", ".", "folder.csv/file"])
    func otherNamesDoNot(_ name: String) { #expect(FileFormat(fileName: name) == nil) }

    @Test(arguments: [
        ("PAR1\u{15}\u{4}", FileFormat.parquet),
        ("a,b\n1,2\n", .csv),
        ("a\tb\n1,5\t2\n", .tsv),
        ("a;b,c\td\n", .csv),
        ("\u{feff}a,b\n", .csv),
        ("plain", .csv),
        ("[{\"a\":1}]", .json),
        (" \n[]", .json),
        ("{\"a\":1}", .json),
        ("{\"a\":{\"b\":\"}\\\"\"}}\n{\"a\":2}\n", .ndjson),
        ("{\"a\":1}{\"a\":2}", .ndjson),
        ("{\n  \"a\": 1\n}", .json),
        ("\u{feff}{\"a\":1}\n{\"a\":2}", .ndjson),
        ("{\"a\": \"long", .ndjson),
    ])
    func firstBytesTell(_ text: String, format: FileFormat) {
        #expect(FileFormat.detect(Array(text.utf8)) == format)
    }

    @Test func utf16IsDelimitedText() {
        #expect(FileFormat.detect([0xff, 0xfe, 0x61, 0, 0x2c, 0]) == .csv)
    }

    @Test(arguments: [[], [0, 1, 2], Array("\u{7f}ELF\u{1}".utf8), Array("  \n ".utf8)] as [[UInt8]])
    func otherBytesDoNot(_ bytes: [UInt8]) { #expect(FileFormat.detect(bytes) == nil) }
}
