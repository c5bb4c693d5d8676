import HTTPServer
import Support

/// Where the logs of running containers are streamed from: `REGION.azurecontainerapps.dev`.
struct ContainerLogService: EmulatedService {
    let issuer: TokenIssuer
    let runner: JobRunner
    let name = "aca-logs"

    private static let audience = "https://azurecontainerapps.dev"

    func accepts(_ request: EmulatedRequest) -> Bool { request.endpoint == .containerLogs }

    /// A token for the logs of a job or an environment, which holds for an hour.
    static func token(
        for resource: Resource, type: String, _ issuer: TokenIssuer, _ call: ManagementCall
    ) throws(ManagementFault) -> JSONText {
        let (client, object) =
            if case .identity(let object, let client, _) = call.request.caller { (client, object) } else { ("", "") }
        let token: String
        do throws(SluiceError) {
            token = try issuer.token(
                audience: audience, tenant: issuer.tenant, client: client, object: object, now: call.now,
                claims: [("resource", .string(resource.id.key))])
        } catch { throw .broken(error) }
        Redactor.shared.protect(token)
        return [
            "location": resource.document.at("location") ?? .null,
            "properties": ["token": .string(token), "expires": .string(call.now.later(3_600_000).iso)],
            "id": .string(resource.id.description), "name": .string(resource.id.name), "type": .string(type),
        ]
    }

    func respond(to request: EmulatedRequest) async -> ServerResponse {
        do throws(ManagementFault) { return try answer(request) } catch { return error.response }
    }

    private func answer(_ request: EmulatedRequest) throws(ManagementFault) -> ServerResponse {
        guard request.server.method == "GET" else {
            throw ManagementFault(405, "MethodNotAllowed", "Logs can only be read.")
        }
        let parts = request.path.split(separator: "/").map { String($0).percentDecoded() ?? "" }
        // subscriptions S resourceGroups G jobs J executions E replicas R containers C logstream
        guard parts.count == 13, parts[4].lowercased() == "jobs", parts[6].lowercased() == "executions",
            parts[8].lowercased() == "replicas", parts[10].lowercased() == "containers",
            parts[12].lowercased() == "logstream"
        else { throw ManagementFault(404, "NotFound", "The emulator streams the logs of jobs' containers only.") }
        let job = ResourceID(
            subscription: parts[1], group: parts[3], namespace: "Microsoft.App", types: ["jobs"], names: [parts[5]])
        try check(request, job)
        guard let run = runner.run(job.child("executions", parts[7])),
            let replica = run.replicas.first(where: { $0.name == parts[9] }),
            replica.containers.contains(where: { $0.name == parts[11] })
        else {
            throw ManagementFault(
                404, "ReplicaNotFound", "The replica '\(parts[9])' of the execution '\(parts[7])' could not be found.")
        }
        let output = request.server[query: "output"] ?? "json"
        guard ["json", "text"].contains(output) else {
            throw .invalid("InvalidParameter", "output has to be json or text, not '\(output)'.")
        }
        var tail = 20
        if let text = request.server[query: "tailLines"] {
            guard let number = Int(text), (0...300).contains(number) else {
                throw .invalid("InvalidParameter", "tailLines has to be 0 to 300, not '\(text)'.")
            }
            tail = number
        }
        let isFollowing = request.server[query: "follow"]?.lowercased() == "true"
        let stream = LogStream(
            run, replica: parts[9], container: parts[11], isJSON: output == "json", tail: tail, follows: isFollowing)
        return ServerResponse(
            200, headers: ["Content-Type": "text/plain"], body: .stream(stream, size: nil))
    }

    private func check(_ request: EmulatedRequest, _ job: ResourceID) throws(ManagementFault) {
        let authorization = request.server.headers["Authorization"] ?? ""
        guard authorization.lowercased().hasPrefix("bearer ") else {
            throw ManagementFault(401, "Unauthorized", "A token of the job is missing.")
        }
        let token = String(authorization.dropFirst("bearer ".count))
        guard case .success = issuer.caller(of: token, audiences: { $0 == Self.audience }, now: request.now) else {
            throw ManagementFault(401, "Unauthorized", "The token is not one that getAuthToken of the job gave out.")
        }
        guard WebToken(token)?.claims["resource"]?.text == job.key else {
            throw ManagementFault(403, "Forbidden", "The token is another job's.")
        }
    }
}

/// The lines of a container as they come.
final class LogStream: ByteStream, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `ByteStream` demands.

    let name = "log"
    private let run: ExecutionRun
    private let replica: String
    private let container: String
    private let isJSON: Bool
    private let tail: Int
    private let follows: Bool
    private let log: WorkloadLog
    private var position = 0
    private var isBegun = false

    init(_ run: ExecutionRun, replica: String, container: String, isJSON: Bool, tail: Int, follows: Bool) {
        self.run = run
        self.replica = replica
        self.container = container
        self.isJSON = isJSON
        self.tail = tail
        self.follows = follows
        log = WorkloadLog("\(run.log.home)/\(replica)/\(container)/log")
    }

    func next() async throws(SluiceError) -> Buffer? {
        if !isBegun {
            isBegun = true
            let all = log.all()
            position = log.end
            let head = [
                "Connecting to the container '\(container)'...",
                "Successfully Connected to container: '\(container)' [Execution: '\(run.id.name)', Replica: '\(replica)']",
            ]
            return Buffer(
                head.flatMap { line(.now, $0) } + all.suffix(tail).flatMap { line($0.time, $0.text) })
        }
        while follows, !Task.isCancelled {
            let isOver =
                run.replicas.first { $0.name == replica }?.containers
                .contains { $0.name == container && $0.status == "Terminated" } ?? true
            let (lines, next) = log.lines(from: position)
            if next > position {
                position = next
                return Buffer(lines.flatMap { line($0.time, $0.text) })
            }
            if isOver { return nil }
            try? await Task.sleep(for: .milliseconds(100))
        }
        return nil
    }

    private func line(_ time: Moment, _ text: String) -> [UInt8] {
        if !isJSON { return Array("\(time.iso.dropLast()) \(text)\n".utf8) }
        // The service escapes what could end a string in a page.
        var quoted = ""
        JSONText.quote(text, to: &quoted)
        let inner = quoted.dropFirst().dropLast().replacing("\\\"", with: "\\u0022").replacing("'", with: "\\u0027")
            .replacing("+", with: "\\u002B").replacing("<", with: "\\u003C").replacing(">", with: "\\u003E")
            .replacing("&", with: "\\u0026")
        return Array("{\"TimeStamp\":\"\(time.iso.dropLast(2))\",\"Log\":\"\(inner)\"}\n".utf8)
    }
}
