import Support
import Synchronization

/// Where tasks of a group leave what came of them, each under its number; the group itself hands on the numbers.
///
/// A group of pairs of a number and a result would do the same, but the compiler's release builds mix up such pairs when the
/// result has an error of a stated type.
final class Slots<Value: Sendable>: Sendable {
    private let filled = Mutex<[Int: Result<Value, SluiceError>]>([:])

    /// Does `body`, and keeps what came of it.
    ///
    /// - returns: `number`.
    func fill(_ number: Int, _ body: () async throws(SluiceError) -> Value) async -> Int {
        let result: Result<Value, SluiceError>
        do throws(SluiceError) {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        filled.withLock { $0[number] = result }
        return number
    }

    /// Takes out what came of `number`.
    func take(_ number: Int) -> Result<Value, SluiceError>? { filled.withLock { $0.removeValue(forKey: number) } }
}
