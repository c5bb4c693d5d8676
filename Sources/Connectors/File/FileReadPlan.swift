import Columns
import Support
import Synchronization
import Tables
import TextFormats

/// What is wanted of every file.
struct FileReadPlan: Sendable {
    let columns: [String]?
    let cursor: CursorRange?
    let types: Schema?
    let options: TableReadOptions
    let budget: RowBudget?

    /// A malformed row is set aside and does not end the reading.
    static var standardOptions: TableReadOptions {
        var options = TableReadOptions()
        options.csv.badRows = .collect()
        options.json.badRows = .collect()
        return options
    }

    init(_ request: ReadRequest, connection: String) throws(SluiceError) {
        if let filter = request.filter {
            throw SluiceError(
                .invalidConfiguration, "files have no filter, \"\(filter)\" was given", place: .init(file: connection),
                hint: "leave rows out with the cursor, or filter in the warehouse")
        }
        columns = request.columns
        cursor = request.cursor
        types = request.types
        budget = request.limit.map { RowBudget($0) }
        var options = FileReadPlan.standardOptions
        if let word = request.format {
            guard let format = FileFormat(rawValue: word.lowercased()) else {
                let words = FileFormat.allCases.map(\.rawValue)
                throw SluiceError(
                    .invalidConfiguration, "there is no file format \"\(word)\"", place: .init(file: connection),
                    hint: (nearestWord(to: word, among: words).map { "Did you mean \($0)? " } ?? "")
                        + "Known are: \(words.joined(separator: ", "))")
            }
            options.format = format
        }
        if let text = request.delimiter {
            let named =
                ["tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"][text.lowercased()] ?? text
            guard let byte = named.utf8.first, named.utf8.count == 1, byte < 0x80, byte != 10, byte != 13 else {
                throw SluiceError(
                    .invalidConfiguration, "the delimiter \"\(text)\" is not one ASCII character",
                    place: .init(file: connection), hint: "write one character, or tab")
            }
            options.csv.delimiter = byte
        }
        self.options = options
    }
}

/// How many rows may still be handed out, over all files of a reading.
final class RowBudget: Sendable {
    private let left: Mutex<Int>

    init(_ rows: Int) { left = Mutex(max(0, rows)) }

    /// Takes up to `wanted` rows.
    func take(_ wanted: Int) -> Int {
        left.withLock { left in
            let taken = min(left, wanted)
            left -= taken
            return taken
        }
    }

    /// Gives rows back that were thrown away.
    func giveBack(_ rows: Int) { left.withLock { $0 += rows } }

    var isSpent: Bool { left.withLock { $0 == 0 } }
}
