import HTTPServer
import Support

/// Queries of Log Analytics, on what the jobs of Container Apps have written.
struct LogQueryService: EmulatedService {
    let access: BearerAccess
    let switches: ManagementSwitches
    /// Where the folders of executions lie.
    let home: String
    let name = "loganalytics"

    func accepts(_ request: EmulatedRequest) -> Bool { request.endpoint == .logQueries }

    func respond(to request: EmulatedRequest) async -> ServerResponse {
        do throws(ManagementFault) { return try await answer(request) } catch { return error.response }
    }

    private static func fault(
        _ status: Int, _ code: String, _ message: String, inner: JSONText? = nil, _ request: EmulatedRequest
    ) -> ManagementFault {
        var fault = ManagementFault(status, code, message)
        fault.response = .json(
            [
                "error": .members([
                    "message": .string(message), "code": .string(code), "correlationId": .string(request.id),
                    "innererror": inner,
                ])
            ], status: status)
        return fault
    }

    private func answer(_ request: EmulatedRequest) async throws(ManagementFault) -> ServerResponse {
        var request = request
        do throws(ManagementFault) { request.caller = try access.caller(request) } catch {
            var refused = Self.fault(
                401, "AuthorizationRequiredError", "Valid authentication was not provided", request)
            refused.response.headers["WWW-Authenticate"] = error.response.headers["WWW-Authenticate"]
            throw refused
        }
        do throws(ManagementFault) {
            try access.checkDenial(request, service: name, action: "query", scope: request.path)
        } catch {
            throw Self.fault(
                403, "InsufficientAccessError",
                "The provided credentials have insufficient access to perform the requested operation", request)
        }
        let parts = request.path.split(separator: "/").map { String($0).percentDecoded() ?? "" }
        guard parts.count == 4, parts[0] == "v1", parts[1] == "workspaces", parts[3] == "query" else {
            throw Self.fault(404, "PathNotFoundError", "The requested path does not exist", request)
        }
        let invalid = "The request had some invalid properties"
        var (text, timespan) = (request.server[query: "query"], request.server[query: "timespan"])
        switch request.server.method {
        case "GET": break
        case "POST":
            guard let bytes = try? await request.server.collect(limit: 1 << 20), let body = try? JSONText.parse(bytes),
                body.members != nil
            else { throw Self.fault(400, "BadArgumentError", invalid, request) }
            text = body["query"]?.text
            timespan = body["timespan"]?.text ?? timespan
        default: throw Self.fault(405, "MethodNotAllowedError", "Queries are asked by GET or POST", request)
        }
        guard let text, !text.isEmpty else {
            throw Self.fault(
                400, "BadArgumentError", invalid, inner: ["code": "QueryMissing", "message": "The query is missing."],
                request)
        }
        var span: ClosedRange<Moment>?
        if let timespan {
            guard let found = Self.span(timespan, now: request.now) else {
                throw Self.fault(
                    400, "BadArgumentError", invalid,
                    inner: [
                        "code": "InvalidTimespan", "message": .string("The timespan '\(timespan)' cannot be read."),
                    ],
                    request)
            }
            span = found
        }
        do throws(KustoProblem) {
            return .json(try result(text, workspace: parts[2], span, request))
        } catch {
            throw Self.fault(400, "BadArgumentError", invalid, inner: Self.inner(error), request)
        }
    }

    /// What is wrong with a query, in the service's layers of errors.
    private static func inner(_ problem: KustoProblem) -> JSONText {
        let (code, message) =
            switch problem.kind {
            case .syntax: ("SYN0002", "A recognition error occurred in the query.")
            case .semantic: ("SEM0100", "A semantic error occurred.")
            case .notPlayed: ("NotPlayed", problem.message)
            }
        return [
            "code": .string(problem.kind.rawValue), "message": .string(message),
            "innererror": ["code": .string(code), "message": .string(problem.message)],
        ]
    }

    private func result(
        _ text: String, workspace: String, _ span: ClosedRange<Moment>?, _ request: EmulatedRequest
    ) throws(KustoProblem) -> JSONText {
        let query = try KustoQuery(text)
        let numbers = switches.now
        let tables = LogTables(
            home: home, workspace: workspace, until: request.now.later(-numbers.logLag), span: span)
        guard let table = tables.table(query.table) else {
            let step = query.operators.isEmpty ? "" : "'where' operator: "
            throw KustoProblem(
                kind: .semantic,
                message: "\(step)Failed to resolve table or column expression named '\(query.table)'")
        }
        let result = try KustoRun(now: request.now).run(query, on: table)
        let rows = result.rows.prefix(numbers.queryRows).map { row in JSONText.array(row.map(\.json)) }
        let columns = result.columns.map { column -> JSONText in
            ["name": .string(column.name), "type": .string(column.type)]
        }
        var members: [(key: String, value: JSONText)] = [
            ("tables", [["name": "PrimaryResult", "columns": .array(columns), "rows": .array(Array(rows))]])
        ]
        if request.server.headers["Prefer"]?.contains("include-statistics=true") == true {
            members.append(("statistics", ["query": ["executionTime": .real(0.01)]]))
        }
        if result.rows.count > numbers.queryRows {
            // Half an answer comes with 200, and says so at its end.
            let reason: JSONText = [
                "code": "-2133196797",
                "message": .string("The results of this query exceed the set limit of \(numbers.queryRows) records."),
                "severity": 2, "severityName": "Error",
            ]
            let detail: JSONText = [
                "code": "EngineError", "message": "Something went wrong processing your query on the server.",
                "innererror": reason,
            ]
            members.append(
                (
                    "error",
                    [
                        "code": "PartialError", "message": "There were some errors when processing your query.",
                        "details": [detail],
                    ]
                ))
        }
        return .object(members)
    }

    /// `PT6H`, `P1D`, or two ends with a slash between them, one of which may be a duration.
    static func span(_ text: String, now: Moment) -> ClosedRange<Moment>? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        func moved(_ moment: Moment, _ microseconds: Int64) -> Moment {
            Moment(microseconds: moment.microseconds &+ microseconds)
        }
        var ends: (Moment, Moment)?
        if parts.count == 1, let length = duration(parts[0]) { ends = (moved(now, -length), now) }
        if parts.count == 2 {
            switch (Moment(iso: parts[0]), Moment(iso: parts[1]), duration(parts[0]), duration(parts[1])) {
            case (let from?, let to?, _, _): ends = (from, to)
            case (let from?, nil, _, let length?): ends = (from, moved(from, length))
            case (nil, let to?, let length?, _): ends = (moved(to, -length), to)
            default: break
            }
        }
        guard let ends, ends.0 <= ends.1 else { return nil }
        return ends.0...ends.1
    }

    /// The microseconds of an ISO 8601 duration of days, hours, minutes and seconds.
    private static func duration(_ text: String) -> Int64? {
        guard text.first == "P", text.count > 2 else { return nil }
        var (total, digits, isTime, count) = (0.0, "", false, 0)
        for letter in text.dropFirst() {
            switch letter {
            case "T" where !isTime: isTime = true
            case "0"..."9", ".": digits.append(letter)
            default:
                let units: [Character: Double] =
                    isTime
                    ? ["H": 3600, "M": 60, "S": 1] : ["W": 604_800, "D": 86_400, "M": 2_592_000, "Y": 31_536_000]
                guard let number = Double(digits), let unit = units[letter] else { return nil }
                total += number * unit
                digits = ""
                count += 1
            }
        }
        guard digits.isEmpty, count > 0, total < 1e10 else { return nil }
        return Int64(total * 1e6)
    }
}
