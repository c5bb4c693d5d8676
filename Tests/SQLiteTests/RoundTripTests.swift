import Columns
import SQLite
import Support
import TestData
import Testing

/// What is written is what is read back.
@Suite struct RoundTripTests {
    /// The same values under the type that they were written with.
    private func written(_ column: Column, _ type: DataType) async throws -> (back: Column, raw: DataType) {
        let database = try await SQLiteDatabase.open(":memory:")
        try await database.execute("CREATE TABLE t (v \(SQLiteType.declaration(for: type)))")
        let inserter = try await database.inserter("INSERT INTO t VALUES (?)", types: [type])
        let batch = RecordBatch(schema: Schema([Field("v", type)]), columns: [column])
        #expect(try await inserter.insert(batch) == column.count)
        let back = try await database.column("SELECT v FROM t ORDER BY rowid")
        await database.close()
        return (back, back.type)
    }

    /// -0.0 is 0.0 in SQLite.
    private func withoutSign(_ values: [Value]) -> [Value] {
        values.map { value in
            guard case .float(let number) = value, number == 0 else { return value }
            return .float(0)
        }
    }

    @Test(arguments: 0..<300) func everyTypeComesBackAsItWas(seed: Int) async throws {
        var random = Randomness(UInt64(seed))
        let type = random.type(depth: 0)
        let column = try random.column(Field("v", type), count: Int.random(in: 1...60, using: &random))
        let (back, raw) = try await written(column, type)
        if column.nullCount < column.count {
            #expect(raw == SQLiteType.stored(type) || raw == .utf8, "\(type): \(raw)")
        }
        let same = try back.cast(to: type)
        let (left, right) = (withoutSign(same.allValues), withoutSign(column.allValues))
        // NaN is not itself.
        #expect(left.map { "\($0)" } == right.map { "\($0)" }, "\(type)")
    }

    @Test(arguments: 0..<40) func nestedValuesAreJSON(seed: Int) async throws {
        var random = Randomness(UInt64(seed))
        let type = DataType.list(random.field("item", depth: 2))
        let column = try random.column(Field("v", type), count: 20)
        let (back, raw) = try await written(column, type)
        #expect(raw == .json)
        #expect(back.allValues == (try column.cast(to: .json)).allValues)
    }

    @Test(
        arguments: [
            "12345678901234567890123456789012345678", "-99999999999999999999999999999999999999", "0", "-1",
            "99999999999999999999999999999999999999",
        ], [0, 1, 10, 37, 38])
    func thirtyEightDigitsAreExact(digits: String, scale: Int) async throws {
        let type = DataType.decimal(precision: 38, scale: scale)
        let number = try #require(Int128(digits))
        let (back, raw) = try await written(try Column(type, [.ticks(number), .null]), type)
        #expect(raw == type)
        #expect(back.allValues == [.ticks(number), .null])
    }

    @Test(arguments: 0..<60) func fifteenDigitsAreNumbersAndExact(seed: Int) async throws {
        var random = Randomness(UInt64(seed))
        let type = DataType.decimal(precision: 15, scale: Int.random(in: 0...15, using: &random))
        let column = try random.column(Field("v", type, nullable: false), count: 500)
        let database = try await SQLiteDatabase.open(":memory:")
        try await database.execute("CREATE TABLE t (v \(SQLiteType.declaration(for: type)))")
        let inserter = try await database.inserter("INSERT INTO t VALUES (?)", types: [type])
        try await inserter.insert(RecordBatch(schema: Schema([Field("v", type)]), columns: [column]))
        #expect(
            try await database.query("SELECT DISTINCT typeof(v) IN ('integer', 'real') FROM t").single == .integer(1))
        let back = try await database.column("SELECT v FROM t ORDER BY rowid")
        #expect(back.type == type)
        #expect(back.allValues == column.allValues)
        // Numbers, so that they compare as such.
        let sorted = try await database.column("SELECT v FROM t ORDER BY v").allValues
        #expect(sorted == column.allValues.sorted { ticks($0) < ticks($1) })
    }

    private func ticks(_ value: Value) -> Int128 { if case .ticks(let ticks) = value { ticks } else { 0 } }

    @Test func textOfMomentsSortsAsTheyDo() async throws {
        let type = DataType.timestamp(.microsecond, zone: "UTC")
        let ticks: [Int64] = [0, 500_000, 1_000_000, 1_000_001, 1_100_000, 60_000_000, -1, -1_000_000]
        let database = try await SQLiteDatabase.open(":memory:")
        try await database.execute("CREATE TABLE t (v \(SQLiteType.declaration(for: type)))")
        let inserter = try await database.inserter("INSERT INTO t VALUES (?)", types: [type])
        let column = try Column(type, ticks.map { .ticks(Int128($0)) })
        try await inserter.insert(RecordBatch(schema: Schema([Field("v", type)]), columns: [column]))
        #expect(
            try await database.column("SELECT v FROM t ORDER BY v").allValues
                == ticks.sorted().map { .ticks(Int128($0)) })
        // SQLite's own functions read it.
        #expect(
            try await database.query("SELECT datetime(v) FROM t WHERE rowid = 6").single
                == .text("1970-01-01 00:01:00"))
    }

    @Test func aDecimalWithMoreDigitsThanItsTypeIsRefused() async throws {
        let type = DataType.decimal(precision: 5, scale: 2)
        let number = Column(
            type: type, count: 2, nullCount: 0, values: Buffer(values: [Int128(1), 1_000_000_000_000_000]))
        let error = await #expect(throws: SluiceError.self) { try await written(number, type) }
        #expect(error?.code == .conversion)
        #expect(error?.place.column == "v")
        #expect(error?.place.row == 2)
    }

    @Test func whatIsStoredIsDeclaredAsWhatItIs() {
        var random = Randomness(7)
        for _ in 0..<500 {
            let type = random.type(depth: 1)
            let stored = SQLiteType.stored(type)
            let declared = SQLiteType.declaration(for: type)
            #expect(SQLiteType.columnType(declared: declared) == stored, "\(type)")
            #expect(SQLiteType.stored(stored) == stored)
            #expect(SQLiteType.declaration(for: stored) == declared, "\(type)")
        }
    }
}
