import CommandLine
import Support
import Testing

@testable import Commands

/// Ends as it is told to.
private struct End: Command {
    let how = Parameter.argument("HOW", .text, help: "How to end")

    var model: CommandModel { CommandModel("end", "End in some way", [.arguments(how)]) }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        switch arguments[how] {
        case "well":
            context.say("about to end")
            context.detail("really")
            context.output.print("ended")
            return .succeeded
        case "partly": return .partial
        case "data":
            throw SluiceError(
                .invalidData, "the page is \u{1b}[31mcut\u{1b}[0m short",
                place: .init(file: "a.parquet", column: "b.c", offset: 12), hint: "Write the file again.")
        case "configuration": throw SluiceError(.invalidConfiguration, "no such key")
        case "usage": throw SluiceError(.usage, "--a and --b exclude each other")
        case "permission": throw SluiceError(.permission, "may not be read")
        case "later": throw SluiceError(.inputOutput, "the network is down", isTransient: true)
        case "cancelled": throw CancellationError()
        case "interrupted", "terminated":
            _ = context.cancellation.request(arguments[how] == "interrupted" ? .interrupted : .terminated)
            throw SluiceError(.inputOutput, "anything may fail now")
        case "unread":
            throw SluiceError(.cancelled, "nobody reads", place: .init(file: "standard output"))
        default: throw SluiceError(.notFound, "there is no such end", place: .init(file: arguments[how]))
        }
    }
}

@Suite struct ProgramTests {
    let registry = Registry([.init("Tests", [End()])])

    @Test(arguments: [
        ("well", 0), ("partly", 3), ("data", 1), ("configuration", 4), ("usage", 64), ("permission", 5), ("later", 75),
        ("cancelled", 130), ("interrupted", 130), ("terminated", 143), ("unread", 0), ("other", 1),
    ])
    func everyEndHasItsExitCode(how: String, number: Int32) async {
        let run = await Run.line("end \(how)", registry: registry)
        #expect(run.code.number == number)
    }

    @Test func errorsAreForPeopleOnStandardError() async {
        let run = await Run.line("end data", registry: registry)
        #expect(run.output.isEmpty)
        #expect(
            run.messages == """
                error: a.parquet: column "b.c", byte 12: the page is \\u{1b}[31mcut\\u{1b}[0m short
                hint: Write the file again.

                """)
    }

    @Test func errorsAreForMachinesOnStandardOutput() async {
        let run = await Run.line("end data --json", registry: registry)
        #expect(run.messages.hasPrefix("error: a.parquet"))
        #expect(
            run.output == """
                {
                  "error": {
                    "code": "invalid-data",
                    "message": "the page is \\u001b[31mcut\\u001b[0m short",
                    "details": [],
                    "file": "a.parquet",
                    "column": "b.c",
                    "line": null,
                    "row": null,
                    "offset": 12,
                    "hint": "Write the file again.",
                    "transient": false,
                    "exitCode": 1
                  }
                }

                """)
    }

    @Test func usageErrorsPointToTheCommandsHelp() async {
        let run = await Run.line("end usage", registry: registry)
        #expect(
            run.messages == """
                error: --a and --b exclude each other
                Run 'sluice end --help' for how it is used.

                """)
        #expect(
            await Run.line("end", registry: registry).messages.hasSuffix(
                "Run 'sluice end --help' for how it is used.\n"))
        #expect(
            await Run.line("edn", registry: registry).messages.hasSuffix("Run 'sluice --help' for how it is used.\n"))
    }

    @Test func aLineThatDoesNotParseIsAnErrorForMachinesToo() async {
        let run = await Run.line("edn --json", registry: registry)
        #expect(run.code == .usage)
        #expect(run.output.contains("\"code\": \"usage\""))
        #expect(await Run.line("edn -- --json", registry: registry).output.isEmpty)
    }

    @Test func quietAndVerboseDecideWhatIsSaid() async {
        #expect(await Run.line("end well", registry: registry).messages == "about to end\n")
        #expect(await Run.line("end well --quiet", registry: registry).messages == "")
        #expect(await Run.line("end well -v", registry: registry).messages == "about to end\nreally\n")
    }

    @Test func errorsAreRedOnATerminalThatWantsColour() async {
        let terminal = Terminal(messagesAreTerminal: true, wantsColor: true)
        let red = await Run.line("end other", terminal: terminal, registry: registry)
        #expect(red.messages.hasPrefix("\u{1b}[1;31merror:\u{1b}[0m other: "))
        let plain = await Run.line("end other --no-color", terminal: terminal, registry: registry)
        #expect(plain.messages.hasPrefix("error: other: "))
    }

    @Test func workingInAFolderThatIsNoneIsRefused() async {
        #expect(await Run.line("end well -C /nowhere/at/all", registry: registry).code == .failed)
        #expect(await Run.line("end well -C /etc/passwd", registry: registry).code == .usage)
        #expect(await Run.line("end well -C /etc", registry: registry).code == .succeeded)
    }

    @Test func aReaderThatGoesAwayIsNoFailure() async {
        let closed = TextOutput { _ in false }
        closed.print("lost")
        #expect(closed.isClosed)
        #expect(closed.failure == nil)
    }

    @Test func anOutputThatCannotBeWrittenIsAFailure() async {
        let full = TextOutput { _ throws(SluiceError) in throw SluiceError(.inputOutput, "no space left") }
        let (messages, said) = TextOutput.memory()
        let context = Context(
            output: full, messages: messages, input: { MemoryInput(source: MemorySource(.empty)) },
            binaryOutput: { OutputSink(full) })
        #expect(await Program.run(["end", "well"], in: context, registry: registry) == .failed)
        #expect(said().contains("error: no space left"))
    }

    @Test func theVersionIsTold() async {
        let run = await Run.line("--version")
        #expect(run.output.hasPrefix("sluice \(Version.number) ("))
        #expect(await Run.line("--version --json").output.contains("\"version\": \"\(Version.number)\""))
    }
}
