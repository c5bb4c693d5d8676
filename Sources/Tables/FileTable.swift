public import Columns
public import Parquet
public import Storage
public import Support
import TextFormats

/// The table in a file of any format.
public struct FileTable: TableSource {
    /// What the file is called.
    public var name: String { file.name }
    /// What the file is made of.
    public let format: FileFormat
    private let file: any InputFile
    private let options: TableReadOptions

    /// The table in `file`, of the format that the options, its name or its first bytes tell.
    ///
    /// - throws: `SluiceError` when the file cannot be read, or nothing tells its format.
    public init(_ file: any InputFile, options: TableReadOptions = .init()) async throws(SluiceError) {
        try await self.init(file, options: options, monitor: nil)
    }

    /// The same, with the bytes that are read afterwards counted by `monitor`.
    public init(_ file: any InputFile, options: TableReadOptions, monitor: ConversionMonitor?) async throws(SluiceError)
    {
        let packed = try await FileTable.firstBytes(of: file)
        let (namedCompression, bareName) = FileCompression.split(file.name)
        // What the bytes say wins: a transfer may have unpacked a file and left its name as it was. Only an empty file has
        // no say, and an empty file under a packed name has lost its contents.
        let compression = FileCompression.detect(packed) ?? (packed.isEmpty ? namedCompression : nil)
        var start = packed
        var counted = file
        if let monitor { counted = MeteredFile(base: file, monitor: monitor) }
        if let compression {
            let limits = options.decompression
            start = try await FileTable.firstBytes(of: Decompressed(file, compression, limits: limits))
            self.file = Decompressed(counted, compression, limits: limits)
        } else {
            self.file = counted
        }
        self.options = options
        format = try FileTable.format(bareName, start, options)
    }

    /// How many bytes are looked at to tell a format.
    private static let sampleSize = 1 << 16

    private static func firstBytes(of file: any InputFile) async throws(SluiceError) -> [UInt8] {
        let stream = try await file.stream()
        var bytes: [UInt8] = []
        while bytes.count < sampleSize, let more = try await stream.next() {
            bytes += more[0..<min(more.count, sampleSize)].bytes
        }
        return bytes
    }

    private static func format(
        _ name: String, _ start: [UInt8], _ options: TableReadOptions
    ) throws(SluiceError) -> FileFormat {
        if let format = options.format { return format }
        let looksLike = FileFormat.detect(start)
        if looksLike == .parquet { return .parquet }
        if let format = FileFormat(fileName: name) ?? looksLike { return format }
        // Nothing at all is a table without rows.
        if start.isEmpty { return .csv }
        throw SluiceError(
            .unsupported, "neither the name nor the first bytes tell the format", place: .init(file: name),
            hint: "Say it with --from: \(FileFormat.listed)")
    }

    /// The Parquet file that the table lies in; nil when it is of another format.
    public func parquetFile() async throws(SluiceError) -> ParquetFile? {
        if format != .parquet { return nil }
        return try await ParquetFile.open(try await file.randomAccess(), limits: options.parquet)
    }

    /// Whether types are found out from the values.
    public var infersTypes: Bool { format != .parquet && options.schema == nil }

    /// Begins to read.
    public func open(under schema: Schema?, columns: [String]?) async throws -> any BatchReader {
        let schema = schema ?? options.schema
        switch format {
        case .csv, .tsv:
            var csv = options.csv
            if format == .tsv { csv.delimiter = csv.delimiter ?? UInt8(ascii: "\t") }
            if let threads = options.threads { csv.parallelism = threads }
            return try await CSVReader.open(file, options: csv, schema: schema)
        case .json, .ndjson:
            var json = options.json
            // On lines of their own, arrays are records like any other value.
            if format == .ndjson, json.layout == .auto { json.layout = .lines }
            if let threads = options.threads { json.parallelism = threads }
            if format == .json, let key = options.jsonPayload {
                return try await JSONReader.open(PayloadSource(file, key: key), options: json, schema: schema)
            }
            return try await JSONReader.open(file, options: json, schema: schema)
        case .parquet:
            let parquet = try await ParquetFile.open(try await file.randomAccess(), limits: options.parquet)
            let wanted = columns.map { columns in
                let known = Set(parquet.schema.fields.map(\.name))
                return columns.filter { known.contains($0) }
            }
            if let threads = options.threads { return try parquet.reader(columns: wanted, parallelism: threads) }
            return try parquet.reader(columns: wanted)
        }
    }
}
