import Support

/// Does `body` within `limit`; what takes longer is cancelled, and waited for.
func bounded<Answer: Sendable>(
    _ limit: Duration?, _ what: String, _ body: @escaping @Sendable () async throws(SluiceError) -> Answer
) async throws(SluiceError) -> Answer {
    guard let limit else { return try await body() }
    let outcome = await withTaskGroup(of: Result<Answer, SluiceError>?.self) { group in
        group.addTask {
            do throws(SluiceError) { return .success(try await body()) } catch { return .failure(error) }
        }
        group.addTask {
            try? await Task.sleep(for: limit)
            return nil
        }
        var first = await group.next() ?? nil
        let isLate = first == nil && !Task.isCancelled
        group.cancelAll()
        while let next = await group.next() { first = first ?? next }
        // What was done in the end although it was to be stopped is done.
        if isLate, case .failure? = first { first = nil }
        return first
    }
    guard let outcome else {
        throw SluiceError(
            .timedOut, "\(what) took longer than \(Quantities.describe(limit)), and was stopped",
            hint: "give it more time with timeout:, or find out what it waits for")
    }
    return try outcome.get()
}
