import Columns
import Connectors
import Foundation
import Settings
import Storage
import Support
import Tables
import TestData
import Testing
import Warehouse

/// Files on disk: which are read, how their rows come out, and which are left out.
struct FileConnectorTests {
    private func read(_ folder: TemporaryFolder, _ request: ReadRequest) async throws -> any SourceRead {
        try await connector("file:data", folder: folder.path).read(request)
    }

    private func all(_ read: any SourceRead) async throws -> [[String?]] {
        var found: [[String?]] = []
        for unit in read.units { found += try await rows(of: unit).rows }
        return found
    }

    @Test func filesAreUnitsSortedByName() async throws {
        let folder = try TemporaryFolder()
        try folder.write("id,name\n3,c\n", "data/b.csv")
        try folder.write("id,name\n1,a\n2,b\n", "data/a.csv")
        try folder.write("{\"id\": 4, \"name\": \"d\"}\n", "data/sub/c.ndjson")
        try folder.write("no", "data/readme.txt")
        let read = try await read(folder, ReadRequest(.files(["*.csv", "**/*.ndjson", "a.*"])))
        #expect(read.units.map(\.name) == ["a.csv", "b.csv", "sub/c.ndjson"])
        #expect(read.units.map(\.bytes) == [16, 12, 23])
        #expect(try await all(read) == [["1", "a"], ["2", "b"], ["3", "c"], ["4", "d"]])
        #expect(read.key == [] && read.knownUnits == 0)
    }

    @Test(arguments: ["a.csv", "a.tsv", "a.json", "a.ndjson", "a.parquet", "a.csv.gz", "a.csv.zst", "a.ndjson.gz"])
    func everyFormatIsRead(_ name: String) async throws {
        let folder = try TemporaryFolder()
        try folder.write("id,price\n1,1.5\n2,\n3,2.25\n", "in.csv")
        try FileManager.default.createDirectory(atPath: folder.path + "/data", withIntermediateDirectories: true)
        let target = folder.path + "/data/" + name
        let output = try TableOutput(target) { () throws(SluiceError) in try Storage.create(target) }
        _ = try await Convert.run([try Storage.open(folder.path + "/in.csv")], output)
        let read = try await read(folder, ReadRequest(.files([])))
        #expect(read.units.map(\.name) == [name])
        let found = try await rows(of: read.units[0])
        #expect(found.rows == [["1", "1.5"], ["2", nil], ["3", "2.25"]])
        #expect(found.bytesRead > 0)
        let file = try #require(try await read.units[0].file())
        #expect(file.hash == (try await SHA256.hash(ofFile: target)))
        #expect(file.path == name && file.modified > 0)
    }

