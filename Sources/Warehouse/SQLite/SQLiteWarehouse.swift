import SQLite
public import Support

/// A warehouse in an SQLite file, with nothing to install or to start.
///
/// One load writes at a time; readers go on meanwhile, and see the old rows until the load is committed.
public struct SQLiteWarehouse: Warehouse {
    /// The path of the file.
    public let path: String
    private let busyTimeout: Duration

    /// The warehouse in the file at `path`, which is made when it is not there.
    ///
    /// - parameter busyTimeout: How long to wait for another load or another program that writes.
    public init(path: String, busyTimeout: Duration = .seconds(300)) {
        self.path = path
        self.busyTimeout = busyTimeout
    }

    /// `sqlite:path`
    public var name: String { "sqlite:\(path)" }
    /// `sqlite`
    public var protocolName: String { "sqlite" }
    /// A load keeps others from writing, so it is not to last as long as its source takes.
    public var loadsWhileReading: Bool { false }

    /// Opens a session.
    public func connect(as label: String) async throws(SluiceError) -> any WarehouseSession {
        guard path != ":memory:" else {
            throw SluiceError(
                .invalidConfiguration, "a warehouse in memory is gone with its session", place: .init(file: name),
                hint: "name a file: sqlite:./warehouse.db")
        }
        return SQLiteSession(try await SQLiteDatabase.open(path, busyTimeout: busyTimeout), label: label)
    }
}
