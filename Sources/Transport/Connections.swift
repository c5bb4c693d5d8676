import Glibc
import Support
import Synchronization

/// A client's connections: decides how a request goes out, and sends it once.
final class Connections: Sendable {
    private struct Started {
        let engine: Engine
        let trust: TrustStore
    }

    private let options: HTTPOptions
    private let started = Mutex<Started?>(nil)
    /// Asks the name service, which may take its time.
    private let resolver = BlockingQueue("sluice.resolve")

    init(_ options: HTTPOptions) { self.options = options }

    /// Lets the thread end when its last transfer has.
    func retire() {
        started.withLock { $0 }?.engine.retire()
    }

    /// One exchange, up to the answer's headers.
    func exchange(_ request: HTTPRequest, isFresh: Bool) async throws(TransferFailure) -> HTTPResponse {
        let transfer: Transfer
        do throws(SluiceError) {
            transfer = try prepare(request, isFresh: isFresh)
        } catch {
            throw TransferFailure(error: error, isTransient: false, reached: .never)
        }
        let record = options.trace.map { HTTPExchangeRecord(transfer.plan, trace: $0) }
        guard !Task.isCancelled else { throw TransferFailure.cancelled(transfer.plan) }
        transfer.start()
        let head: ResponseHead
        do throws(TransferFailure) {
            head = try await transfer.head()
        } catch {
            record?.lost(error.error, sent: transfer.sentCount)
            throw error.isNameUnknown ? await certain(error, transfer.plan) : error
        }
        record?.answered(head)
        let body = TransferBody(transfer, record: record)
        var headers = head.headers
        if transfer.plan.decodes, headers["Content-Encoding"] != nil {
            // They speak of the bytes as they travelled.
            headers["Content-Encoding"] = nil
            headers["Content-Length"] = nil
        }
        return HTTPResponse(status: head.status, headers: headers, url: request.url, attempts: 1, body: body)
    }

    private func prepare(_ request: HTTPRequest, isFresh: Bool) throws(SluiceError) -> Transfer {
        try options.trace?.check()
        let started = try start()
        let route = options.routes.first { $0.matches(request.url.host) }
        try route?.check(for: request.url)
        for field in request.headers {
            guard !(field.name + field.value).utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }) else {
                throw SluiceError(
                    .invalidConfiguration, "the header \"\(field.name)\" for \(request.url.host) holds a line break",
                    hint: "A header is one line; encode what it shall carry.")
            }
        }
        let plan = TransferPlan(
            request: request, route: route?.origin,
            proxy: request.proxy && route == nil
                ? ProxyChoice(for: request.url, environment: options.environment) : nil,
            caFile: started.trust.file, userAgent: options.userAgent, timeouts: request.timeouts ?? options.timeouts,
            isFresh: isFresh)
        return Transfer(plan, engine: started.engine)
    }

    private func start() throws(SluiceError) -> Started {
        let result = started.withLock { started -> Result<Started, SluiceError> in
            if let started { return .success(started) }
            do throws(SluiceError) {
                let new = Started(
                    engine: try Engine(connectionsPerHost: options.maximumConnectionsPerHost),
                    trust: try TrustStore(adding: options.caFiles, environment: options.environment))
                started = new
                return .success(new)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// A name that was not resolved may not exist, or not be known just now. libcurl does not say which.
    private func certain(_ failure: TransferFailure, _ plan: TransferPlan) async -> TransferFailure {
        let host = plan.request.url.host
        let isUnknown = await resolver.run { () -> Bool in
            var found: UnsafeMutablePointer<addrinfo>?
            let status = getaddrinfo(host, nil, nil, &found)
            if let found { freeaddrinfo(found) }
            return status == EAI_NONAME || status == -5  // EAI_NODATA
        }
        guard isUnknown else { return failure }
        return TransferFailure(
            error: SluiceError(
                .notFound, "there is no host called \(host)",
                hint:
                    "Check the name, and that it is of the right cloud; for a private address, that this network knows it."
            ),
            isTransient: false, reached: .never)
    }
}
