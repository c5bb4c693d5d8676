import Azure
import Storage
import Support
import Synchronization

/// The leases that a store's users hold, by object: whoever writes a taken object has to name the lease.
final class HeldLeases: Sendable {
    private let ids = Mutex<[String: String]>([:])

    subscript(path: String) -> String? {
        get { ids.withLock { $0[path] } }
        set { ids.withLock { $0[path] = newValue } }
    }
}

/// A lease on an object, renewed in the background as long as this process lives and nobody lets go of it.
final class AzureLease: ObjectLease, @unchecked Sendable {
    // `@unchecked Sendable` because the only variable is set once, before anybody else knows the object.

    /// Acts on the lease; false when it is no longer ours.
    typealias Act = @Sendable (LeaseAction) async throws(SluiceError) -> Bool

    private let id: String
    private let name: String
    private let full: String
    private let held: HeldLeases
    private let act: Act
    private var renewal: Task<Void, Never>?

    /// Takes the object; nil when somebody else has it.
    static func take(
        _ full: String, name: String, seconds: Int, held: HeldLeases, act: @escaping Act
    ) async throws(SluiceError) -> AzureLease? {
        let hex = ObjectMark.unique()
        var id = ""
        for (index, digit) in hex.enumerated() {
            if [8, 12, 16, 20].contains(index) { id += "-" }
            id.append(digit)
        }
        let seconds = min(60, max(15, seconds))
        guard try await act(.acquire(id: id, seconds: seconds)) else { return nil }
        held[full] = id
        return AzureLease(id: id, name: name, full: full, seconds: seconds, held: held, act: act)
    }

    private init(id: String, name: String, full: String, seconds: Int, held: HeldLeases, act: @escaping Act) {
        self.id = id
        self.name = name
        self.full = full
        self.held = held
        self.act = act
        renewal = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(seconds * 400))
                if Task.isCancelled { return }
                // What cannot be reached now may be at the next turn, before the lease runs out.
                let isOurs = try? await act(.renew(id: id))
                if isOurs == false { return }
            }
        }
    }

    deinit { renewal?.cancel() }

    func renew() async throws(SluiceError) {
        guard held[full] == id, try await act(.renew(id: id)) else {
            held[full] = nil
            throw SluiceError(
                .conflict, "the lease was lost: somebody else has taken it", place: .init(file: name),
                hint: "Another process works on it; wait for it to end.")
        }
    }

    func release() async throws(SluiceError) {
        renewal?.cancel()
        guard held[full] == id else { return }
        held[full] = nil
        _ = try await act(.release(id: id))
    }
}
