import Columns
import Connectors
import Storage
import Support

/// How many rejected rows a run may have and still be worth loading.
public enum RejectLimit: Sendable, Hashable {
    /// Any number: the run is partial.
    case none
    /// So many rows.
    case rows(Int)
    /// So many of a hundred rows that were read.
    case percent(Double)

    /// Reads `100` or `2.5%`; nil when it is neither.
    public init?(parsing text: String) {
        if text.hasSuffix("%") {
            guard let share = Double(text.dropLast()), (0...100).contains(share) else { return nil }
            self = .percent(share)
        } else {
            guard let rows = Int(text), rows >= 0 else { return nil }
            self = .rows(rows)
        }
    }

    /// Whether `rejected` of `read` rows are too many. A share is looked at in the end only, when `isFinal`.
    func isPassed(rejected: Int, of read: Int, isFinal: Bool) -> Bool {
        switch self {
        case .none: false
        case .rows(let limit): rejected > limit
        case .percent(let share): isFinal && Double(rejected) * 100 > share * Double(read)
        }
    }
}

/// How far the rejects of a unit have been written: reading it again under wider types brings them again, in order.
struct ToldRejects {
    private var line = 0
    private var row = 0

    /// Notes `rows`; returns those that an earlier reading, which came as far as `before`, has not told.
    mutating func add(_ rows: [RejectedRow], since before: ToldRejects) -> [RejectedRow] {
        rows.filter { reject in
            // Whatever has a line was rejected by its text, before there were rows to count.
            if let place = reject.line {
                line = max(line, place)
                return place > before.line
            }
            guard let place = reject.row else { return true }
            row = max(row, place)
            return place > before.row
        }
    }
}

/// Keeps rejected rows in the lake, one JSON object a line, with reason, position and what came.
final class RejectsFile: @unchecked Sendable {
    // `@unchecked Sendable` because one task at a time writes.

    private let lake: any ObjectStore
    private let path: String
    private var sink: (any ByteSink)?
    /// How many rows there are.
    private(set) var count = 0
    /// The first one, for a message.
    private(set) var first: RejectedRow?

    init(_ lake: any ObjectStore, path: String) {
        self.lake = lake
        self.path = path
    }

    /// Where the rows lie that `run` rejected while it read into `folder`.
    static func path(folder: String, run: String) -> String { "\(folder)/_\(SafeName.make(run)).rejects.ndjson" }

    /// Where the rows are; nil when there are none.
    var location: String? { count > 0 ? lake.url(path) : nil }

    func write(_ rows: [RejectedRow]) async throws(SluiceError) {
        guard !rows.isEmpty else { return }
        let sink: any ByteSink
        if let begun = self.sink { sink = begun } else { sink = try await lake.create(path) }
        self.sink = sink
        if first == nil { first = rows.first }
        count += rows.count
        let text = MutableBuffer()
        for row in rows {
            let line = JSONText.members([
                "unit": .string(row.unit), "row": row.row.map { .number($0) }, "line": row.line.map { .number($0) },
                "column": row.column.map { .string($0) }, "reason": .string(row.reason), "raw": .string(row.raw),
            ])
            text.append(Array((line.text() + "\n").utf8))
        }
        try await sink.write(text.freeze())
    }

    func finish() async throws(SluiceError) {
        try await sink?.finish()
        sink = nil
    }

    func abandon() async {
        await sink?.abandon()
        sink = nil
    }
}
