import CommandLine
import Project
import Settings
import Sluice
import Support

/// `sluice schema`: the JSON Schema of `sluice.yaml`, for editors.
struct SchemaCommand: Command {
    var model: CommandModel {
        CommandModel(
            "schema", "Print the JSON Schema of sluice.yaml, for editors",
            discussion: """
                An editor that knows the schema completes keys, explains them and marks mistakes while you type. \
                'sluice init' writes it to \(Scaffold.schemaFile) and points editors to it with the first line of \
                sluice.yaml; after an update of Sluice, write it anew.
                """,
            examples: [.init("sluice schema > \(Scaffold.schemaFile)", "bring the project's up to date")])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        context.answer(Vocabulary.standard.jsonSchema)
        return .succeeded
    }
}

extension Vocabulary {
    /// The JSON Schema of a project file.
    var jsonSchema: JSONText {
        Shape.object(projectShape).jsonSchema(
            title: "sluice.yaml", description: "A Sluice project: where rows come from, where they go, and the jobs.")
    }
}
