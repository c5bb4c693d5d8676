import Storage
import Support

/// The work of one run of an ingest over files, divided into tasks that any number of machines may do at once: all but the
/// last stage files in the lake, and the last loads everything in one transaction.
///
/// What they share lies in the lake, under `_work/PIPELINE`: `tasks/ID.json`, what a task is about; `done/ID.json`, where the
/// manifest of what it has staged is. Names follow from the files and their versions, so a task that is handed over
/// or run twice does its work once. Only the last task and whoever divides the work need the warehouse.
public struct IngestSpread: Sendable {
    /// One task.
    public struct Task: Sendable, Hashable {
        /// What it goes by.
        public var id: String
        /// Its files.
        public var files: [String]
    }

    /// The tasks that stage files.
    public var tasks: [Task] = []
    /// The task that loads what they have staged; nil when nothing is new.
    public var last: Task?
    /// How many files are loaded already.
    public var known = 0
    /// How many files there are.
    public var total = 0
}

/// Which part of a run's work somebody does.
enum IngestShare: Sendable, Hashable {
    /// All of it.
    case whole
    /// The task with this id.
    case task(String)
}

/// What a task is about, as it is written down.
struct IngestTask: Sendable {
    /// One version of a file.
    struct File: Sendable, Hashable {
        var name: String
        var stamp: String
    }

    /// The files, in the order in which they are loaded.
    var files: [File]
    /// The tasks whose files the last one loads; nil for one that stages.
    var parts: [String]?

    var json: JSONText {
        [
            "files": .array(files.map { ["name": .string($0.name), "stamp": .string($0.stamp)] }),
            "parts": parts.map { .array($0.map { .string($0) }) } ?? .null,
        ]
    }

    init(files: [File], parts: [String]? = nil) {
        self.files = files
        self.parts = parts
    }

    init(_ json: JSONText, at place: String) throws(SluiceError) {
        files = (json["files"]?.items ?? []).compactMap { item in
            guard let name = item["name"]?.text, let stamp = item["stamp"]?.text else { return nil }
            return File(name: name, stamp: stamp)
        }
        parts = json["parts"]?.items?.compactMap(\.text)
        guard files.count == json["files"]?.items?.count, (parts ?? []).allSatisfy(IngestTask.isID) else {
            throw SluiceError(.invalidData, "this is no list of a task's files", place: .init(file: place))
        }
    }

    /// What it goes by, for the table called `table`.
    func id(table: String) throws(SluiceError) -> String {
        let hash = try SHA256()
        for text in [table] + files.flatMap({ [$0.name, $0.stamp] }) + (parts ?? ["-"]) {
            hash.update(Buffer(Array("\(text.utf8.count):\(text)".utf8)))
        }
        return "\(parts == nil ? "part" : "all")-\(hash.finish().prefix(32))"
    }

    /// Ids become parts of paths.
    static func isID(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64
            && text.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) || $0 == UInt8(ascii: "-") }
    }
}
