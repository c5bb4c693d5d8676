import CommandLine
import Parquet
import Storage
import Support
import Tables
import TextFormats

/// The options by which commands write tables.
struct TableWriteParameters: Sendable {
    let to = Parameter.optional(
        "to", .choice(FileFormat.self, "FORMAT"), help: "The output's format, where its name does not tell")
    let compression = Parameter.optional(
        "compression", .compression, short: "z",
        help:
            "none, snappy, gzip, zstd, lz4 or brotli, with a level as in zstd:9; Parquet's pages are zstd when not given"
    )

    let outDelimiter = Parameter.option(
        "out-delimiter", .delimiter, default: ",", help: "What stands between fields")
    let outHeader = Parameter.flag(
        "out-header", default: true, help: "Whether the first line names the columns")
    let outNull = Parameter.option("out-null", .text, default: "", help: "What is written for null")
    let quoteAll = Parameter.flag("quote-all", help: "Quote every text, not only where it is needed")
    let crlf = Parameter.flag("crlf", help: "End lines as Windows does")
    let byteOrderMark = Parameter.flag("bom", help: "Begin with a byte order mark, for Excel")

    let indent = Parameter.option(
        "indent", .integer(in: 0...16), default: "0", help: "Indent the records of a JSON array")

    let rowGroupRows = Parameter.option(
        "row-group-rows", .integer(1...), default: "1048576", help: "The most rows of a row group")
    let rowGroupBytes = Parameter.option(
        "row-group-bytes", .byteSize, default: "64MiB", help: "The size of a row group before compression")
    let pageBytes = Parameter.option(
        "page-bytes", .byteSize, default: "1MiB", help: "The size of a page before compression")
    let pageVersion = Parameter.option(
        "page-version", .integer(in: 1...2), default: "1", help: "The layout of data pages")
    let dictionary = Parameter.flag("dictionary", default: true, help: "Whether dictionaries are tried")
    let columnEncoding = Parameter.repeated(
        "column-encoding", .columnEncoding, separator: ",",
        help: "The encoding of one column, or of all that can have it: plain, delta_binary_packed, …")
    let statistics = Parameter.flag(
        "statistics", default: true, help: "Whether smallest and largest values are noted")
    let pageIndex = Parameter.flag("page-index", default: true, help: "Whether the places of pages are noted")
    let checksums = Parameter.flag("checksums", default: true, help: "Whether pages carry checksums")
    let metadata = Parameter.repeated(
        "metadata", .rename.named("KEY=VALUE"), help: "Leave a note for readers of the file")

    private var csvParameters: [any ParameterDeclaration] {
        [outDelimiter, outHeader, outNull, quoteAll, crlf, byteOrderMark]
    }

    private var parquetParameters: [any ParameterDeclaration] {
        [
            rowGroupRows, rowGroupBytes, pageBytes, pageVersion, dictionary, columnEncoding, statistics, pageIndex,
            checksums, metadata,
        ]
    }

    var groups: [ParameterGroup] {
        [
            ParameterGroup("What is written", [to, compression]),
            ParameterGroup("Writing CSV and TSV", csvParameters),
            ParameterGroup("Writing JSON", [indent]),
            ParameterGroup("Writing Parquet", parquetParameters),
        ]
    }

    /// How a table is written under the name `name`.
    func options(_ arguments: Arguments, name: String) throws(SluiceError) -> TableWriteOptions {
        var options = TableWriteOptions()
        options.format = arguments[to]
        let format = options.format ?? FileFormat(fileName: FileCompression.split(name).name)
        if let wanted = arguments[compression] {
            if format == .parquet {
                options.parquet.compression = wanted.codec
                options.parquet.compressionLevel = wanted.level
            } else {
                options.compression = try wanted.fileCompression()
                options.compressionLevel = wanted.level
            }
        }
        if let format { try checkUse(arguments, format) }
        options.csv.delimiter = arguments[outDelimiter]
        options.csv.header = arguments[outHeader]
        options.csv.nullText = arguments[outNull]
        options.csv.quotesAllText = arguments[quoteAll]
        options.csv.lineEnd = arguments[crlf] ? "\r\n" : "\n"
        options.csv.byteOrderMark = arguments[byteOrderMark]
        options.json.indent = arguments[indent]
        options.parquet.rowGroupRows = arguments[rowGroupRows]
        options.parquet.rowGroupBytes = arguments[rowGroupBytes]
        options.parquet.pageBytes = arguments[pageBytes]
        options.parquet.pageVersion = arguments[pageVersion]
        if !arguments[dictionary] { options.parquet.dictionaryBytes = 0 }
        for wanted in arguments[columnEncoding] {
            if let column = wanted.column {
                options.parquet.encodings[column] = wanted.encoding
            } else {
                options.parquet.encoding = wanted.encoding
            }
        }
        options.parquet.statistics = arguments[statistics]
        options.parquet.pageIndex = arguments[pageIndex]
        options.parquet.checksums = arguments[checksums]
        for (key, value) in arguments[metadata] { options.parquet.keyValueMetadata[key] = value }
        return options
    }
}

