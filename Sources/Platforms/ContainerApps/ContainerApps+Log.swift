import Azure
public import Support
import Synchronization
import Transport

extension ContainerAppsPlatform {
    /// The version of the interface that has live logs; no later one has them.
    private static let liveVersion = "2023-11-02-preview"

    /// What a run's program has written.
    ///
    /// While a replica is there it is asked itself, which shows the last 300 lines at once. What it does not show, and all
    /// of it afterwards, comes from Log Analytics, minutes later.
    public func log(_ handle: RunHandle, from position: Int) async throws(SluiceError) -> LogPage {
        let (job, execution) = try place(handle)
        let status = try await status(handle)
        var transcript = memory.facts.withLock { $0.transcripts[handle.reference] } ?? LogTranscript()
        if !transcript.isWhole {
            let live = try await live(job, execution)
            var isGapless = !live.isEmpty
            for (replica, lines) in live where !(try transcript.take(tail: lines, of: replica)) { isGapless = false }
            if isGapless {
                transcript.isWhole = status.state.isFinal
            } else if !live.isEmpty || status.state.isFinal {
                let before = transcript.bytes.count
                let isKept = try await keep(job, execution, status, in: &transcript)
                isGapless = !live.isEmpty
                for (replica, lines) in live where !(try transcript.take(tail: lines, of: replica)) {
                    isGapless = false
                }
                transcript.stable = transcript.bytes.count == before ? transcript.stable + 1 : 0
                transcript.isWhole = status.state.isFinal && (isGapless || !isKept || hasArrived(status, transcript))
            }
        }
        let result = transcript
        memory.facts.withLock { facts in
            // Another who asked at the same time may know more.
            let known = facts.transcripts[handle.reference]?.bytes.count ?? 0
            if known <= result.bytes.count { facts.transcripts[handle.reference] = result }
        }
        let start = min(max(0, position), result.bytes.count)
        let end = min(result.bytes.count, start + Self.pageBytes)
        return LogPage(
            bytes: Array(result.bytes[start..<end]), next: max(position, end),
            isLast: result.isWhole && end == result.bytes.count)
    }

    private static var pageBytes: Int { 1 << 20 }

    /// Whether Log Analytics has to have everything by now.
    private func hasArrived(_ status: PlatformStatus, _ transcript: LogTranscript) -> Bool {
        guard let ended = status.finishedAt else { return true }
        return transcript.stable > 0 && Moment.now.microseconds - ended > Int64(pace.logLag / .microseconds(1))
    }

    // MARK: Live

    /// The last lines of each replica that is still there.
    private func live(
        _ job: String, _ execution: String
    ) async throws(SluiceError) -> [(replica: String, lines: [LogTranscript.Line])] {
        let path = settings.job(job).text
        let management = try management()
        guard
            let list = try await management.get("\(path)/executions/\(execution)/replicas", version: Self.liveVersion)?[
                "value"]?.items, !list.isEmpty
        else { return [] }
        var places: [(replica: String, address: WebAddress)] = []
        for replica in list {
            let containers = replica["properties"]?["containers"]?.items ?? []
            let own = containers.first { $0["name"]?.text == ContainerJob.container } ?? containers.first
            guard let name = replica["name"]?.text, let text = own?["logStreamEndpoint"]?.text else { continue }
            places.append((name, try trusted(try WebAddress(text))))
        }
        guard !places.isEmpty else { return [] }
        let token = try await logToken(job)
        var found: [(String, [LogTranscript.Line])] = []
        for (replica, address) in places {
            if let lines = try await lines(of: address, token) { found.append((replica, lines)) }
        }
        return found
    }

    /// What opens the live logs of a job. It is good for an hour, and used for half of that.
    private func logToken(_ job: String) async throws(SluiceError) -> String {
        if let known = memory.facts.withLock({ $0.logTokens[job] }), known.until > .now { return known.token }
        let path = "\(settings.job(job).text)/getAuthToken"
        let answer = try await management().post(path, version: Self.liveVersion)
        guard let token = answer?["properties"]?["token"]?.text else {
            throw SluiceError(.invalidData, "Azure gives no token for the logs of \(job)", isTransient: true)
        }
        Redactor.shared.protect(token)
        memory.facts.withLock { $0.logTokens[job] = (token, .now + .seconds(1800)) }
        return token
    }

