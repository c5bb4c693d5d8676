import Classic
import CommandLine
import Storage
import Support

/// `sluice report`: a batch of sales transactions becomes a report.
struct ReportCommand: Command {
    let input = Parameter.argument("INPUT", .path, help: "The batch, a JSON document; - is standard input")
    let format = Parameter.option(
        "format", .choice(Format.self, "FORMAT"), default: "classic/1",
        help: "Which report: classic/1 is, to the byte, what Python made of it")
    let output = Parameter.option(
        "output", .path, short: "o", default: "-", help: "The file to write; - is standard output")

    enum Format: String, CaseIterable {
        case classic = "classic/1"
    }

    var model: CommandModel {
        CommandModel(
            "report", "Check and sum up a batch of sales transactions",
            [.arguments(input), .options(format, output)],
            discussion: """
                The input may be packed with gzip or Zstandard. The report is a JSON document, and appears under its \
                name when it is complete.

                A batch that cannot be processed has a report too, which says why, and the exit code is 1.
                """,
            examples: [
                .init("sluice report sales.json", "the report on standard output"),
                .init("sluice report sales.json.gz --format classic/1 -o report.json", "of a packed file, into a file"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let name = arguments[input]
        let outcome = try await ClassicBatch.report(on: try await unpacked(try context.open(name)))
        if let report = outcome.report {
            let sink = try context.create(arguments[output])
            do {
                try await sink.write(report)
                try await sink.finish()
            } catch {
                await sink.abandon()
                throw error
            }
        }
        if let failure = outcome.failure { throw error(failure, file: name) }
        return .succeeded
    }

    /// The file as it was before it was packed, if it was.
    private func unpacked(_ file: any InputFile) async throws(SluiceError) -> any InputFile {
        let start = try await file.stream().next()
        let packing = start.flatMap { FileCompression.detect($0[0..<min($0.count, 4)].bytes) }
        return packing.map { Decompressed(file, $0) } ?? file
    }

    private func error(_ failure: ClassicFailure, file: String) -> SluiceError {
        let place = SluiceError.Place(file: file)
        switch failure {
        case .unreadable(let text): return SluiceError(.invalidData, text, place: place)
        case .unwritable(let text):
            return SluiceError(.invalidData, "the report cannot be written: \(text)", place: place)
        case .batch(let title, let details):
            return SluiceError(
                .invalidData, "\(title): \(details)", place: place,
                hint: "The report says so too. classic/1 gives up a whole batch for one record that it stumbles over.")
        }
    }
}
