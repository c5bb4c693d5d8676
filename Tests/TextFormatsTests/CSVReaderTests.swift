import Columns
import Support
import Testing
import TextFormats

@Suite struct CSVReaderTests {
    @Test(arguments: [1, 3, 1 << 20])
    func emptyLinesBeforeTheFirstValueAreNullsInAFileOfOneColumn(_ chunkBytes: Int) async throws {
        let options = csv {
            $0.header = false
            $0.chunkBytes = chunkBytes
        }
        let table = try await readCSV("\n\n\nlonger than a chunk\n\nx", options)
        #expect(table.column(0) == [.null, .null, .null, .text("longer than a chunk"), .null, .text("x")])
        let wide = try await readCSV("\n\n\nlonger,than\n\nx,y", options)
        #expect(wide.rows == [[.text("longer"), .text("than")], [.text("x"), .text("y")]])
    }

    @Test(arguments: ["", "\n", "# comment\n", "3\n"])
    func returnsThatBelongToAFieldStayWhateverElseIsInTheFile(_ irregular: String) async throws {
        let table = try await readCSV(
            "a,b\n" + irregular + "1,x\r\r\n2,y\r\n",
            csv {
                $0.comment = UInt8(ascii: "#")
                $0.ragged = .null
            })
        #expect(table.column(1).filter { $0 != .null } == [.text("x\r"), .text("y")])
        let single = try await readCSV(
            "a\nx\r,\ny\r\r\n",
            csv {
                $0.ragged = .null; $0.delimiter = 44
            })
        #expect(single.column(0) == [.text("x\r"), .text("y\r")])
    }

