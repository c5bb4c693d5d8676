// The Swift side of the Parquet and ODBC benchmarks: the work alone, on one thread, without parsing and without a process's start.
//
//     bench read FILE          reads all columns into memory and drops them
//     bench write FILE CODEC   holds FILE's columns in memory and writes them to FILE.CODEC.sluice
//     bench odbc STRING QUERY  fetches what the query brings into columns and drops them
//     bench bulk STRING ROWS   copies rows of five columns into a table of a SQL Server, which is emptied before each turn
//
// For every line on standard input the work is done once, and its wall clock and user seconds are printed.

import Columns
import Glibc
import ODBC
import Parquet
import Storage
import Support

struct Usage: Error, CustomStringConvertible {
    let description =
        "usage: bench read FILE | bench write FILE CODEC | bench odbc STRING QUERY | bench bulk STRING ROWS"
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
func serve(after prepare: () async throws -> Void = {}, _ work: () async throws -> Void) async throws {
    print("ready")
    fflush(nil)
    while readLine() != nil {
        try await prepare()
        let user = userSeconds()
        let start = ContinuousClock.now
        try await work()
        let wall = start.duration(to: .now) / .seconds(1)
        print(wall, userSeconds() - user)
        fflush(nil)
    }
}

/// The rows that `Benchmarks/BCP/bcp.c` sends, as columns: some text is null.
func bulkRows(_ range: Range<Int>) -> [Column] {
    let id = FixedBuilder<Int64>(.int64, convert: { _ in nil })
    let text = BytesBuilder(.utf8)
    let number = FixedBuilder<Double>(.float64, convert: { _ in nil })
    let amount = FixedBuilder<Int128>(.decimal(precision: 18, scale: 4), convert: { _ in nil })
    let moment = FixedBuilder<Int64>(.timestamp(.microsecond, zone: nil), convert: { _ in nil })
    for i in range {
        id.append(Int64(i))
        let letters = (0..<5 + i % 40).map { UInt8(97 + (i + $0) % 26) }
        if i % 10 == 0 { text.appendNull() } else { letters.withUnsafeBytes { text.append($0) } }
        number.append(Double(i) / 7)
        amount.append(Int128(i))
        moment.append(1_704_067_200_000_000 + Int64(i) * 1_000_003)
    }
    return [id.finish(), text.finish(), number.finish(), amount.finish(), moment.finish()]
}

func copyRows(_ rows: Int, to string: String) async throws {
    var settings = ODBCSettings(name: "bench", string: try ConnectionString(parsing: string))
    settings.bulkCopy = true
    let session = try await ODBCConnection.open(settings)
    let fields = [
        Field("id", .int64), Field("t", .utf8), Field("n", .float64), Field("a", .decimal(precision: 18, scale: 4)),
        Field("at", .timestamp(.microsecond, zone: nil)),
    ]
    let batches = stride(from: 0, to: rows, by: 65_536).map { start in
        let columns = bulkRows(start..<min(rows, start + 65_536))
        return RecordBatch(schema: Schema(fields), columns: columns, rowCount: columns[0].count)
    }
    let table = "sluice_bench_bulk"
    try await session.query("DROP TABLE IF EXISTS \(table)")
    try await session.query(
        "CREATE TABLE \(table) (id BIGINT, t NVARCHAR(100), n FLOAT, a DECIMAL(18,4), at DATETIME2(6))")
    try await serve(after: { try await session.query("TRUNCATE TABLE \(table)") }) {
        let bulk = session.bulk(
            into: table,
            columns: [
                ODBCBulkColumn("id", .bigint), ODBCBulkColumn("t", .text(limit: 100)), ODBCBulkColumn("n", .float),
                ODBCBulkColumn("a", .decimal(precision: 18, scale: 4)), ODBCBulkColumn("at", .wallClock(digits: 6)),
            ])
        if let obstacle = bulk.obstacle { throw SluiceError(.unsupported, "no bulk copy: \(obstacle)") }
        for batch in batches { try await bulk.write(batch) }
        _ = try await bulk.finish()
    }
    try await session.query("DROP TABLE \(table)")
    await session.close()
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
case ("bulk", 4):
    try await copyRows(Int(arguments[3]) ?? 0, to: arguments[2])
default: throw Usage()
}
