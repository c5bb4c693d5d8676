import Glibc
import Testing

@testable import Commands

/// A folder that lives as long as the body of a test.
private func withFolder(_ body: (String) async throws -> Void) async throws {
    let path = "/tmp/sluice-tests-\(String(UInt64.random(in: .min ... .max), radix: 36))"
    try #require(mkdir(path, 0o700) == 0)
    defer {
        for name in names(in: path) { unlink(path + "/" + name) }
        rmdir(path)
    }
    try await body(path)
}

private func names(in path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

private func put(_ text: String, at path: String) throws {
    let file = try #require(fopen(path, "w"))
    fputs(text, file)
    fclose(file)
}

@Suite struct ConvertTests {
    private let csv = "id,name,price\n1,ann,1.5\n2,\"bo,b\",2.25\n3,,\n"

    @Test(arguments: ["csv", "tsv", "json", "ndjson", "parquet", "csv.gz", "ndjson.zst", "json.gz"])
    func everyFormatRoundTrips(_ ending: String) async throws {
        try await withFolder { folder in
            try put(csv, at: folder + "/in.csv")
            let there = await Run.words(["convert", "in.csv", "mid.\(ending)"], in: folder)
            #expect(there.code == .succeeded, "\(there.messages)")
            let back = await Run.words(["convert", "mid.\(ending)", "-", "--to", "csv"], in: folder)
            #expect(back.output == csv)
            #expect(names(in: folder) == ["in.csv", "mid.\(ending)"])
        }
    }

    @Test func readsStandardInputAndTellsItsFormat() async throws {
        for input in [csv, "[{\"id\":1}]", "{\"id\":1}\n{\"id\":2}\n", "a\tb\n1\t2\n"] {
            let run = await Run.words(["convert", "-", "-", "--to", "ndjson"], input: input)
            #expect(run.code == .succeeded, "\(run.messages)")
            #expect(run.output.hasPrefix("{"))
        }
    }

    @Test func summaryGoesToStandardErrorAndCanBeSilenced() async throws {
        try await withFolder { folder in
            try put(csv, at: folder + "/in.csv")
            let run = await Run.words(["convert", "in.csv", "out.parquet"], in: folder)
            #expect(run.output.isEmpty)
            #expect(run.messages.hasPrefix("out.parquet: 3 rows from 1 file, 42 B read, "))
            #expect(await Run.words(["convert", "-q", "in.csv", "out.parquet"], in: folder).messages.isEmpty)
        }
    }

    @Test func summaryForMachines() async throws {
        try await withFolder { folder in
            try put(csv, at: folder + "/in.csv")
            let run = await Run.words(["convert", "in.csv", "out.json", "--json"], in: folder)
            #expect(run.messages.isEmpty)
            #expect(run.output.contains("\"rows\": 3,"))
            #expect(run.output.contains("\"format\": \"json\","))
        }
    }

    @Test func tableAndAnswerDoNotShareStandardOutput() async throws {
        let run = await Run.words(["convert", "-", "-", "--to", "csv", "--json"], input: csv)
        #expect(run.code == .usage)
    }

    @Test func inputIsNeverReplaced() async throws {
        try await withFolder { folder in
            try put(csv, at: folder + "/a.csv")
            symlink(folder + "/a.csv", folder + "/b.csv")
            for line in ["convert a.csv a.csv", "convert a.csv b.csv", "convert *.csv a.csv"] {
                let run = await Run.line(line, in: folder)
                #expect(run.code == .usage)
                #expect(run.messages.contains("is both input and output"))
            }
        }
    }

    @Test func failureLeavesWhatWasThere() async throws {
        try await withFolder { folder in
            try put("a,b\n1,2\n3\n", at: folder + "/bad.csv")
            try put("old", at: folder + "/out.json")
            for output in ["out.json", "new.json"] {
                let run = await Run.line("convert bad.csv \(output)", in: folder)
                #expect(run.code == .failed)
                #expect(run.messages.contains("line 3"))
            }
            #expect(names(in: folder) == ["bad.csv", "out.json"])
        }
    }

    @Test func existingOutputIsReplacedUnlessForbidden() async throws {
        try await withFolder { folder in
            try put(csv, at: folder + "/in.csv")
            try put("old", at: folder + "/out.json")
            #expect(await Run.line("convert in.csv out.json --no-overwrite", in: folder).code == .invalidConfiguration)
            #expect(await Run.line("convert in.csv out.json", in: folder).code == .succeeded)
        }
    }

    @Test func lateWideningIsTold() async throws {
        try await withFolder { folder in
            let rows = (0..<200_000).map { "\($0),some text to fill the line\n" }.joined()
            try put("n,t\n" + rows + "1.5,x\n", at: folder + "/in.csv")
            let run = await Run.line("convert in.csv out.parquet", in: folder)
            #expect(run.code == .succeeded)
            #expect(run.messages.contains("column \"n\" turns out to be float64; reading again"))
            #expect(run.messages.contains("200,001 rows"))
        }
    }

    @Test func schemaComesFromAFileToo() async throws {
        try await withFolder { folder in
            try put("zip,n\n01234,1\n", at: folder + "/in.csv")
            try put("zip: utf8, # with its zeros\nn: float64\n", at: folder + "/schema.txt")
            let run = await Run.line("convert in.csv - --to ndjson --schema @schema.txt", in: folder)
            #expect(run.output == "{\"zip\":\"01234\",\"n\":1.0}\n")
        }
    }

    @Test func dialectsAreReadAndWritten() async throws {
        let run = await Run.words(
            ["convert", "-", "-", "--from", "csv", "--to", "csv", "-d", ";", "--quote", "'", "--null", "NA"]
                + ["--out-delimiter", "tab", "--out-null", "NULL", "--crlf"],
            input: "a;b\n'x;y';NA\n")
        #expect(run.output == "a\tb\r\nx;y\tNULL\r\n")
    }

    @Test(arguments: [
        "convert - out.csv --page-bytes 1MB", "convert - out.parquet --out-delimiter ;", "convert - out",
        "convert - out.parquet.gz", "convert - - --to csv --compression snappy",
        "convert - out.parquet --compression zstd:x", "convert - out.parquet --compression snappy:3",
        "convert - out.parquet --column-encoding fancy", "convert - out.parquet --rename a",
        "convert - - out.csv", "convert - out.csv --delimiter ab",
    ])
    func mistakesAreUsageErrors(_ line: String) async throws {
        try await withFolder { folder in
            let run = await Run.line(line, in: folder, input: "a\n1\n")
            #expect(run.code == .usage, "\(run.messages)")
            #expect(names(in: folder) == [])
        }
    }

    @Test func parquetIsNotWrittenToATerminal() async throws {
        let run = await Run.words(
            ["convert", "-", "-", "--to", "parquet"], input: csv, terminal: .init(outputIsTerminal: true))
        #expect(run.code == .usage)
    }

    @Test func patternWithoutAMatchIsAnError() async throws {
        try await withFolder { folder in
            let run = await Run.line("convert *.csv out.parquet", in: folder)
            #expect(run.code == .failed)
            #expect(run.messages.contains("no file matches the pattern"))
        }
    }
}
