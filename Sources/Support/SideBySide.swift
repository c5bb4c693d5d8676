import Synchronization

/// Does `work` for each of `numbers`, begun in their order and at most `width` of them side by side, and hands what comes of
/// each to `take`, one at a time, in the order in which they end.
///
/// - throws: `SluiceError`, the first failure, which ends the others; `.cancelled` when the task is.
public func sideBySide<Value: Sendable>(
    _ numbers: some Collection<Int>, width: Int,
    _ work: @escaping @Sendable (Int) async throws(SluiceError) -> Value,
    take: (Int, Value) throws(SluiceError) -> Void
) async throws(SluiceError) {
    var failure: SluiceError?
    let slots = Slots<Value>()
    await withTaskGroup(of: Int.self) { group in
        var next = numbers.makeIterator()
        func begin() {
            guard failure == nil, !Task.isCancelled, let number = next.next() else { return }
            group.addTask { await slots.fill(number, work) }
        }
        for _ in 0..<width { begin() }
        while let number = await group.next() {
            guard let result = slots.take(number) else { continue }
            do throws(SluiceError) {
                let value = try result.get()
                begin()
                try take(number, value)
            } catch {
                // What was cut short by another's failure says nothing.
                if failure == nil || failure?.code == .cancelled { failure = error }
                group.cancelAll()
            }
        }
    }
    if let failure { throw failure }
    if Task.isCancelled { throw SluiceError(.cancelled, "stopped") }
}

/// Where tasks of a group leave what came of them, each under its number; the group itself hands on the numbers.
///
/// A group of pairs of a number and a result would do the same, but the compiler's release builds mix up such pairs when the
/// result has an error of a stated type.
private final class Slots<Value: Sendable>: Sendable {
    private let filled = Mutex<[Int: Result<Value, SluiceError>]>([:])

    /// Does `work`, and keeps what came of it.
    ///
    /// - returns: `number`.
    func fill(_ number: Int, _ work: (Int) async throws(SluiceError) -> Value) async -> Int {
        let result: Result<Value, SluiceError>
        do throws(SluiceError) {
            result = .success(try await work(number))
        } catch {
            result = .failure(error)
        }
        filled.withLock { $0[number] = result }
        return number
    }

    /// Takes out what came of `number`.
    func take(_ number: Int) -> Result<Value, SluiceError>? { filled.withLock { $0.removeValue(forKey: number) } }
}
