import Sluice
import Support

/// `sluice report --from-env`: what a task container does.
struct ReportTaskCommand {
    func run(_ inputs: [String], in context: Context) async throws -> ExitCode {
        guard inputs.isEmpty else {
            throw SluiceError(
                .usage, "the input of a task is named by INPUT_BLOB_NAME", hint: "Leave '\(inputs[0])' out.")
        }
        let outcome = await ReportTask.perform(context.environment, stores: context.stores) {
            context.messages.print($0)
        }
        if context.options.isJSON { context.answer(outcome.json) }
        guard let error = outcome.error else { return .succeeded }
        ErrorReport(error, command: ["report"]).tell(context)
        return .failed
    }
}