    @Test(arguments: ["test://lake/data", "test://lake/data/*.csv", "test://lake/data/{a,b}*", "test://lake/data/"])
    func filesOfAStoreAreReadLikeThoseOfAFolder(url: String) async throws {
        let stores = try TestStores()
        let store = try stores.store(at: "test://lake")
        try await store.write("id,name\n3,c\n", to: "data/b.csv")
        try await store.write("id,name\n1,a\n2,b\n", to: "data/a.csv")
        try await store.write("id\n7\n", to: "data/sub/c.csv")
        let connector = try ConnectorRegistry.standard.makeConnector(
            try await ConnectorRegistry.standard.settings(
                url: Scalar(url), in: ConnectionContext(folder: "/nowhere", stores: stores)))
        #expect(try await connector.check() == "2 files")
        let read = try await connector.read(ReadRequest(.files([])))
        #expect(read.units.map(\.name) == ["a.csv", "b.csv"])
        #expect(try await all(read) == [["1", "a"], ["2", "b"], ["3", "c"]])
        var known: [String: SourceFile] = [:]
        for unit in read.units { known[unit.name] = try await unit.file() }
        #expect(known.count == 2)
        // One file more, one file changed, one as it was.
        try await store.write("id,name\n4,d\n", to: "data/a2.csv")
        try await store.write("id,name\n5,e\n", to: "data/b.csv")
        var request = ReadRequest(.files([]))
        request.known = known
        let second = try await connector.read(request)
        #expect(second.units.map(\.name) == ["a2.csv", "b.csv"] && second.knownUnits == 1)
        let missing = await #expect(throws: SluiceError.self) {
            _ = try await connector.read(ReadRequest(.files(["no.csv"])))
        }
        #expect(missing?.code == .notFound)
    }

    @Test func aFolderThatIsEmptyTodayIsNoErrorAndOneThatIsMissingIs() async throws {
        let folder = try TemporaryFolder()
        await #expect(throws: SluiceError.self) { _ = try await read(folder, ReadRequest(.files(["*.csv"]))) }
        try folder.write("", "data/x.txt")
        #expect(try await read(folder, ReadRequest(.files(["*.csv"]))).units.isEmpty)
        #expect(try await read(folder, ReadRequest(.files([]))).units.isEmpty)
        let missing = await #expect(throws: SluiceError.self) {
            _ = try await read(folder, ReadRequest(.files(["orders.csv"])))
        }
        #expect(missing?.code == .notFound)
        let elsewhere = await #expect(throws: SluiceError.self) {
            _ = try await read(folder, ReadRequest(.files(["not/*.csv"])))
        }
        #expect(elsewhere?.hint?.contains("not/' does not exist") == true)
        let isFolder = await #expect(throws: SluiceError.self) {
            _ = try await read(folder, ReadRequest(.table(".")))
        }
        #expect(isFolder?.message == "is a folder, not a file")
    }

    @Test func aPathMayBeAFileOrAPattern() async throws {
        let folder = try TemporaryFolder()
        try folder.write("id\n1\n", "data/a[1].csv")
        try folder.write("id\n2\n", "data/b.csv")
        for (url, names) in [
            ("data/a[1].csv", ["a[1].csv"]), ("data/*.csv", ["a[1].csv", "b.csv"]), ("data", ["a[1].csv", "b.csv"]),
            ("file:data/b.csv", ["b.csv"]), (folder.path + "/data/b.csv", ["b.csv"]),
            ("file://\(folder.path)/data/", ["a[1].csv", "b.csv"]),
        ] {
            let read = try await connector(url, folder: folder.path).read(ReadRequest(.files([])))
            #expect(read.units.map(\.name) == names, "\(url)")
        }
    }

    @Test func columnsLimitAndFormatAreHeeded() async throws {
        let folder = try TemporaryFolder()
        try folder.write("id|name\n1|a\n2|b\n", "data/a.txt")
        try folder.write("id|name\n3|c\n4|d\n", "data/b.txt")
        var request = ReadRequest(.files(["*.txt"]))
        request.format = "csv"
        request.delimiter = "|"
        request.columns = ["name", "id"]
        request.limit = 3
        let read = try await read(folder, request)
        #expect(try await all(read) == [["a", "1"], ["b", "2"], ["c", "3"]])
        #expect(try await read.units[0].file() != nil)
        // Reading a unit again does not use the limit up.
        #expect(try await rows(of: read.units[0]).rows == [["a", "1"], ["b", "2"]])
        // A file that was read in part is not loaded.
        #expect(try await read.units[1].file() == nil)
        request.columns = ["nam"]
        let wrong = await #expect(throws: SluiceError.self) { _ = try await all(try await self.read(folder, request)) }
        #expect(wrong?.hint == "Did you mean \"name\"?")
        request.format = "cvs"
        await #expect(throws: SluiceError.self) { _ = try await self.read(folder, request) }
        request.format = nil
        request.filter = "id > 1"
        let filter = await #expect(throws: SluiceError.self) { _ = try await self.read(folder, request) }
        #expect(filter?.code == .invalidConfiguration)
        await #expect(throws: SluiceError.self) {
            _ = try await self.read(folder, ReadRequest(.query("select 1", parameters: [:])))
        }
    }

    @Test func anEmptyFileHasNoRows() async throws {
        let folder = try TemporaryFolder()
        try folder.write("", "data/a.csv")
        var request = ReadRequest(.files(["a.csv"]))
        request.columns = ["id"]
        request.cursor = CursorRange(column: "id", from: "1")
        request.types = try Schema(parsing: "id: int64")
        let read = try await read(folder, request)
        #expect(try await rows(of: read.units[0]).rows.isEmpty)
    }

    @Test func columnsWithoutValuesAreTold() async throws {
        let folder = try TemporaryFolder()
        try folder.write("id,note,text\n1,,a\n2,,b\n", "data/a.csv")
        let read = try await read(folder, ReadRequest(.files(["a.csv"])))
        #expect(try await rows(of: read.units[0]).columnsWithoutValues == ["note"])
    }

    // MARK: The ledger

    @Test func newAndChangedFilesAreReadAndOthersAreNot() async throws {
        let folder = try TemporaryFolder()
        for name in ["kept", "touched", "changed", "rewritten", "vanished"] {
            try folder.write("id\n1\n", "data/\(name).csv")
            folder.touch("data/\(name).csv", 1_000)
        }
        var request = ReadRequest(.files(["*.csv"]))
        let first = try await read(folder, request)
        for unit in first.units {
            _ = try await rows(of: unit)
            request.known[unit.name] = try await unit.file()
        }
        #expect(request.known.count == 5)
        #expect(request.known["kept.csv"]?.modified == 1_000_000_000_000)
        folder.touch("data/touched.csv", 2_000)
        try folder.write("id\n1\n2\n", "data/changed.csv")
        // The same size, and even the same time would not do: the contents count when the time differs.
        try folder.write("id\n9\n", "data/rewritten.csv")
        folder.touch("data/rewritten.csv", 3_000)
        try folder.remove("data/vanished.csv")
        try folder.write("id\n1\n", "data/new.csv")
        let second = try await read(folder, request)
        #expect(second.units.map(\.name) == ["changed.csv", "new.csv", "rewritten.csv"])
        #expect(second.knownUnits == 2)
    }

    @Test func theLedgerSurvivesAMoveOfTheProject() async throws {
        let folder = try TemporaryFolder()
        try folder.write("id\n1\n", "data/a.csv")
        var request = ReadRequest(.files(["a.csv"]))
        let unit = try await read(folder, request).units[0]
        request.known[unit.name] = try await unit.file()
        let other = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: folder.path + "/data", toPath: other.path + "/data")
        #expect(try await read(other, request).knownUnits == 1)
    }

    @Test func aFileThatChangesWhileItIsReadIsATransientError() async throws {
        let folder = try TemporaryFolder()
        try folder.write("id\n1\n", "data/a.csv")
        let unit = try await read(folder, ReadRequest(.files(["a.csv"]))).units[0]
        let reader = try await unit.open(under: nil)
        _ = try await reader.next()
        try folder.write("id\n1\n2\n", "data/a.csv")
        let error = await #expect(throws: SluiceError.self) { while try await reader.next() != nil {} }
        #expect(error?.isTransient == true)
        #expect(error?.place.file?.hasSuffix("data/a.csv") == true)
        // Read again, it is what it is now.
        #expect(try await rows(of: unit).rows == [["1"], ["2"]])
        #expect(try await unit.file()?.size == 7)
    }

    @Test func aFileThatVanishesIsAnError() async throws {
        let folder = try TemporaryFolder()
        try folder.write("id\n1\n", "data/a.csv")
        let unit = try await read(folder, ReadRequest(.files(["a.csv"]))).units[0]
        try folder.remove("data/a.csv")
        await #expect(throws: SluiceError.self) { _ = try await unit.open(under: nil) }
        await #expect(throws: SluiceError.self) { _ = try await unit.file() }
    }

    // MARK: What it says of itself

    @Test func checkAndDiscoverLookAtTheFolder() async throws {
        let folder = try TemporaryFolder()
        try folder.write("id,day\n1,2024-01-01\n", "data/a.csv")
        try folder.write("[{\"x\": [1]}]", "data/b.json")
        let source = try await connector("file:data", folder: folder.path)
        #expect(try await source.check() == "2 files")
        let tables = try await source.discover()
        #expect(tables.map(\.name) == ["a.csv", "b.json"])
        #expect(tables[0].schema.description == "id: int64, day: date")
        let missing = try await connector("file:not", folder: folder.path)
        await #expect(throws: SluiceError.self) { _ = try await missing.check() }
    }
}
