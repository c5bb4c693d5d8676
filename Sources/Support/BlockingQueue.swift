import Dispatch

/// A thread for calls that may wait for somebody else, so that the threads that run Swift's tasks never do.
public struct BlockingQueue: Sendable {
    private let queue: DispatchQueue

    /// A thread called `label` in debuggers.
    public init(_ label: String) { queue = DispatchQueue(label: label) }

    /// Runs `body` after all earlier ones.
    public func run<Success: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Success
    ) async throws(Failure) -> Success {
        let result: Result<Success, Failure> = await withCheckedContinuation { continuation in
            queue.async {
                do throws(Failure) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    /// Runs `body` after all earlier ones, and does not wait for it.
    public func start(_ body: @escaping @Sendable () -> Void) { queue.async(execute: body) }
}
