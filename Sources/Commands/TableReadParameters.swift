import Columns
import CommandLine
import Parquet
import Storage
import Support
import Tables
import TextFormats

/// The options by which commands read tables.
struct TableReadParameters: Sendable {
    let from = Parameter.optional(
        "from", .choice(FileFormat.self, "FORMAT"), help: "The inputs' format, where name and contents do not tell")
    let schema = Parameter.optional(
        "schema", .text.named("SCHEMA"),
        help: "Types of text inputs, as 'id: int64, at: timestamp(us)' or @FILE; found out when not given")
    let columns = Parameter.repeated(
        "columns", .text.named("NAMES"), separator: ",", help: "Only these columns, in this order")
    let rename = Parameter.repeated(
        "rename", .rename, separator: ",", help: "Give columns new names, as old=new")
    let limit = Parameter.optional("limit", .integer(0...), help: "Only the first N rows")

    let delimiter = Parameter.optional(
        "delimiter", .delimiter, short: "d", help: "What stands between fields; found out when not given")
    let quote = Parameter.option(
        "quote", .optionalCharacter, default: "\"", help: "What stands around fields; 'none' for nothing")
    let escape = Parameter.option(
        "escape", .optionalCharacter, default: "none", help: "What takes the meaning away from a character")
    let header = Parameter.flag(
        "header", default: true, help: "Whether the first line names the columns")
    let encoding = Parameter.optional(
        "encoding", .choice(TextEncoding.self, "NAME"), help: "How characters are written; found out when not given")
    let ragged = Parameter.option(
        "ragged", .choice(CSVOptions.Ragged.self), default: "error", help: "What short lines are: an error, or nulls")
    let null = Parameter.repeated(
        "null", .text, help: "A field that means null, such as NA; an empty field when not given")
    let comment = Parameter.optional("comment", .character, help: "Lines that begin with it are left out")
    let skipLines = Parameter.option("skip-lines", .integer(0...), default: "0", help: "Leave out lines at the start")
    let infer = Parameter.flag("infer", default: true, help: "Whether types are found out; when not, all is text")

    let nested = Parameter.option(
        "nested", .nested, default: "keep", help: "Objects and arrays become structures and lists, or stay JSON text")

    let maxRecordBytes = Parameter.option(
        "max-record-bytes", .byteSize, default: "64MiB", help: "The longest record of a text file")
    let maxPageBytes = Parameter.option(
        "max-page-bytes", .byteSize, default: "512MiB", help: "The largest page of a Parquet file")
    let maxFooterBytes = Parameter.option(
        "max-footer-bytes", .byteSize, default: "256MiB", help: "The largest footer of a Parquet file")
    let maxUnpackedBytes = Parameter.option(
        "max-unpacked-bytes", .byteSize, default: "1TiB", help: "How far a .gz or .zst file may unpack")
    let maxUnpackedRatio = Parameter.option(
        "max-unpacked-ratio", .integer(1...), default: "5000", help: "And how many times its own size")

    var groups: [ParameterGroup] {
        [
            ParameterGroup("What is read", [from, schema, columns, rename, limit]),
            ParameterGroup(
                "Reading CSV and TSV",
                [delimiter, quote, escape, header, encoding, ragged, null, comment, skipLines, infer]),
            ParameterGroup("Reading JSON and NDJSON", [nested]),
            ParameterGroup(
                "Limits",
                [maxRecordBytes, maxPageBytes, maxFooterBytes, maxUnpackedBytes, maxUnpackedRatio]),
        ]
    }

