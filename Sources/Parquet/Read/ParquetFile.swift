public import Columns
public import Support

/// A Parquet file whose footer has been read.
///
///     let file = try await ParquetFile.open(source)
///     let reader = try file.reader(columns: ["id", "address.city"])
///     while let batch = try await reader.next() { … }
public final class ParquetFile: Sendable {
    /// What the footer says: row groups, column chunks, statistics, key-value metadata.
    public let metadata: FileMetadata
    /// The columns.
    public let schema: Schema
    /// What this file was opened with.
    public let limits: ParquetLimits
    let source: any RandomAccess
    let nodes: [SchemaNode]
    let leaves: [Leaf]
    /// Where the footer begins: no page lies behind.
    let dataEnd: Int
    /// How many bytes the footer has, the eight behind it left out.
    public var footerBytes: Int { source.size - 8 - dataEnd }

    private init(
        metadata: FileMetadata, source: any RandomAccess, nodes: [SchemaNode], limits: ParquetLimits, dataEnd: Int
    ) {
        self.metadata = metadata
        self.source = source
        self.limits = limits
        self.dataEnd = dataEnd
        self.nodes = nodes
        leaves = nodes.flatMap(\.leaves)
        var pairs: [String: String] = [:]
        for pair in metadata.keyValues where pair.key != ArrowSchema.key {
            pairs[pair.key] = pair.value ?? ""
        }
        schema = Schema(nodes.map(\.field), metadata: pairs)
    }

    /// How much is fetched from the end of a file in the hope that it holds all of the footer.
    public static let usualTailBytes = 64 << 10

    /// Reads the footer of `source`, and nothing else.
    ///
    /// - parameter int96Unit: what INT96 timestamps become. Nanoseconds keep every digit, and reach from 1677 to 2262;
    ///   a value outside is an error.
    /// - parameter tailBytes: How much is fetched from the end at first; what is missing of the footer comes with a second
    ///   read.
    /// - throws: `SluiceError` when the file is not Parquet, is damaged, or is beyond a limit.
    public static func open(
        _ source: any RandomAccess, limits: ParquetLimits = .init(), int96Unit: TimeUnit = .nanosecond,
        tailBytes: Int = usualTailBytes
    ) async throws(SluiceError) -> ParquetFile {
        do throws(SluiceError) {
            return try await read(source, limits, int96Unit, max(8, tailBytes))
        } catch {
            throw error.at(.init(file: source.name))
        }
    }

    private static func read(
        _ source: any RandomAccess, _ limits: ParquetLimits, _ int96Unit: TimeUnit, _ tailBytes: Int
    ) async throws(SluiceError) -> ParquetFile {
        let size = source.size
        guard size >= 12 else {
            throw SluiceError(.invalidData, "\(size) bytes are too few for a Parquet file, which has at least 12")
        }
        let tail = try await source.read(max(0, size - tailBytes)..<size)
        guard tail.count == min(size, tailBytes) else {
            throw SluiceError(.inputOutput, "the end of the file could not be read")
        }
        let (length, magic) = tail.withUnsafeBytes { bytes in
            (
                Int(bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt32.self)),
                bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self)
            )
        }
        // "PAR1" and "PARE", as little-endian numbers.
        if magic == 0x4552_4150 { throw SluiceError(.unsupported, "the file's footer is encrypted") }
        guard magic == 0x3152_4150 else {
            throw SluiceError(
                .invalidData, "not a Parquet file, or one that was cut short: it does not end with PAR1",
                place: .init(offset: size - 4))
        }
        guard length <= size - 12 else {
            throw SluiceError(
                .invalidData, "the footer is declared to have \(length) bytes in a file of \(size)",
                place: .init(offset: size - 8))
        }
        guard length <= limits.maxFooterBytes else {
            throw SluiceError(
                .limitExceeded, "the footer has \(length) bytes, the limit is \(limits.maxFooterBytes)",
                place: .init(offset: size - 8))
        }
        let start = size - 8 - length
        var footer: Buffer
        if length + 8 <= tail.count {
            footer = tail[tail.count - 8 - length..<tail.count - 8]
        } else {
            // Only what the first read did not bring.
            let joined = MutableBuffer(capacity: length)
            joined.append(try await source.read(start..<size - tail.count))
            joined.append(tail[0..<tail.count - 8])
            footer = joined.freeze()
            guard footer.count == length else { throw SluiceError(.inputOutput, "the footer could not be read") }
        }
        let metadata = try footer.withUnsafeBytes { (bytes) throws(SluiceError) -> FileMetadata in
            var reader = ThriftReader(bytes, origin: start)
            return try FileMetadata(from: &reader)
        }
        guard !metadata.isEncrypted else { throw SluiceError(.unsupported, "the file is encrypted") }
        var nodes = try SchemaTreeBuilder.build(metadata.schema, limits: limits, int96Unit: int96Unit)
        // An Arrow schema that cannot be read says nothing; the file can be read without.
        if let text = metadata.keyValues.first(where: { $0.key == ArrowSchema.key })?.value,
            let arrow = try? ArrowSchema.decode(base64: text), arrow.fields.count == nodes.count
        {
            nodes = zip(nodes, arrow.fields).map { node, field in
                node.field.name == field.name ? node.hinted(by: field) : node
            }
        }
        let file = ParquetFile(metadata: metadata, source: source, nodes: nodes, limits: limits, dataEnd: start)
        try file.check()
        return file
    }

    /// Holds the footer's counts against each other.
    private func check() throws(SluiceError) {
        var rows: Int64 = 0
        for (number, group) in metadata.rowGroups.enumerated() {
            guard group.columns.count == leaves.count else {
                throw SluiceError(
                    .invalidData,
                    "row group \(number) has \(group.columns.count) column chunks, the schema has \(leaves.count) leaves"
                )
            }
            let (sum, overflow) = rows.addingReportingOverflow(group.rowCount)
            guard group.rowCount >= 0, !overflow else {
                throw SluiceError(.invalidData, "row group \(number) declares \(group.rowCount) rows")
            }
            rows = sum
        }
        guard rows == metadata.rowCount else {
            throw SluiceError(
                .invalidData, "the file declares \(metadata.rowCount) rows, its row groups have \(rows)")
        }
    }
}
