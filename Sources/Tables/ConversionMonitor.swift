public import Columns
import Support
import Synchronization

/// How far a conversion has come, for whoever shows it; may be read from any thread at any time.
public final class ConversionMonitor: Sendable {
    private let taken = Atomic(0)
    private let total = Atomic(-1)
    private let put = Atomic(0)
    private let rows = Atomic(0)
    private let onRestart: @Sendable (SchemaWidened) -> Void

    /// A monitor that tells `onRestart` why everything is read again.
    public init(onRestart: @escaping @Sendable (SchemaWidened) -> Void = { _ in }) { self.onRestart = onRestart }

    /// How many stored bytes have been read in this pass.
    public var bytesRead: Int { taken.load(ordering: .relaxed) }
    /// How many stored bytes there are to read, when that is known.
    public var bytesTotal: Int? {
        let value = total.load(ordering: .relaxed)
        return value < 0 ? nil : value
    }
    /// How many bytes have been written in this pass.
    public var bytesWritten: Int { put.load(ordering: .relaxed) }
    /// How many rows have been written in this pass.
    public var rowsWritten: Int { rows.load(ordering: .relaxed) }

    func countRead(_ bytes: Int) { taken.wrappingAdd(bytes, ordering: .relaxed) }
    func countWritten(_ bytes: Int) { put.wrappingAdd(bytes, ordering: .relaxed) }
    func countRows(_ count: Int) { rows.wrappingAdd(count, ordering: .relaxed) }
    func expect(_ bytes: Int?) { total.store(bytes ?? -1, ordering: .relaxed) }

    /// Notes that everything is read again.
    public func startAgain(_ reason: SchemaWidened) {
        taken.store(0, ordering: .relaxed)
        put.store(0, ordering: .relaxed)
        rows.store(0, ordering: .relaxed)
        onRestart(reason)
    }
}
