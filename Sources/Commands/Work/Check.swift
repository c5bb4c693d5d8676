import CommandLine
import Sluice
import Support

/// `sluice check`: whether connections can be reached and read.
struct Check: Command {
    let connections = Parameter.arguments(
        "CONNECTION", .connection, required: false,
        help: "Connections of the project, URLs, or 'warehouse' and 'lake'; everything when none is named")
    let project = ProjectParameters()
    let timeout = Parameter.option(
        "timeout", .duration, default: "30s", help: "How long to wait for each of them")
    let identity = Parameter.flag(
        "identity", help: "Say who you are in Azure, from where, and what was passed over, instead")
    let scopes = Parameter.repeated(
        "scope", .text, help: "With --identity: what for; storage and Key Vault unless given")

    var model: CommandModel {
        CommandModel(
            "check", "Reach every connection, and say how to mend what cannot be reached",
            [.arguments(connections), project.group, .options(timeout, identity, scopes)],
            discussion: """
                For connections that need an ODBC driver, the drivers that unixODBC knows are told, and what to install \
                where there is none.
                """,
            examples: [
                .init("sluice check", "all connections, the lake and the warehouse"),
                .init("sluice check orders-db --json", "one, for machines"),
                .init("sluice check postgres://reader@db.example/shop", "one that is not in the project"),
                .init("sluice check --identity", "who you are in Azure"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let names = arguments[connections]
        if arguments[identity] {
            guard names.isEmpty else {
                throw SluiceError(.usage, "--identity looks at no connections", hint: "leave \(names[0]) out")
            }
            let workspace = try context.workspaceIfAny(project, arguments)
            return try await IdentityReport.show(workspace.azure, scopes: arguments[scopes], in: context)
        }
        if !arguments[scopes].isEmpty { throw SluiceError(.usage, "--scope is for --identity") }
        let workspace: Workspace
        if !names.isEmpty, names.allSatisfy({ $0.contains(":") }) {
            workspace = try Workspace.empty(in: context)
        } else {
            let (declared, variables) = try context.loadProjectAndVariables(project, arguments)
            workspace = Workspace(declared, environmentVariables: variables)
        }
        let all = workspace.project.connections.keys.sorted() + ["lake", "warehouse"]
        var results: [Checked] = []
        for name in names.isEmpty ? all : names {
            let result = await check(name, workspace, within: arguments[timeout], context)
            try Task.checkCancellation()
            results.append(result)
            if !context.options.isJSON { show(result, in: context) }
        }
        let drivers = await workspace.odbcDrivers(for: names.isEmpty ? all : names)
        if context.options.isJSON {
            let documents = results.map(\.json)
            let known = drivers.map { report in
                JSONText.object([
                    ("names", .array(report.names.map { .string($0) })),
                    ("advice", .array(report.advice.map { .string($0) })),
                ])
            }
            let answer: [(key: String, value: JSONText)] =
                names.count == 1
                ? documents[0].members ?? []
                : [
                    ("success", .bool(results.allSatisfy { $0.error == nil })), ("connections", .array(documents)),
                ]
            context.answer(.object(answer + (known.map { [("odbc_drivers", $0)] } ?? [])))
        } else if let drivers {
            context.output.print("– ODBC drivers: \(Display.safe(drivers.headline))")
            for line in drivers.advice { context.output.print("  \(Display.safe(line))") }
        }
        let failures = results.compactMap(\.error)
        if failures.isEmpty { return .succeeded }
        let codes = Set(failures.map { ExitCode($0) })
        return codes.count == 1 ? codes.first ?? .failed : .failed
    }

    private struct Checked {
        var label: String
        var detail: String
        var duration: Duration
        var error: SluiceError?

        var json: JSONText {
            [
                "success": .bool(error == nil), "label": .string(label), "detail": .string(detail),
                "seconds": .real((duration.seconds * 1000).rounded() / 1000),
                "error": error.map { ErrorReport($0, command: ["check"]).json } ?? .null,
            ]
        }
    }

    private func check(_ name: String, _ workspace: Workspace, within limit: Duration, _ context: Context) async
        -> Checked
    {
        let start = context.now()
        var checked = Checked(label: name, detail: "", duration: .zero, error: nil)
        do {
            checked.detail = try await bounded(limit, name) { try await workspace.check(name) }
        } catch let error as SluiceError {
            checked.error = error
        } catch {
            checked.error = SluiceError(.cancelled, "\(error)")
        }
        checked.duration = context.now() - start
        return checked
    }

    private func bounded(
        _ limit: Duration, _ name: String, _ body: @escaping @Sendable () async throws -> String
    ) async throws -> String {
        try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            if let found = try await group.next(), let detail = found { return detail }
            throw SluiceError(
                .inputOutput, "no answer within \(Quantities.describe(limit))", place: .init(file: name),
                hint: "check host, port and network, or wait longer with --timeout", isTransient: true)
        }
    }

    private func show(_ checked: Checked, in context: Context) {
        let time = Quantities.describe(checked.duration)
        if let error = checked.error {
            context.output.print("✗ \(Display.safe(checked.label))  \(time)  \(Display.safe("\(error)"))")
            if let hint = error.hint { context.output.print("  \(Display.safe(hint))") }
        } else {
            context.output.print("✓ \(Display.safe(checked.label))  \(time)  \(Display.safe(checked.detail))")
        }
    }
}
