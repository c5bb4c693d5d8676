public import Support
import Transport

/// Log Analytics: what was logged, by query.
public struct LogAnalyticsClient: Sendable {
    private let azure: AzureClient

    /// Logs as the identity of `azure` sees them.
    public init(_ azure: AzureClient) { self.azure = azure }

    /// A row, by the names of its columns.
    public typealias Row = [String: JSONText]

    /// The rows that a query in KQL gives.
    ///
    /// A table in which nothing was ever written is not there; it has no rows.
    ///
    /// - parameter timespan: What times it is about: `2026-11-21T00:00:00Z/2026-11-22T00:00:00Z`, or `P1D`.
    public func rows(
        of query: String, workspace: String, timespan: String
    ) async throws(SluiceError) -> [Row] {
        try AzureResourceID.check(workspace, "the workspace of logs")
        let root = azure.settings.cloud.logAnalytics
        var request = HTTPRequest(
            .post, root.appending(path: "v1/workspaces/\(workspace)/query"),
            headers: ["Accept": "application/json", "Content-Type": "application/json"], service: "loganalytics")
        let body: JSONText = ["query": .string(query), "timespan": .string(timespan)]
        request.body = .bytes(Buffer(Array(body.text().utf8)))
        // It reads, so that asking again does no harm.
        request.isIdempotent = true
        let caller = AzureClient.Caller.bearer(azure.settings.cloud.logAnalyticsScope)
        let (response, answer) = try await azure.fetch(request, as: caller, accepting: [400], limit: 128 << 20)
        if response.status == 400 {
            let text = String(decoding: answer.bytes, as: UTF8.self)
            if text.contains("Failed to resolve table") || text.contains("'where' operator: Failed to resolve") {
                return []
            }
            throw azure.error(AzureServiceError(response, body: answer), request, caller)
        }
        let result = try JSONText.parse(answer)
        if let failure = result["error"], failure != .null {
            throw SluiceError(
                .inputOutput,
                "Log Analytics answered in part: \(failure["message"]?.text?.prefix(300) ?? "no reason given")",
                isTransient: true)
        }
        guard let table = result["tables"]?.items?.first else { return [] }
        let columns = (table["columns"]?.items ?? []).map { $0["name"]?.text ?? "" }
        return (table["rows"]?.items ?? []).map { row in
            Dictionary(zip(columns, row.items ?? [])) { first, _ in first }
        }
    }
}