extension TableWriteParameters {
    /// An option that has no effect on this output is a mistake that would go unnoticed.
    private func checkUse(_ arguments: Arguments, _ format: FileFormat) throws(SluiceError) {
        let uses: [(parameters: [any ParameterDeclaration], what: String, formats: [FileFormat])] = [
            (csvParameters, "CSV", [.csv, .tsv]), ([indent], "JSON", [.json]),
            (parquetParameters, "Parquet", [.parquet]),
        ]
        for (parameters, what, formats) in uses where !formats.contains(format) {
            for parameter in parameters where arguments.isGiven(parameter) {
                throw SluiceError(
                    .usage, "--\(parameter.spec.name) is about writing \(what), and the output is \(format.rawValue)")
            }
        }
    }
}

/// What `--compression` says.
struct WantedCompression: Sendable {
    let word: String
    let codec: Codec
    let level: Int?

    /// The same for a file that is packed as a whole.
    func fileCompression() throws(SluiceError) -> FileCompression? {
        switch codec {
        case .uncompressed: return nil
        case .gzip: return .gzip
        case .zstd: return .zstd
        default:
            throw SluiceError(
                .usage, "--compression \(word) is for Parquet; text files are packed with gzip or zstd")
        }
    }
}

extension ValueKind where Value == WantedCompression {
    /// `codec` or `codec:level`.
    static var compression: ValueKind {
        let codecs: [(String, Codec)] = [
            ("none", .uncompressed), ("snappy", .snappy), ("gzip", .gzip), ("zstd", .zstd), ("lz4", .lz4Raw),
            ("brotli", .brotli), ("lz4-hadoop", .lz4),
        ]
        return ValueKind("CODEC[:LEVEL]") { text throws(ValueProblem) in
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let codec = codecs.first(where: { $0.0 == parts[0].lowercased() })?.1 else {
                let known = codecs.map(\.0)
                throw ValueProblem(
                    "is not one of \(known.joined(separator: ", "))",
                    hint: nearestWord(to: String(parts[0]), among: known).map { "Did you mean \($0)?" })
            }
            guard parts.count == 2 else { return WantedCompression(word: text, codec: codec, level: nil) }
            guard let level = Int(parts[1]) else { throw ValueProblem("has a level that is not a number") }
            if [.uncompressed, .snappy, .lz4Raw, .lz4].contains(codec) { throw ValueProblem("has no levels") }
            return WantedCompression(word: text, codec: codec, level: level)
        }
    }
}

/// What `--column-encoding` says.
struct WantedEncoding: Sendable {
    let column: String?
    let encoding: Encoding
}

extension ValueKind where Value == WantedEncoding {
    /// `column=encoding` or `encoding`.
    static var columnEncoding: ValueKind {
        let encodings: [Encoding] = [
            .plain, .rleDictionary, .rle, .deltaBinaryPacked, .deltaLengthByteArray, .deltaByteArray, .byteStreamSplit,
        ]
        return ValueKind("[COLUMN=]NAME") { text throws(ValueProblem) in
            let equals = text.lastIndex(of: "=")
            let name = equals.map { String(text[text.index(after: $0)...]) } ?? text
            let wanted = name.uppercased() == "DICTIONARY" ? "RLE_DICTIONARY" : name.uppercased()
            guard let encoding = encodings.first(where: { $0.description == wanted }) else {
                let known = encodings.map { $0.description.lowercased() }
                throw ValueProblem("names no encoding", hint: "Encodings are: \(known.joined(separator: ", ")).")
            }
            return WantedEncoding(column: equals.map { String(text[..<$0]) }, encoding: encoding)
        }
    }
}
