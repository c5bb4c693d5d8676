import CSimdjson
import Columns
import Support

/// A record that could not be read, counted within its chunk.
struct JSONFailure: Error {
    /// A record that goes on beyond the limit.
    static let oversized = 1000
    /// Several values where there should be one.
    static let severalObjects = 1001

    /// One of the parser's codes, or of those above.
    var code: Int
    /// The record within the chunk, from 0.
    var record: Int
    /// The byte within the stream.
    var offset: Int
    /// The names from the record down to the value.
    var path: [String]
    /// What was there.
    var value: String
    /// What should have been.
    var type: DataType?
    /// Whether the failure only says that the inferred schema is too narrow.
    var isWidening: Bool

    /// The error that a user sees, when `records` came before this chunk.
    func error(file: String, recordsBefore records: Int, options: JSONOptions) -> SluiceError {
        let place = SluiceError.Place(
            file: file, column: path.isEmpty ? nil : path.joined(separator: "."), offset: offset,
            row: records + record + 1)
        let found = value.isEmpty ? "the end" : value
        switch code {
        case SLUICE_JSON_UTF8: return SluiceError(.invalidData, "the text is not UTF-8", place: place)
        case SLUICE_JSON_UNCLOSED_STRING:
            return SluiceError(.invalidData, "a string begins here and does not end", place: place)
        case SLUICE_JSON_CONTROL:
            return SluiceError(
                .invalidData, "a control character stands in a string without being escaped", place: place)
        case SLUICE_JSON_TRUNCATED:
            return SluiceError(.invalidData, "the text ends in the middle of a value", place: place)
        case SLUICE_JSON_UNEXPECTED: return SluiceError(.invalidData, "unexpected \(found)", place: place)
        case SLUICE_JSON_NUMBER: return SluiceError(.invalidData, "\(found) is not a number", place: place)
        case SLUICE_JSON_ESCAPE: return SluiceError(.invalidData, "\(found) is not an escape", place: place)
        case SLUICE_JSON_SURROGATE:
            return SluiceError(
                .invalidData, "\(found) is half of a surrogate pair, which no text can hold", place: place,
                hint: "a schema with the type json for this column keeps it as it is written")
        case SLUICE_JSON_DEPTH:
            return SluiceError(
                .limitExceeded, "values nest deeper than \(options.limits.maxDepth)", place: place)
        case SLUICE_JSON_DUPLICATE:
            return SluiceError(
                .invalidData, "the key \(found) occurs twice in one object", place: place,
                hint: "choose which of the values counts: duplicate keys first or last")
        case SLUICE_JSON_MISMATCH:
            guard let type else { return SluiceError(.conversion, "\(found) is not an object", place: place) }
            return SluiceError(.conversion, "\(found) does not fit \(type)", place: place)
        case SLUICE_JSON_REQUIRED:
            return SluiceError(.conversion, "a value is missing that the schema demands", place: place)
        case SLUICE_JSON_UNKNOWN_KEY:
            return SluiceError(.conversion, "the schema does not know the key \(found)", place: place)
        case SLUICE_JSON_TOO_MANY_FIELDS:
            return SluiceError(
                .limitExceeded, "the records have more than \(options.limits.maxColumns) different keys", place: place,
                hint: "give a schema, or read the records as json")
        case JSONFailure.oversized:
            return SluiceError(
                .limitExceeded,
                "a record is larger than \(Quantities.describe(bytes: options.limits.maxRecordBytes))", place: place,
                hint: "raise the limit for the size of a record")
        case JSONFailure.severalObjects:
            return SluiceError(
                .invalidData, "one value was expected, and there are several or none", place: place,
                hint: "records one after the other have the layout \"lines\"")
        case SLUICE_JSON_MEMORY:
            return SluiceError(
                .limitExceeded, "a record takes too much memory as columns", place: place,
                hint: "objects in it lack most of the keys that others have: give a schema, or read them as json")
        default: return SluiceError(.limitExceeded, "a chunk is too large", place: place)
        }
    }
}
