import Columns
import Support
import TestServers
import Testing

@testable import ODBC

/// Columns as bulk copy takes them.
@Suite struct BulkCellsTests {
    private func column(_ type: DataType, _ values: [Value]) throws -> Column {
        let builder = makeBuilder(type)
        for value in values { try builder.append(value) }
        return builder.finish()
    }

    private func numbers(_ cells: BulkCells, row: Int, at places: [Int]) -> [Int] {
        places.map { Int((cells.cells.base + row * cells.width + $0).loadUnaligned(as: UInt16.self)) }
    }

    @Test(arguments: [
        (0, 1970, 1, 1), (-1, 1969, 12, 31), (59, 1970, 3, 1), (19_782, 2024, 2, 29), (-719_162, 1, 1, 1),
        (2_932_896, 9999, 12, 31), (-25_509, 1900, 2, 28), (-25_508, 1900, 3, 1), (11_016, 2000, 2, 29),
    ])
    func daysAreYearsMonthsAndDays(_ day: Int, _ year: Int, _ month: Int, _ dayOfMonth: Int) throws {
        let cells = try BulkCells(column(.date, [.null, .ticks(Int128(day))]), .date)
        #expect(numbers(cells, row: 1, at: [0, 2, 4]) == [year, month, dayOfMonth])
    }

    @Test func momentsBefore1970AreWhole() throws {
        let type = DataType.timestamp(.microsecond, zone: "UTC")
        let cells = try BulkCells(column(type, [.ticks(-1)]), .moment(digits: 6))
        #expect(numbers(cells, row: 0, at: [0, 2, 4, 6, 8, 10, 16, 18]) == [1969, 12, 31, 23, 59, 59, 0, 0])
        #expect((cells.cells.base + 12).loadUnaligned(as: UInt32.self) == 999_999_000)
    }

    @Test func aTimeOfDayHasItsFraction() throws {
        let cells = try BulkCells(column(.time(.nanosecond), [.ticks(86_399_999_999_900)]), .time(digits: 7))
        #expect(numbers(cells, row: 0, at: [0, 2, 4]) == [23, 59, 59])
        #expect((cells.cells.base + 8).loadUnaligned(as: UInt32.self) == 999_999_900)
    }

    @Test func decimalsCarrySignAndDigits() throws {
        let type = DataType.decimal(precision: 38, scale: 4)
        let cells = try BulkCells(column(type, [.ticks(-258), .ticks(1)]), .decimal(precision: 38, scale: 4))
        let bytes = (0..<38).map { (cells.cells.base + $0).loadUnaligned(as: UInt8.self) }
        #expect(Array(bytes[0..<5]) == [38, 4, 0, 2, 1])
        #expect(Array(bytes[19..<23]) == [38, 4, 1, 1])
    }

    @Test func textIsPackedAsUTF16WithNullsAside() throws {
        let cells = try BulkCells(
            column(.utf8, [.text("aé"), .null, .text(""), .text("\u{1F600}")]), .text(limit: nil))
        let starts = cells.starts.map { starts in (0...4).map { (starts.base + $0 * 8).loadUnaligned(as: Int64.self) } }
        #expect(starts == [0, 4, 4, 4, 8])
        let units = (0..<4).map { (cells.cells.base + $0 * 2).loadUnaligned(as: UInt16.self) }
        #expect(units == [0x61, 0xE9, 0xD83D, 0xDE00])
        #expect(cells.longest == 4)
        let nulls = cells.nulls.map { nulls in (0..<4).map { (nulls.base + $0).loadUnaligned(as: UInt8.self) } }
        #expect(nulls == [0, 1, 0, 0])
    }

    @Test func aSliceBeginsWhereItBegins() throws {
        let rows = try column(.int32, [.int(1), .int(2), .int(3)]).slice(1..<3)
        let cells = try BulkCells(rows, .int)
        #expect((0..<2).map { (cells.cells.base + $0 * 4).loadUnaligned(as: Int32.self) } == [2, 3])
        let bits = try BulkCells(column(.bool, [.bool(false), .bool(true), .null]).slice(1..<3), .bit)
        #expect((0..<2).map { (bits.cells.base + $0).loadUnaligned(as: UInt8.self) } == [1, 0])
        let text = try BulkCells(column(.utf8, [.text("abc"), .text("d")]).slice(1..<2), .text(limit: nil))
        #expect(text.cells.count == 2)
    }

