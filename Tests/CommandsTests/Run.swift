import Storage
import Support
import Synchronization

@testable import Commands

/// What a command line did, run in this process.
struct Run {
    let code: ExitCode
    let output: String
    let messages: String

    /// Runs `line` (words divided by spaces) as if typed in `folder`.
    static func line(
        _ line: String, in folder: String? = nil, input: String = "", environment: [String: String] = [:],
        terminal: Terminal = Terminal(), registry: Registry = .all
    ) async -> Run {
        await words(
            line.split(separator: " ").map(String.init), in: folder, input: input, environment: environment,
            terminal: terminal, registry: registry)
    }

    /// Runs a command line given as words.
    static func words(
        _ words: [String], in folder: String? = nil, input: String = "", environment: [String: String] = [:],
        terminal: Terminal = Terminal(), registry: Registry = .all
    ) async -> Run {
        let (output, text) = TextOutput.memory()
        let (messages, said) = TextOutput.memory()
        let context = Context(
            output: output, messages: messages,
            input: { MemoryInput(source: MemorySource(Buffer(Array(input.utf8)), name: "standard input")) },
            binaryOutput: { OutputSink(output) }, terminal: terminal, environment: environment, folder: folder)
        let code = await Program.run(words, in: context, registry: registry)
        return Run(code: code, output: text(), messages: said())
    }

    /// All that a user would see, for golden files.
    var transcript: String {
        var text = output
        if !messages.isEmpty { text += "--- messages\n\(messages)" }
        return text + "--- exit code \(code.number)\n"
    }
}

/// Standard input in memory.
struct MemoryInput: InputFile {
    let source: MemorySource

    var identity: FileIdentity? { nil }
    var name: String { source.name }
    var streamSize: Int? { source.streamSize }
    func stream() async throws(SluiceError) -> any ByteStream { try await source.stream() }
    func randomAccess() async throws(SluiceError) -> any RandomAccess { source }
}

/// A text output as a byte sink.
final class OutputSink: ByteSink {
    let name = "standard output"
    private let output: TextOutput

    init(_ output: TextOutput) { self.output = output }

    func write(_ bytes: Buffer) async throws(SluiceError) { bytes.withUnsafeBytes { output.write($0) } }
    func finish() async throws(SluiceError) {}
    func abandon() async {}
}