    /// How tables are read.
    func options(_ arguments: Arguments, in context: Context) async throws(SluiceError) -> TableReadOptions {
        var options = TableReadOptions()
        options.format = arguments[from]
        if let text = arguments[schema] { options.schema = try await readSchema(text, in: context) }
        options.csv.delimiter = arguments[delimiter]
        options.csv.quote = arguments[quote]
        options.csv.escape = arguments[escape]
        options.csv.header = arguments[header]
        options.csv.encoding = arguments[encoding]
        options.csv.ragged = arguments[ragged]
        if !arguments[null].isEmpty { options.csv.nullTexts = arguments[null] }
        options.csv.comment = arguments[comment]
        options.csv.skipLines = arguments[skipLines]
        options.csv.inference = arguments[infer]
        options.csv.maxRecordBytes = arguments[maxRecordBytes]
        options.json.nested = arguments[nested]
        options.json.limits.maxRecordBytes = arguments[maxRecordBytes]
        options.parquet.maxPageBytes = arguments[maxPageBytes]
        options.parquet.maxFooterBytes = arguments[maxFooterBytes]
        options.decompression.maximumBytes = arguments[maxUnpackedBytes]
        options.decompression.maximumRatio = arguments[maxUnpackedRatio]
        return options
    }

    /// Which part of the tables is wanted.
    func shape(_ arguments: Arguments) -> TableShape {
        TableShape(
            columns: arguments[columns].isEmpty ? nil : arguments[columns], renames: arguments[rename],
            rowLimit: arguments[limit])
    }

    private func readSchema(_ text: String, in context: Context) async throws(SluiceError) -> Schema {
        guard text.hasPrefix("@") else { return try Schema(parsing: text) }
        let path = String(text.dropFirst())
        let stream = try await context.open(path).stream()
        var bytes: [UInt8] = []
        while let more = try await stream.next() {
            bytes += more.bytes
            if bytes.count > 16 << 20 {
                throw SluiceError(.limitExceeded, "is larger than any schema", place: .init(file: path))
            }
        }
        do throws(SluiceError) {
            return try Schema(parsing: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw error.at(.init(file: path))
        }
    }
}

extension ValueKind where Value == UInt8 {
    /// One ASCII character.
    static var character: ValueKind {
        ValueKind("C") { text throws(ValueProblem) in
            guard let byte = singleByte(text) else {
                throw ValueProblem("is not one ASCII character", hint: "Write a character, or tab, space, comma.")
            }
            return byte
        }
    }

    /// What may stand between fields.
    static var delimiter: ValueKind { character }
}

extension ValueKind where Value == UInt8? {
    /// One ASCII character, or `none`.
    static var optionalCharacter: ValueKind {
        ValueKind("C") { text throws(ValueProblem) in
            if text == "none" || text.isEmpty { return nil }
            guard let byte = singleByte(text) else {
                throw ValueProblem("is not one ASCII character", hint: "Write a character, or none.")
            }
            return byte
        }
    }
}

/// The character that a text or its name stands for.
private func singleByte(_ text: String) -> UInt8? {
    let names: [String: UInt8] = [
        "tab": 9, "\\t": 9, "space": 32, "comma": 44, "semicolon": 59, "pipe": 124, "backslash": 92, "colon": 58,
    ]
    if let named = names[text.lowercased()] { return named }
    guard text.utf8.count == 1, let byte = text.utf8.first, byte < 0x80 else { return nil }
    return byte
}

extension ValueKind where Value == (old: String, new: String) {
    /// `old=new`; an equals sign that belongs to the old name is written `\=`.
    static var rename: ValueKind {
        ValueKind("OLD=NEW") { text throws(ValueProblem) in
            var old = ""
            var rest = text[...]
            while let character = rest.popFirst() {
                if character == "\\", rest.first == "=" {
                    old.append("=")
                    rest.removeFirst()
                } else if character == "=" {
                    if old.isEmpty || rest.isEmpty { break }
                    return (old, String(rest))
                } else {
                    old.append(character)
                }
            }
            throw ValueProblem("is not of the form old=new")
        }
    }
}

extension ValueKind where Value == JSONOptions.Nested {
    /// What becomes of objects and arrays.
    static var nested: ValueKind {
        choice([
            (ValueChoice("keep", "structures and lists"), .keep),
            (ValueChoice("json", "JSON text"), .json),
        ])
    }
}
