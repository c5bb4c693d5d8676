// The Swift side of the Parquet and ODBC benchmarks: the work alone, on one thread, without parsing and without a process's start.
//
//     bench read FILE          reads all columns into memory and drops them
//     bench write FILE CODEC   holds FILE's columns in memory and writes them to FILE.CODEC.sluice
//     bench odbc STRING QUERY  fetches what the query brings into columns and drops them
//
// For every line on standard input the work is done once, and its wall clock and user seconds are printed.

import Columns
import Glibc
import ODBC
import Parquet
import Storage
import Support

struct Usage: Error, CustomStringConvertible {
    let description = "usage: bench read FILE | bench write FILE CODEC | bench odbc STRING QUERY"
}

/// A file without the `fsync` that Sluice's own outputs get and its peers' do not.
final class PlainFile: ByteSink {
    let name: String
    private let descriptor: Int32

    init(_ path: String) throws(SluiceError) {
        name = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        if descriptor < 0 { throw SluiceError(.inputOutput, "cannot be written", place: .init(file: path)) }
    }

    deinit { close(descriptor) }

    func write(_ bytes: Buffer) async throws(SluiceError) {
        let isWritten = bytes.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if count <= 0 { return false }
                done += count
            }
            return true
        }
        if !isWritten { throw SluiceError(.inputOutput, "cannot be written", place: .init(file: name)) }
    }

    func finish() async throws(SluiceError) {}
    func abandon() async {}
}

func readAll(_ path: String) async throws -> (schema: Schema, batches: [RecordBatch]) {
    let reader = try await ParquetFile.open(LocalFile(path)).reader(parallelism: 1)
    var batches: [RecordBatch] = []
    while let batch = try await reader.next() { batches.append(batch) }
    return (reader.schema, batches)
}

func userSeconds() -> Double {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    return Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1e6
}

/// Does `work` for every line that comes in.
func serve(_ work: () async throws -> Void) async throws {
    print("ready")
    fflush(nil)
    while readLine() != nil {
        let user = userSeconds()
        let start = ContinuousClock.now
        try await work()
        let wall = start.duration(to: .now) / .seconds(1)
        print(wall, userSeconds() - user)
        fflush(nil)
    }
}

let arguments = CommandLine.arguments
switch (arguments.dropFirst().first, arguments.count) {
case ("read", 3):
    try await serve { _ = try await readAll(arguments[2]) }
case ("write", 4):
    guard let codec = Codec.supported.first(where: { $0.description == arguments[3].uppercased() }) else {
        throw Usage()
    }
    let (schema, batches) = try await readAll(arguments[2])
    try await serve {
        let sink = try PlainFile("\(arguments[2]).\(arguments[3]).sluice")
        let options = ParquetWriterOptions(compression: codec, parallelism: 1)
        let writer = try await ParquetWriter(sink, schema: schema, options: options)
        for batch in batches { try await writer.write(batch) }
        try await writer.finish()
    }
case ("odbc", 4):
    let string = try ConnectionString(parsing: arguments[2])
    let session = try await ODBCConnection.open(ODBCSettings(name: "bench", string: string))
    try await serve {
        let rows = try await session.rows(arguments[3])
        while try await rows.next() != nil {}
    }
default: throw Usage()
}
