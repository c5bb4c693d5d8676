import Columns
import Glibc
import SQLite
import Support
import TestData
import Testing

/// Every way in which a database refuses is an error that says what to do.
@Suite struct DatabaseTests {
    @Test func whatIsCommittedIsThereForTheNextConnection() async throws {
        let folder = try Folder()
        let path = folder.file("a b's;?#.db")
        let writer = try await SQLiteDatabase.open(path)
        #expect(writer.name == "sqlite:\(path)")
        try await writer.execute("CREATE TABLE t (v); INSERT INTO t VALUES (1), (2); -- done")
        #expect(try await writer.query("PRAGMA journal_mode").single == .text("wal"))
        #expect(try await writer.query("PRAGMA synchronous").single == .integer(2))
        let updated = try await writer.query("UPDATE t SET v = 3 WHERE v = ?", [.integer(2)])
        #expect(updated.changed == 1)
        #expect(try await writer.query("SELECT 1").changed == 0)
        let reader = try await SQLiteDatabase.open(path, mode: .readOnly)
        #expect(try await reader.query("SELECT sum(v) AS s FROM t").rows == [[.integer(4)]])
        await reader.close()
        await writer.close()
        #expect(access(path + "-wal", F_OK) != 0)
    }

    @Test func aPathThatLooksLikeAnAddressIsAPath() async throws {
        let folder = try Folder()
        let path = folder.file("file:x?mode=memory")
        let database = try await SQLiteDatabase.open(path)
        try await database.execute("CREATE TABLE t (v)")
        await database.close()
        #expect(access(path, F_OK) == 0)
    }

    @Test func aCallAfterTheEndIsAnError() async throws {
        let database = try await SQLiteDatabase.open(":memory:")
        let reader = try await database.reader("SELECT 1 AS v")
        let inserter = try await database.inserter("SELECT ?", types: [.int64])
        await database.close()
        await database.close()
        await #expect(throws: SluiceError.self) { try await database.execute("SELECT 1") }
        await #expect(throws: SluiceError.self) { try await reader.next() }
        inserter.finish()
    }

    @Test(arguments: [
        ("missing.db", SQLiteDatabase.Mode.readOnly, SluiceError.Code.notFound),
        ("missing.db", .readWrite, .notFound),
        ("no/such/folder/a.db", .create, .notFound),
        ("", .create, .invalidConfiguration),
        ("a\u{0}b", .create, .invalidConfiguration),
        (".", .create, .invalidConfiguration),
        ("text", .readOnly, .invalidData),
    ])
    func whatCannotBeOpenedSaysWhy(
        _ name: String, _ mode: SQLiteDatabase.Mode, _ code: SluiceError.Code
    ) async throws {
        let folder = try Folder()
        let text = fopen(folder.file("text"), "w")
        for _ in 0..<200 { fputs("this is no database\n", text) }
        fclose(text)
        let path = name.isEmpty || name.contains("\u{0}") ? name : folder.file(name)
        let error = await #expect(throws: SluiceError.self) { _ = try await SQLiteDatabase.open(path, mode: mode) }
        #expect(error?.code == code, "\(error?.message ?? "")")
        #expect(error?.hint != nil || name == ".")
    }

    @Test func aReadOnlyDatabaseIsNotWrittenTo() async throws {
        let folder = try Folder()
        let path = folder.file("a.db")
        let writer = try await SQLiteDatabase.open(path)
        try await writer.execute("CREATE TABLE t (v)")
        let reader = try await SQLiteDatabase.open(path, mode: .readOnly)
        let error = await #expect(throws: SluiceError.self) { try await reader.execute("INSERT INTO t VALUES (1)") }
        #expect(error?.code == .permission)
        #expect(error?.isTransient == false)
    }

    @Test func aBusyDatabaseIsTransientAndSaysWhoHasIt() async throws {
        let folder = try Folder()
        let path = folder.file("a.db")
        let first = try await SQLiteDatabase.open(path)
        try await first.execute("CREATE TABLE t (v); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)")
        let second = try await SQLiteDatabase.open(path, busyTimeout: .milliseconds(80))
        let error = await #expect(throws: SluiceError.self) { try await second.execute("BEGIN IMMEDIATE") }
        #expect(error?.isTransient == true)
        #expect(error?.message.contains("this process") == true, "\(error?.message ?? "")")
        await first.rollback()
        await first.rollback()
        try await second.execute("BEGIN IMMEDIATE; COMMIT")
        #expect(try await second.query("SELECT count(*) FROM t").single == .integer(0))
    }

