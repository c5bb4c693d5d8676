import Azure
import Storage
import Support
import Transport

/// Sends blobs: not those that the registry has, in one request when small, in chunks that can be gone on with when large.
struct BlobUpload: Sendable {
    let repository: Repository
    /// Other repositories of the registry, which may have it.
    let sources: [String]
    let monitor: ImageMonitor?
    var chunk = 16 << 20
    var attempts = 6

    /// Sends the blob, if it has to be.
    func send(_ blob: BlobDescriptor, from layout: ImageLayout) async throws(SluiceError) -> PushResult.Way {
        let what = "pushing \(blob.digest) to \(repository.registry.host)/\(repository.name)"
        if try await isPresent(blob, what) {
            monitor?.pass(blob.size)
            return .present
        }
        // Looked for only now: what the registry has need not be here.
        let bytes = try layout.blob(blob.digest, size: blob.size)
        var begun: WebAddress?
        for source in sources {
            let (isMounted, location) = try await mount(blob, source, what)
            if isMounted {
                monitor?.pass(blob.size)
                return .mounted
            }
            begun = begun ?? location
        }
        for attempt in 1... {
            let sent = Progress(monitor)
            do throws(SluiceError) {
                let place: WebAddress
                if let begun { place = begun } else { place = try await start(what) }
                begun = nil
                if blob.size <= chunk {
                    try await close(place, blob, bytes, from: 0, what)
                } else {
                    try await sendChunks(place, blob, bytes, sent, what)
                }
                sent.reach(blob.size)
                return .uploaded
            } catch {
                sent.reach(0)
                // An upload whose last answer was lost is over, and the blob is there.
                if error.code != .cancelled, (try? await isPresent(blob, what)) == true {
                    sent.reach(blob.size)
                    return .uploaded
                }
                guard error.isTransient || error.code == .notFound, attempt < 3 else { throw error }
                try await wait(attempt)
            }
        }
        return .uploaded
    }

    private func isPresent(_ blob: BlobDescriptor, _ what: String) async throws(SluiceError) -> Bool {
        let request = repository.request(.head, repository.url("blobs/\(blob.digest)"))
        return try await repository.fetch(request, what, accepting: [404]).response.isSuccess
    }

    private func mount(
        _ blob: BlobDescriptor, _ source: String, _ what: String
    ) async throws(SluiceError) -> (Bool, WebAddress?) {
        repository.authorizer.widen("repository:\(source):pull")
        let url = repository.url("blobs/uploads/").with(query: [("mount", blob.digest.description), ("from", source)])
        // Some refuse what others answer with the beginning of an upload: it is only a shorter way.
        let answer = try await repository.fetch(
            repository.request(.post, url), what, accepting: [400, 401, 403, 404, 405])
        if answer.response.status == 201 { return (true, nil) }
        return (false, answer.response.status == 202 ? try repository.location(answer.response) : nil)
    }

    private func start(_ what: String) async throws(SluiceError) -> WebAddress {
        var request = repository.request(.post, repository.url("blobs/uploads/"))
        // An upload that nobody goes on with is forgotten by the registry.
        request.isIdempotent = true
        let (response, _) = try await repository.fetch(request, what)
        return try repository.location(response)
    }

    /// Sends the rest of the blob, and says what it has to hash to.
    private func close(
        _ place: WebAddress, _ blob: BlobDescriptor, _ bytes: StoredBlob, from: Int, _ what: String
    ) async throws(SluiceError) {
        let range = bytes.range.lowerBound + from..<bytes.range.upperBound
        let request = repository.request(
            .put, place.with(query: [("digest", blob.digest.description)]),
            headers: ["Content-Type": "application/octet-stream"],
            body: range.isEmpty ? .none : .part(bytes.file, range))
        _ = try await repository.fetch(request, what)
    }

    private func sendChunks(
        _ begin: WebAddress, _ blob: BlobDescriptor, _ bytes: StoredBlob, _ sent: Progress, _ what: String
    ) async throws(SluiceError) {
        var place = begin
        var offset = 0
        var failures = 0
        while offset < blob.size {
            let end = min(offset + chunk, blob.size)
            let range = bytes.range.lowerBound + offset..<bytes.range.lowerBound + end
            let request = repository.request(
                .patch, place,
                headers: ["Content-Type": "application/octet-stream", "Content-Range": "\(offset)-\(end - 1)"],
                body: .part(bytes.file, range))
            do throws(SluiceError) {
                // Sent once: whoever sends it again has to ask first how far the last time came.
                let (response, _) = try await repository.fetch(request, what, accepting: [416], retry: RetryPolicy.none)
                if response.status == 416 { throw SluiceError(.conflict, "out of order", isTransient: true) }
                place = try repository.location(response)
                offset = end
                failures = 0
            } catch {
                failures += 1
                guard error.isTransient, failures < attempts else { throw error }
                try await wait(failures)
                (place, offset) = try await status(place, blob, what)
            }
            sent.reach(offset)
        }
        try await close(place, blob, bytes, from: blob.size, what)
    }

    /// Where an upload goes on, and after how many bytes.
    private func status(
        _ place: WebAddress, _ blob: BlobDescriptor, _ what: String
    ) async throws(SluiceError) -> (WebAddress, Int) {
        let (response, _) = try await repository.fetch(repository.request(.get, place), what)
        let next = response.headers["Location"] == nil ? place : try repository.location(response)
        // `0-N` is up to N inclusive; nothing at all is told as `0-0` too, and then begun anew.
        guard let text = response.headers["Range"], let last = text.split(separator: "-").last.flatMap({ Int($0) }),
            last > 0, last < blob.size
        else { return (next, 0) }
        return (next, last + 1)
    }

    private func wait(_ attempt: Int) async throws(SluiceError) {
        let policy = repository.registry.azure.http.options.retry
        do {
            try await repository.registry.azure.http.options.clock.sleep(policy.wait(attempt: attempt))
        } catch {
            throw SluiceError(.cancelled, "stopped")
        }
    }

    /// What one blob has added to what is shown; what is sent again is taken back first.
    private final class Progress: @unchecked Sendable {
        // `@unchecked Sendable` because the one task that sends the blob uses it.

        private let monitor: ImageMonitor?
        private var told = 0

        init(_ monitor: ImageMonitor?) { self.monitor = monitor }

        func reach(_ count: Int) {
            monitor?.pass(count - told)
            told = count
        }
    }
}
