import Glibc
import Storage
import Support
import Testing

@testable import Synthetic

/// A folder that lives as long as the body of a test.
private func withFolder(_ body: (String) async throws -> Void) async throws {
    let path = "/tmp/sluice-synthetic-\(String(UInt64.random(in: .min ... .max), radix: 36))"
    defer { _ = system("rm -rf '\(path)'") }
    try await body(path)
}

private func contents(_ path: String) async throws -> [UInt8] {
    let stream = try await Storage.open(path).stream()
    var all: [UInt8] = []
    while let block = try await stream.next() { all += block.bytes }
    return all
}

private func put(_ text: String, at path: String) throws {
    let file = try #require(fopen(path, "w"))
    fputs(text, file)
    fclose(file)
}

@Suite struct SalesFilesTests {
    @Test func threadsDoNotChangeWhatIsMade() async throws {
        try await withFolder { folder in
            let plan = SalesPlan(count: 700, files: 5)
            let one = try await SalesFiles(plan, folder: folder + "/one", threads: 1).write()
            let many = try await SalesFiles(plan, folder: folder + "/deep/many/", threads: 4).write()
            #expect(one.count == 5)
            for (index, (left, right)) in zip(one, many).enumerated() {
                let made = bytes(plan, file: index)
                #expect(try await contents(left.path) == made)
                #expect(try await contents(right.path) == made)
                #expect(left.bytes == made.count && left.transactions == 700 && !left.wasThere)
                #expect(right.path == folder + "/deep/many/" + plan.fileName(index))
                #expect(left.batchID == plan.batchID(index))
            }
        }
    }

    @Test(arguments: [nil, FileCompression.gzip, .zstd])
    func whatIsThereIsLeftAloneWhenItIsTheSame(compression: FileCompression?) async throws {
        try await withFolder { folder in
            let few = SalesPlan(count: 300, files: 2, compression: compression)
            let first = try await SalesFiles(few, folder: folder).write()
            let before = FileFacts(path: first[0].path)
            var plan = few
            plan.files = 4
            let again = try await SalesFiles(plan, folder: folder, threads: 2).write()
            #expect(again.map(\.wasThere) == [true, true, false, false])
            #expect(again.map(\.transactions) == [300, 300, 300, 300])
            #expect(again[0].bytes == first[0].bytes && again[0].anomalies == first[0].anomalies)
            #expect(FileFacts(path: first[0].path) == before)
        }
    }

    @Test(arguments: ["seed", "longer", "shorter", "empty", "none of ours"])
    func whatIsThereAndDiffersIsNeitherReplacedNorJoined(change: String) async throws {
        try await withFolder { folder in
            let plan = SalesPlan(count: 300, files: 3)
            try Storage.makeFolders(folder)
            let path = "\(folder)/\(plan.fileName(1))"
            let made = text(plan, file: 1)
            let there =
                switch change {
                case "seed": text(SalesPlan(count: 300, seed: 9), file: 1)
                case "longer": made + "\n"
                case "shorter": String(made.dropLast())
                case "empty": ""
                default: "hello"
                }
            try put(there, at: path)
            let error = await #expect(throws: SluiceError.self) { try await SalesFiles(plan, folder: folder).write() }
            #expect(error?.place.file == path)
            #expect(error?.code == .invalidConfiguration)
            #expect(error?.hint?.contains("--overwrite") == true)
            #expect(try await contents(path) == Array(there.utf8))
            // Nothing else was begun.
            #expect(FileFacts(path: "\(folder)/\(plan.fileName(0))") == nil)

            let replaced = try await SalesFiles(plan, folder: folder, overwrites: true).write()
            #expect(replaced.map(\.wasThere) == [false, false, false])
            #expect(try await contents(path) == Array(made.utf8))
        }
    }

    @Test func packedBytesThatAreDamagedDiffer() async throws {
        try await withFolder { folder in
            let plan = SalesPlan(count: 300, compression: .gzip)
            try Storage.makeFolders(folder)
            try put("hello", at: "\(folder)/\(plan.fileName(0))")
            let error = await #expect(throws: SluiceError.self) { try await SalesFiles(plan, folder: folder).write() }
            #expect(error?.message.contains("is there already") == true)
        }
    }

    @Test func packedFilesHoldTheSame() async throws {
        for compression in FileCompression.allCases {
            let plan = SalesPlan(count: 2000, compression: compression)
            let sink = MemorySink()
            let file = try await SalesFiles.write(plan, file: 0, to: sink)
            let packed = try #require(sink.contents)
            #expect(FileCompression.detect(packed.bytes) == compression)
            #expect(file.transactions == 2000)
        }
    }

    /// More files than processors: whoever cancels needs a thread too. Should that fail, 300 MB are written, and no more.
    @Test(.timeLimit(.minutes(1))) func cancellingLeavesNothing() async throws {
        try await withFolder { folder in
            let monitor = SalesMonitor()
            let threads = SalesFiles.processorCount + 1
            let plan = SalesPlan(count: 220_000 / threads, files: threads)
            let task = Task { try await SalesFiles(plan, folder: folder, threads: threads).write(monitor) }
            while monitor.transactions == 0 { try await Task.sleep(for: .milliseconds(1)) }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(monitor.transactions < 110_000)
            let names = try #require(opendir(folder))
            defer { closedir(names) }
            var count = 0
            while readdir(names) != nil { count += 1 }
            // `.` and `..`
            #expect(count == 2)
        }
    }

    @Test func aFolderThatCannotBeMadeIsExplained() async throws {
        try await withFolder { folder in
            try Storage.makeFolders(folder)
            try put("x", at: folder + "/file")
            for path in ["/file", "/file/below"] {
                let error = await #expect(throws: SluiceError.self) {
                    try await SalesFiles(SalesPlan(), folder: folder + path).write()
                }
                #expect(error?.message.contains("is a file") == true)
            }
        }
    }
}