    /// The logs' hosts are Azure's, or the emulator's: nobody else gets the token.
    private func trusted(_ address: WebAddress) throws(SluiceError) -> WebAddress {
        let azure = try azure.client().settings
        if address.scheme == "https", address.host.hasSuffix(".\(azure.cloud.containerAppsSuffix)") { return address }
        if let emulator = azure.emulator, address.host == emulator.host { return address }
        throw SluiceError(.invalidData, "Azure names \(address.host) as the place of logs, which is none of its own")
    }

    private func lines(of address: WebAddress, _ token: String) async throws(SluiceError) -> [LogTranscript.Line]? {
        let query = [("follow", "false"), ("output", "json"), ("tailLines", "\(LogTranscript.window)")]
        let request = HTTPRequest(
            .get, address.with(query: query), headers: ["Accept": "application/json"], service: "aca-logs")
        // A replica that is gone meanwhile has no log.
        let (response, body) = try await azure.client().fetch(
            request, as: .authorizer(TokenAuthorizer(token: token)), accepting: [404, 410], limit: 64 << 20)
        guard response.isSuccess else { return nil }
        var lines: [LogTranscript.Line] = []
        var number = 0
        for raw in body.bytes.split(separator: UInt8(ascii: "\n")) {
            guard let record = try? JSONText.parse(String(decoding: raw, as: UTF8.self)), let text = record["Log"]?.text
            else { continue }
            number += 1
            // The first two are of whoever opens the log, and not of the program.
            if number <= 2, Self.isAnnouncement(text) { continue }
            let plain = text.hasSuffix("\n") ? String(text.dropLast()) : text
            lines.append(.init(text: plain, time: record["TimeStamp"]?.text))
        }
        return lines
    }

    private static func isAnnouncement(_ text: String) -> Bool {
        text.hasPrefix("Connecting to the container '") || text.hasPrefix("Successfully Connected to container: '")
    }

    // MARK: Kept

    /// Adds what Log Analytics has of a run.
    ///
    /// - returns: Whether logs are kept at all.
    private func keep(
        _ job: String, _ execution: String, _ status: PlatformStatus, in transcript: inout LogTranscript
    ) async throws(SluiceError) -> Bool {
        guard let workspace = try await workspace() else { return false }
        let table = workspace.isClassic ? "ContainerAppConsoleLogs_CL" : "ContainerAppConsoleLogs"
        let mark = workspace.isClassic ? "_s" : ""
        // Names are of small letters, digits and hyphens.
        let query =
            "\(table) | where ContainerJobName\(mark) == '\(job)'"
            + " | where ContainerGroupName\(mark) startswith '\(execution)'"
            + " | order by TimeGenerated asc | project TimeGenerated, ContainerGroupName\(mark), Log\(mark)"
        let from = Moment(microseconds: (status.startedAt ?? Moment.now.microseconds - 86_400_000_000) - 3_600_000_000)
        let until = Moment(seconds: Moment.now.seconds + 3600)
        let rows = try await LogAnalyticsClient(try azure.client()).rows(
            of: query, workspace: workspace.id, timespan: "\(from.isoSeconds)/\(until.isoSeconds)")
        var byReplica: [(name: String, lines: [LogTranscript.Line])] = []
        for row in rows {
            guard let replica = row["ContainerGroupName\(mark)"]?.text, let text = row["Log\(mark)"]?.text else {
                continue
            }
            let plain = text.hasSuffix("\n") ? String(text.dropLast()) : text
            if let place = byReplica.firstIndex(where: { $0.name == replica }) {
                byReplica[place].lines.append(.init(text: plain))
            } else {
                byReplica.append((replica, [.init(text: plain)]))
            }
        }
        for (replica, lines) in byReplica { try transcript.take(all: lines, of: replica) }
        return true
    }

    /// Where the environment keeps its logs; nil when it does not.
    func workspace() async throws(SluiceError) -> (id: String, isClassic: Bool)? {
        let environment = try await management().get(settings.environment.text, version: Self.version)
        let logs = environment?["properties"]?["appLogsConfiguration"]
        guard let id = logs?["logAnalyticsConfiguration"]?["customerId"]?.text, !id.isEmpty else { return nil }
        return (id, logs?["destination"]?.text != "azure-monitor")
    }
}

/// Brings a token that is for logs alone.
private struct TokenAuthorizer: HTTPAuthorizer {
    let token: String

    func authorize(_ request: inout HTTPRequest) async throws(SluiceError) {
        request.headers["Authorization"] = "Bearer \(token)"
    }
}
