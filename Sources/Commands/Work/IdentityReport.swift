import Azure
import Support

/// Who one is in Azure: for people and, with `--json`, for machines.
enum IdentityReport {
    /// Signs in for each of `scopes`, and shows as whom.
    ///
    /// - returns: Success when there is a token for every scope.
    static func show(_ azure: AzureAccess, scopes: [String], in context: Context) async throws -> ExitCode {
        let client = try azure.client()
        let cloud = client.settings.cloud
        let scopes = scopes.isEmpty ? [cloud.storageScope, cloud.vaultScope] : scopes.map(whole)
        let first = await client.identity.explain(scopes[0])
        var results: [Result] = [(scopes[0], first.token, first.error)]
        // Whoever cannot sign in for one scope cannot for the next; finding out again may take long.
        for scope in scopes.dropFirst() where first.token != nil {
            do throws(SluiceError) {
                results.append((scope, try await client.identity.token(for: scope), nil))
            } catch {
                results.append((scope, nil, error))
            }
            try Task.checkCancellation()
        }
        if context.options.isJSON {
            context.answer(document(first, results, client.settings))
        } else {
            lines(first, results, client.settings).forEach { context.output.print(Display.safe($0)) }
        }
        guard let error = results.compactMap(\.error).first else { return .succeeded }
        if !context.options.isJSON {
            var error = error
            // The answer has told them.
            error.details = []
            error.message = error.message.replacing("; what was tried", with: "")
            ErrorReport(error, command: ["check"]).tell(context)
        }
        return ExitCode(error)
    }

    /// A scope may be given as the resource that it is of.
    private static func whole(_ scope: String) -> String {
        scope.hasSuffix("/.default") ? scope : scope.hasSuffix("/") ? "\(scope).default" : "\(scope)/.default"
    }

    private typealias Result = (scope: String, token: AccessToken?, error: SluiceError?)

    private static func lines(
        _ first: AzureIdentity.Explanation, _ results: [Result], _ settings: AzureSettings
    ) -> [String] {
        var lines: [String] = []
        let source = first.attempts.first { $0.detail != nil }
        if let source {
            let claims = first.token?.claims
            lines.append("✓ \(claims?.shown ?? "an identity"), from \(source.kind.shown) (\(source.detail ?? ""))")
            let facts = [
                ("application", claims?.applicationID), ("object", claims?.objectID), ("tenant", claims?.tenant),
            ]
            for case (let name, let value?) in facts { lines.append("  \(name)  \(value)") }
        } else {
            lines.append("✗ nobody")
        }
        if settings.cloud != .publicCloud { lines.append("  cloud  \(settings.cloud.name)") }
        if let emulator = settings.emulator { lines.append("  emulator  \(emulator.origin)") }
        for attempt in first.attempts where attempt.detail == nil {
            lines.append("– \(attempt.kind.shown): \(attempt.absence ?? attempt.error?.message ?? "")")
        }
        for result in results where result.token != nil || source != nil {
            let mark = result.token == nil ? "✗" : "✓"
            let fact = result.token.map { "until \($0.expiresAt.isoSeconds)" } ?? result.error?.message ?? ""
            lines.append("\(mark) \(result.scope)  \(fact)")
        }
        return lines
    }

    private static func document(
        _ first: AzureIdentity.Explanation, _ results: [Result], _ settings: AzureSettings
    ) -> JSONText {
        let source = first.attempts.first { $0.detail != nil }
        let claims = first.token?.claims
        func text(_ value: String?) -> JSONText { value.map { .string($0) } ?? .null }
        let identity: JSONText =
            source.map { source in
                [
                    "source": .string(source.kind.rawValue), "detail": text(source.detail), "name": text(claims?.name),
                    "objectId": text(claims?.objectID), "applicationId": text(claims?.applicationID),
                    "tenant": text(claims?.tenant), "isUser": claims.map { .bool($0.isUser) } ?? .null,
                ]
            } ?? .null
        return [
            "success": .bool(results.allSatisfy { $0.error == nil }), "cloud": .string(settings.cloud.name),
            "emulator": text(settings.emulator?.origin), "identity": identity,
            "passedOver": .array(
                first.attempts.filter { $0.detail == nil }.map { attempt in
                    [
                        "source": .string(attempt.kind.rawValue),
                        "reason": text(attempt.absence ?? attempt.error?.message),
                        "failed": .bool(attempt.error != nil),
                    ]
                }),
            "scopes": .array(
                results.map { result in
                    [
                        "scope": .string(result.scope), "success": .bool(result.token != nil),
                        "audience": text(result.token?.claims?.audience),
                        "expiresAt": text(result.token?.expiresAt.isoSeconds),
                        "error": result.error.map { ErrorReport($0, command: ["check"]).json } ?? .null,
                    ]
                }),
        ]
    }
}
