import CommandLine
import Sluice
import Support

/// `sluice discover`: what a source has to read.
struct Discover: Command {
    let connection = Parameter.argument(
        "CONNECTION", .connection, help: "A connection of the project, a URL, or a path")
    let columns = Parameter.flag("columns", help: "Show the columns of each table as well")
    let project = ProjectParameters()

    var model: CommandModel {
        CommandModel(
            "discover", "List the tables or files of a source, with columns and keys",
            [.arguments(connection), project.group, .options(columns)],
            examples: [
                .init("sluice discover orders-db", "the tables of a connection"),
                .init("sluice discover shop.db --columns", "and their columns"),
                .init("sluice discover orders-db --json", "everything, for machines"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let workspace = try context.workspaceIfAny(project, arguments)
        let tables = try await workspace.connector(arguments[connection]).discover()
        if context.options.isJSON {
            context.answer(["tables": .array(tables.map(document))])
            return .succeeded
        }
        let renderer = TableRenderer(
            [
                .init(title: "table"), .init(title: "columns", isNumber: true), .init(title: "key"),
                .init(title: "rows, about", isNumber: true),
            ], in: context)
        let (lines, hidden) = renderer.render(
            tables.map { table in
                [
                    .plain(table.name), .plain("\(table.schema.fields.count)"),
                    .plain(table.key.joined(separator: ", ")), .plain(table.rows.map(ProgressView.count) ?? ""),
                ]
            })
        for line in lines + TableRenderer.note(hidden, in: context) { context.output.print(line) }
        if arguments[columns] {
            for table in tables {
                context.output.print("")
                context.output.print(Display.safe(table.name))
                for field in table.schema.fields { context.output.print(Display.safe("  \(field)")) }
            }
        }
        return .succeeded
    }

    private func document(_ table: SourceTable) -> JSONText {
        [
            "name": .string(table.name), "key": .array(table.key.map { .string($0) }),
            "rows": table.rows.map { .number($0) } ?? .null,
            "columns": .array(
                table.schema.fields.map {
                    ["name": .string($0.name), "type": .string("\($0.type)"), "nullable": .bool($0.isNullable)]
                }),
        ]
    }
}