    @Test func aCancelledTaskEndsAQueryAndAWait() async throws {
        let folder = try Folder()
        let path = folder.file("a.db")
        let first = try await SQLiteDatabase.open(path)
        try await first.execute("CREATE TABLE t (v); BEGIN IMMEDIATE")
        let second = try await SQLiteDatabase.open(path)
        let endless = "WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n) SELECT count(*) FROM n"
        for sql in [endless, "BEGIN IMMEDIATE"] {
            let task = Task { try await second.execute(sql) }
            try await Task.sleep(for: .milliseconds(50))
            task.cancel()
            let result = await task.result
            #expect { try result.get() } throws: { ($0 as? SluiceError)?.code == .cancelled }
        }
        #expect(try await second.query("SELECT 1").single == .integer(1))
    }

    @Test func aFullDiskIsSaidAndLeavesTheTransactionOut() async throws {
        let database = try await SQLiteDatabase.open(":memory:")
        try await database.execute("CREATE TABLE t (v); PRAGMA max_page_count = 20; BEGIN")
        let error = await #expect(throws: SluiceError.self) {
            while true { try await database.query("INSERT INTO t VALUES (zeroblob(3000))") }
        }
        #expect(error?.code == .inputOutput)
        #expect(error?.message.contains("full") == true)
        await database.rollback()
        #expect(try await database.query("SELECT count(*) FROM t").single == .integer(0))
    }

    @Test(arguments: [
        ("SELECT * FROM missing", SluiceError.Code.notFound), ("SELECT missing FROM t", .notFound),
        ("SELECT \"missing\" FROM t", .notFound), ("SELEC", .invalidConfiguration),
        ("INSERT INTO t VALUES (1), (1)", .invalidData), ("", .invalidConfiguration), (" -- ", .invalidConfiguration),
        ("SELECT 1; DROP TABLE t", .invalidConfiguration), ("SELECT 'a\u{0}'", .invalidConfiguration),
        ("PRAGMA writable_schema = 1; ", .invalidConfiguration), ("SELECT load_extension('x')", .invalidConfiguration),
        ("SELECT zeroblob(2000000000)", .limitExceeded),
    ])
    func aStatementThatFailsSaysWhy(_ sql: String, _ code: SluiceError.Code) async throws {
        let database = try await SQLiteDatabase.open(":memory:")
        try await database.execute("CREATE TABLE t (v UNIQUE)")
        if sql.hasPrefix("PRAGMA") {
            // Defensive: the pragma is heard, and does nothing.
            try await database.query(sql)
            await #expect(throws: SluiceError.self) { try await database.execute("DELETE FROM sqlite_schema") }
            return
        }
        let error = await #expect(throws: SluiceError.self) { try await database.query(sql) }
        #expect(error?.code == code, "\(error?.message ?? "")")
        #expect(try await database.query("SELECT count(*) FROM t").single == .integer(0))
    }

    @Test func aRowThatBreaksAConstraintIsNamed() async throws {
        let database = try await SQLiteDatabase.open(":memory:")
        try await database.execute("CREATE TABLE t (v UNIQUE, w)")
        let inserter = try await database.inserter("INSERT INTO t VALUES (?, ?)", types: [.int64])
        let column = Column(type: .int64, count: 3, nullCount: 0, values: Buffer(values: [Int64(1), 2, 1]))
        let batch = RecordBatch(schema: Schema([Field("v", .int64)]), columns: [column])
        try await database.execute("BEGIN")
        let error = await #expect(throws: SluiceError.self) {
            try await inserter.insert(batch, constants: [.text("run")])
        }
        await database.rollback()
        #expect(error?.place.row == 3)
        #expect(error?.code == .invalidData)
        #expect(try await inserter.insert(batch.slice(1..<2), constants: [.text("run")]) == 1)
        #expect(try await database.query("SELECT v, w FROM t").rows == [[.integer(2), .text("run")]])
        await #expect(throws: SluiceError.self) { try await inserter.insert(batch) }
    }

    @Test func damagedFilesAreErrorsAndNeverWorse() async throws {
        let folder = try Folder()
        let path = folder.file("a.db")
        let writer = try await SQLiteDatabase.open(path)
        try await writer.execute(
            """
            CREATE TABLE t (a INTEGER, b TEXT, c REAL);
            INSERT INTO t SELECT value, 'text ' || value, value / 3.0 FROM
              (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 2000) SELECT value FROM n)
            """)
        await writer.close()
        let whole = try bytes(of: path)
        for seed in 0..<60 {
            var random = SystemRandomNumberGenerator()
            var damaged = whole
            for _ in 0..<(1 + seed % 20) {
                damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if seed % 5 == 0 { damaged.removeLast(Int.random(in: 1..<damaged.count, using: &random)) }
            let file = fopen(path, "w")
            fwrite(damaged, 1, damaged.count, file)
            fclose(file)
            do {
                let database = try await SQLiteDatabase.open(path, mode: .readOnly)
                _ = try await database.readAll("SELECT * FROM t", batchRows: 500)
            } catch is SluiceError {}
        }
    }

    private func bytes(of path: String) throws -> [UInt8] {
        let file = fopen(path, "r")
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return Array(bytes[0..<count])
    }
}
