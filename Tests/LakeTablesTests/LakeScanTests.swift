import Columns
import Parquet
import Storage
import Support
import TestData
import Testing

@testable import LakeTables

extension Folder {
    fileprivate var store: FolderStore { FolderStore(path) }

    /// A Parquet file of `rows` rows with these columns of integers.
    fileprivate func write(_ path: String, columns: [String] = ["id"], rows: Int = 3) async throws {
        let schema = Schema(columns.map { Field($0, .int64) })
        let sink = try await store.create(path)
        let writer = try await ParquetWriter(sink, schema: schema)
        try await writer.write(
            RecordBatch(schema: schema, columns: columns.map { _ in .nulls(.int64, count: rows) }, rowCount: rows))
        _ = try await writer.finish()
    }

    fileprivate func scan(
        _ layout: LakeLayout = .automatic, _ memory: LakeMemory? = nil, rescans: Bool = false
    ) async throws -> LakeCatalogue {
        try await LakeScan(store, layout: layout, rescans: rescans).run(memory)
    }
}

@Suite struct LakeScanTests {
    @Test func filesOfFoldersAreTables() async throws {
        let folder = try Folder()
        try await folder.write("b/1.parquet")
        try await folder.write("a/k=1/1.parquet", columns: ["id", "x"])
        try await folder.write("a/k=2/1.parquet", rows: 4)
        try await folder.store.write("text", to: "a/readme.txt")
        let found = try await folder.scan()
        #expect(found.tables.map(\.id) == ["a/k={k}/*.parquet", "b/*.parquet"])
        #expect(found.tables[0].schema.description == "id: int64, x: int64, k: int32")
        #expect(found.tables[0].rows == 7)
        #expect((found.files, found.footersRead, found.others) == (3, 3, 1))
        #expect(found.bytesRead > 0)
    }

    /// Of `CAN1` and `CAN1-x`, one name is the beginning of the other (D000-8).
    @Test func foldersOfWhichOneNameBeginsTheOtherAreTwoTables() async throws {
        let folder = try Folder()
        try await folder.write("d/CAN1/1.parquet", columns: ["a"])
        try await folder.write("d/CAN1-x/1.parquet", columns: ["b"])
        let found = try await folder.scan()
        #expect(found.tables.map { $0.columns.map(\.field.name) } == [["b"], ["a"]])
        for table in found.tables { #expect(found.isExact(table.shape, for: table, seesHidden: true)) }
    }

    @Test func footersAreReadOncePerFile() async throws {
        let folder = try Folder()
        try await folder.write("a/1.parquet")
        try await folder.write("a/2.parquet")
        try await folder.store.write("no parquet", to: "a/3.parquet")
        let memory = try await LakeMemory.open(folder.path + "/.state/map.db")
        #expect(try await folder.scan(.automatic, memory).footersRead == 3)
        let again = try await folder.scan(.automatic, memory)
        #expect((again.footersRead, again.bytesRead) == (0, 0))
        #expect(again.tables[0].rows == 6)
        #expect(again.unreadable.map(\.entry.path) == ["a/3.parquet"])
        try await folder.write("a/2.parquet", columns: ["other"])
        let changed = try await folder.scan(.automatic, memory)
        #expect(changed.footersRead == 1)
        #expect(changed.tables[0].schema.description == "other: int64, id: int64")
        try await folder.store.remove("a/1.parquet")
        let less = try await folder.scan(.automatic, memory)
        #expect((less.footersRead, less.tables[0].files.count) == (0, 1))
        #expect(try await folder.scan(.automatic, memory, rescans: true).footersRead == 2)
        await memory.close()
    }

    @Test func whatEnginesPassOverIsNoTable() async throws {
        let folder = try Folder()
        try await folder.write("a/1.parquet")
        try await folder.write("a/_tmp.parquet")
        try await folder.write("_claims/1.parquet")
        try await folder.write(".state/1.parquet")
        try await folder.write("sluice-lookups/x/1.parquet")
        let found = try await folder.scan()
        #expect(found.tables.map(\.id) == ["a/*.parquet"])
        // DuckDB would see the hidden one, Spark would not.
        #expect(!found.isExact(found.tables[0].shape, for: found.tables[0], seesHidden: true))
        #expect(found.isExact(found.tables[0].shape, for: found.tables[0], seesHidden: false))
    }

    @Test func deltaTablesAreLeftAlone() async throws {
        let folder = try Folder()
        try await folder.write("a/1.parquet")
        try await folder.write("d/part.parquet")
        try await folder.store.write("{}", to: "d/_delta_log/00000000000000000000.json")
        let found = try await folder.scan()
        #expect(found.tables.map(\.id) == ["a/*.parquet"])
        #expect(found.notes.count == 1)
    }

    @Test func aTableOfWhichNothingCanBeReadIsDamaged() async throws {
        let folder = try Folder()
        try await folder.write("a/1.parquet")
        try await folder.store.write("", to: "b/1.parquet")
        let found = try await folder.scan()
        #expect(found.tables.count == 1)
        #expect(found.damaged == ["b/*.parquet"])
    }

    @Test func aLakeThatIsNotThereIsAnError() async throws {
        await #expect(throws: SluiceError.self) {
            try await LakeScan(FolderStore("/tmp/no-such-lake"), layout: .automatic).run(nil)
        }
    }

    @Test func partsCanBeRestricted() async throws {
        let folder = try Folder()
        for device in ["2F6913DB", "2f6913db", "2F6913D", "device"] { try await folder.write("\(device)/m/1.parquet") }
        let digits = String(repeating: "[0-9A-F]", count: 8)
        let scan = LakeScan(
            folder.store, layout: .pattern(try TablePattern("{device}/{message}/*.parquet"), partitions: []),
            restrictions: ["device": try PathPattern(digits)])
        #expect(try await scan.run(nil).tables.map(\.id) == ["2F6913DB/m/*.parquet"])
    }
}
