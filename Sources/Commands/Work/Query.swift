import Columns
import CommandLine
import Sluice
import Support

/// `sluice query`: a look into the warehouse.
struct Query: Command {
    let sql = Parameter.argument("SQL", .text, help: "What to ask; it cannot change anything")
    let limit = Parameter.option("limit", .integer(in: 1...1_000_000), default: "1000", help: "How many rows at most")
    let warehouse = Parameter.optional(
        "warehouse", .text.named("URL"), help: "Another database than the project's: a connection or a URL")
    let project = ProjectParameters()

    var model: CommandModel {
        CommandModel(
            "query", "Ask the warehouse something, and show the answer as a table",
            [.arguments(sql), project.group, .options(limit, warehouse)],
            examples: [
                .init("sluice query 'SELECT * FROM orders LIMIT 10'", "some rows"),
                .init("sluice query 'SELECT * FROM etl_audit_log ORDER BY id DESC' --json", "for machines"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let workspace = try context.workspaceIfAny(project, arguments)
        let database: any Warehouse
        if let name = arguments[warehouse] {
            database = try await workspace.registry.makeWarehouse(try await workspace.connection(name))
        } else {
            database = try await workspace.warehouse()
        }
        let session = try await database.connect(as: "sluice query")
        let answer: RecordBatch
        do throws(SluiceError) {
            answer = try await session.query(arguments[sql], limit: arguments[limit])
        } catch {
            await session.close()
            throw error
        }
        await session.close()
        let sample = FileSample(path: database.name, schema: answer.schema, areTypesKnown: false, batches: [answer])
        if context.options.isJSON {
            context.answer(sample.rowsDocument)
        } else {
            for line in sample.lines(in: context, named: false) { context.output.print(line) }
            if answer.rowCount == arguments[limit] {
                context.say("only the first \(answer.rowCount) rows are shown; --limit shows more")
            }
        }
        return .succeeded
    }
}