    @Test func typesAreFound() async throws {
        let table = try await readCSV(
            """
            i,f,b,d,t,z,c,s
            1,1.5,true,2024-01-02,2024-01-02 03:04:05,2024-01-02T03:04:05Z,10:20:30,abc
            ,,,,,,,
            -2,3,false,1969-12-31,1970-01-01 00:00:00.000001,1970-01-01T00:00:00+01:00,00:00:00.5,"d,e"

            """)
        #expect(
            table.types == [
                .int64, .float64, .bool, .date, .timestamp(.microsecond, zone: nil),
                .timestamp(.microsecond, zone: "UTC"), .time(.microsecond), .utf8,
            ])
        #expect(table.column(0) == [.int(1), .null, .int(-2)])
        #expect(table.column(1) == [.float(1.5), .null, .float(3)])
        #expect(table.column(2) == [.bool(true), .null, .bool(false)])
        #expect(table.column(3) == [.ticks(19724), .null, .ticks(-1)])
        #expect(table.column(4) == [.ticks(1_704_164_645_000_000), .null, .ticks(1)])
        #expect(table.column(5) == [.ticks(1_704_164_645_000_000), .null, .ticks(-3_600_000_000)])
        #expect(table.column(6) == [.ticks(37_230_000_000), .null, .ticks(500_000)])
        #expect(table.column(7) == [.text("abc"), .null, .text("d,e")])
    }

    @Test(arguments: ["\n", "\r\n", "\r"])
    func lineEndsAreAllUnderstood(end: String) async throws {
        let table = try await readCSV("a,b\(end)1,x\(end)2,\"y\(end)z\"\(end)3,\(end)4,\"\"")
        #expect(table.column(0) == [.int(1), .int(2), .int(3), .int(4)])
        #expect(table.column(1) == [.text("x"), .text("y\(end)z"), .null, .text("")])
    }

    @Test func quotesAreUndone() async throws {
        let table = try await readCSV(
            "a,b\n\"1 \"\"quoted\"\"\",\"\"\"\"\n5\" pipe,x\"y\"\n\"cl\"osed\"?\",\"\"tail\n\"\",\"\n\"\n")
        #expect(table.column(0) == [.text("1 \"quoted\""), .text("5\" pipe"), .text("closed\"?\""), .text("")])
        #expect(table.column(1) == [.text("\""), .text("x\"y\""), .text("tail"), .text("\n")])
    }

    @Test func escapesAreUndone() async throws {
        let options = csv { $0.escape = UInt8(ascii: "\\") }
        let table = try await readCSV("a,b\n\"x\\\"y\",1\\,2\n\"p\\\\\",\"two\nlines\"\nl1\\\nl2,\\\n", options)
        #expect(table.column(0) == [.text("x\"y"), .text("p\\"), .text("l1\nl2")])
        #expect(table.column(1) == [.text("1,2"), .text("two\nlines"), .text("\n")])
    }

    @Test(arguments: [",", ";", "\t", "|"])
    func theDelimiterIsFound(delimiter: Character) async throws {
        let text = "name,x,y\n\"a;b|c\td,e\",1,2\nf,3,4\n".replacing(",", with: "\(delimiter)")
        let table = try await readCSV(text)
        #expect(table.names == ["name", "x", "y"])
        #expect(table.column(2) == [.int(2), .int(4)])
    }

    @Test func aGivenDelimiterHolds() async throws {
        let table = try await readCSV("a,b;c\n1,2;3\n", csv { $0.delimiter = UInt8(ascii: ";") })
        #expect(table.names == ["a,b", "c"])
        #expect(table.rows == [[.text("1,2"), .int(3)]])
    }

    @Test func headersAreMadeUnique() async throws {
        #expect(try await readCSV("a,a,,a_2,\n1,2,3,4,5\n").names == ["a", "a_3", "column_3", "a_2", "column_5"])
        let plain = try await readCSV("1,x\n2,y\n", csv { $0.header = false })
        #expect(plain.names == ["column_1", "column_2"])
        #expect(plain.rows.count == 2)
        #expect(try await readCSV("a,b\n1,2\n", csv { $0.header = nil }).names == ["a", "b"])
        #expect(try await readCSV("1,b\n1,2\n", csv { $0.header = nil }).rows.count == 2)
        #expect(try await readCSV("a,b\n1,2\n", csv { $0.columnNames = ["x", "y"] }).names == ["x", "y"])
        await #expect(throws: SluiceError.self) { try await readCSV("a,b\n1,2\n", csv { $0.columnNames = ["x"] }) }
    }

    @Test func emptyLinesCommentsAndSkippedLinesAreLeftOut() async throws {
        let options = csv {
            $0.comment = UInt8(ascii: "#")
            $0.skipLines = 2
        }
        let table = try await readCSV("junk \"\njunk\n# about, \"this\n\na,b\n1,2\n\n#3,4\n5,\"#6\"\n", options)
        #expect(table.names == ["a", "b"])
        #expect(table.rows == [[.int(1), .text("2")], [.int(5), .text("#6")]])
    }

    @Test func anEmptyLineIsANullWhenThereIsOneColumn() async throws {
        #expect(try await readCSV("a\n1\n\n3\n").column(0) == [.int(1), .null, .int(3)])
    }

    @Test func nothingIsATableToo() async throws {
        #expect(try await readCSV("").rows.isEmpty)
        #expect(try await readCSV("\n\n").rows.isEmpty)
        #expect(try await readCSV("a,b").names == ["a", "b"])
        #expect(try await readCSV("", schema: Schema([Field("a", .int64)])).types == [.int64])
    }

    @Test func nullTextsAreWhatTheyAreSaidToBe() async throws {
        let options = csv { $0.nullTexts = ["NA", "\\N"] }
        let table = try await readCSV("a,b\nNA,\n1,\\N\n\"NA\",x\n", options)
        #expect(table.column(0) == [.null, .text("1"), .text("NA")])
        #expect(table.column(1) == [.text(""), .null, .text("x")])
    }

    @Test func raggedRecordsAreErrorsOrNulls() async throws {
        let text = "a,b,c\n1,2,3\n4\n5,6,7,\n"
        await #expect {
            try await readCSV(text)
        } throws: {
            ($0 as? SluiceError)?.place.line == 3
        }
        let options = csv { $0.ragged = .null }
        #expect(
            try await readCSV(text, options).rows == [
                [.int(1), .int(2), .int(3)], [.int(4), .null, .null], [.int(5), .int(6), .int(7)],
            ])
        await #expect {
            try await readCSV(text + "1,2,3,4\n", options)
        } throws: {
            ($0 as? SluiceError)?.place.line == 5
        }
    }

    @Test func encodingsAreRecognised() async throws {
        let text = "name,n\nJosé,1\n\"😀,\nx\",2\n"
        let expected = try await readCSV(text)
        #expect(expected.column(0) == [.text("José"), .text("😀,\nx")])
        let utf16 = Array(text.utf16)
        let little = utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        let big = utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        #expect(try await readCSV([0xef, 0xbb, 0xbf] + Array(text.utf8)) == expected)
        #expect(try await readCSV([0xff, 0xfe] + little) == expected)
        #expect(try await readCSV([0xfe, 0xff] + big) == expected)
        #expect(try await readCSV(little) == expected)
        #expect(try await readCSV(big) == expected)
        let latin: [UInt8] = Array("name\nJos".utf8) + [0xe9, 10]
        #expect(try await readCSV(latin, csv { $0.encoding = .latin1 }).column(0) == [.text("José")])
        await #expect(throws: SluiceError.self) { try await readCSV([0xff, 0xfe] + little.dropLast()) }
        await #expect(throws: SluiceError.self) { try await readCSV([0xff, 0xfe, 0x00, 0xdc, 0x0a, 0x00]) }
    }

    @Test func invalidUTF8IsPlaced() async throws {
        let bytes = Array("name,n\nJosé,1\nx,2\nJos".utf8) + [0xe9] + Array(",3\n".utf8)
        await #expect {
            try await readCSV(bytes)
        } throws: { error in
            let place = (error as? SluiceError)?.place
            return place?.line == 4 && place?.offset == 22 && place?.file == "test.csv"
        }
    }

    @Test func aGivenSchemaHolds() async throws {
        let schema = Schema([
            Field("b", .decimal(precision: 10, scale: 2)), Field("a", .int8), Field("u", .uuid), Field("x", .binary),
            Field("f", .float32), Field("t", .timestamp(.millisecond, zone: nil)), Field("y", .bool),
        ])
        let table = try await readCSV(
            "a,b,u,x,f,t,y\n007, 1.5,00000000-0000-0000-0000-0000000000ff,AQI=,0.1,2024-01-01,yes\n\"\",,,,,,0\n",
            schema: schema)
        #expect(table.names == ["a", "b", "u", "x", "f", "t", "y"])
        #expect(
            table.rows[0] == [
                .int(7), .ticks(150), .bytes([UInt8](repeating: 0, count: 15) + [255]), .bytes([1, 2]),
                .float(Double(Float(0.1))), .ticks(1_704_067_200_000), .bool(true),
            ])
        #expect(table.rows[1] == [.null, .null, .null, .null, .null, .null, .bool(false)])
    }

    @Test func whatDoesNotFitAGivenSchemaIsNamed() async throws {
        let schema = Schema([Field("a", .int64), Field("b", .utf8)])
        await #expect {
            try await readCSV("a,b\n1,\"x\ny\"\n300,z\nten,z\n", schema: schema)
        } throws: { error in
            guard let error = error as? SluiceError else { return false }
            return error.place.line == 5 && error.place.column == "a" && error.message.contains("\"ten\"")
                && error.message.contains("int64") && error.code == .conversion
        }
        await #expect(throws: SluiceError.self) { try await readCSV("a,c\n1,2\n", schema: schema) }
        await #expect(throws: SluiceError.self) { try await readCSV("a\n1\n", schema: schema) }
        await #expect(throws: SluiceError.self) { try await readCSV("a\n256\n", schema: Schema([Field("a", .uint8)])) }
        await #expect(throws: SluiceError.self) {
            try await readCSV("a\n[1]\n", schema: Schema([Field("a", .list(Field("item", .int64)))]))
        }
    }

    @Test func withoutInferenceAllIsText() async throws {
        let table = try await readCSV("a,b\n1,\n007,x\n", csv { $0.inference = false })
        #expect(table.rows == [[.text("1"), .null], [.text("007"), .text("x")]])
    }
}