    @Test(arguments: [
        (DataType.float64, Value.float(.nan), ODBCBulkType.float), (.float32, .float(-.infinity), .real),
        (.date, .ticks(2_932_897), .date), (.date, .ticks(-719_163), .date),
        (.timestamp(.nanosecond, zone: nil), .ticks(1), .wallClock(digits: 7)),
        (.time(.second), .ticks(86_400), .time(digits: 6)),
        (.time(.microsecond), .ticks(-1), .time(digits: 6)),
        (.timestamp(.second, zone: "UTC"), .ticks(1 << 60), .moment(digits: 6)),
        (.utf8, .text("\u{1F600}\u{1F600}"), .text(limit: 3)),
    ])
    func whatTheServerCannotHoldNamesItsRow(_ type: DataType, _ value: Value, _ kind: ODBCBulkType) throws {
        let rows = try column(type, [.null, value])
        let error = #expect(throws: SluiceError.self) { try BulkCells(rows, kind) }
        #expect(error?.code == .conversion)
        #expect(error?.place.row == 2)
    }

    @Test func columnsOfNullsNeedNoValues() throws {
        for (type, kind) in [
            (DataType.float64, ODBCBulkType.float), (.utf8, .text(limit: 1)), (.binary, .bytes), (.uuid, .uuid),
            (.timestamp(.microsecond, zone: nil), .wallClock(digits: 6)), (.bool, .bit),
        ] {
            let cells = try BulkCells(.nulls(type, count: 3), kind)
            #expect(cells.nulls.map { ($0.base + 2).loadUnaligned(as: UInt8.self) } == 1)
            #expect(cells.longest == cells.width)
        }
    }

    @Test func uuidsAreNumbersOfTheMachineInFront() throws {
        let cells = try BulkCells(column(.uuid, [.bytes(Array(0..<16))]), .uuid)
        let bytes = (0..<16).map { (cells.cells.base + $0).loadUnaligned(as: UInt8.self) }
        #expect(bytes == [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15])
    }
}

/// Arrays of values, against a real server: the words of SQL Server left out, which another server does not know.
@Suite(.enabled(if: TestPostgres.shared != nil)) struct BulkArrayTests {
    private func batch(_ ids: Range<Int>) throws -> RecordBatch {
        let (numbers, texts, bits, floats) = (
            makeBuilder(.int32), makeBuilder(.utf8), makeBuilder(.bool), makeBuilder(.float64)
        )
        for id in ids {
            try numbers.append(.int(Int128(id)))
            try texts.append(id % 7 == 0 ? .null : .text(String(repeating: "ü\u{1F600}", count: id % 50)))
            try bits.append(.bool(id % 2 == 0))
            try floats.append(id % 5 == 0 ? .null : .float(Double(id) / 4))
        }
        let fields = [Field("id", .int32), Field("t", .utf8), Field("b", .bool), Field("f", .float64)]
        return RecordBatch(
            schema: Schema(fields), columns: [numbers, texts, bits, floats].map { $0.finish() }, rowCount: ids.count)
    }

    private let columns = [
        ODBCBulkColumn("id", .int), ODBCBulkColumn("t", .text(limit: nil)), ODBCBulkColumn("b", .bit),
        ODBCBulkColumn("f", .float),
    ]

    @Test func allRowsArriveAndABadOneIsNotLost() async throws {
        let session = try await #require(TestPostgres.shared).odbcSession()
        try await session.query("CREATE TEMPORARY TABLE bulk (id int CHECK (id <> 7777), t text, b boolean, f float8)")
        let bulk = session.bulk(into: "bulk", columns: columns)
        #expect(!bulk.copies)
        #expect(bulk.obstacle != nil)
        try await bulk.write(batch(0..<5000))
        try await bulk.write(batch(0..<0))
        #expect(try await bulk.finish() == 5000)
        let sums = try await session.query(
            "SELECT count(*), sum(id), sum(length(t)), count(t), sum(b::int), sum(f), count(f) FROM bulk")
        let (lengths, ids) = ((0..<5000).reduce(0) { $0 + ($1 % 7 == 0 ? 0 : $1 % 50 * 2) }, 5000 * 4999 / 2)
        let sum = (0..<5000).reduce(0.0) { $0 + ($1 % 5 == 0 ? 0 : Double($1) / 4) }
        #expect(sums.rows[0][0..<5] == ["5000", String(ids), String(lengths), String(5000 - 715), "2500"])
        #expect(sums.rows[0][5].flatMap { Double($0) } == sum)
        let again = session.bulk(into: "bulk", columns: columns)
        await #expect(throws: SluiceError.self) { try await again.write(batch(7000..<8000)) }
        await session.close()
    }
}
