import CommandLine
import Support
import Testing

@testable import Commands

/// The calls of every command, so that a new one cannot be forgotten.
private func paths(of model: CommandModel, below path: [String] = []) -> [[String]] {
    [path] + model.commands.flatMap { paths(of: $0, below: path + [$0.name]) }
}

@Suite struct HelpGoldenTests {
    @Test(arguments: paths(of: Registry.all.model))
    func everyCommandExplainsItself(path: [String]) async {
        let run = await Run.words(path + ["--help"])
        #expect(run.code == .succeeded)
        #expect(run.messages.isEmpty)
        for line in run.output.split(separator: "\n") { #expect(line.count <= 80) }
        Golden.check(run.output, "help" + path.map { "-\($0)" }.joined() + ".txt")
        #expect(await Run.words(["help"] + path).output == run.output)
    }

    /// A name that stands twice would make one of the two unreadable.
    @Test(arguments: paths(of: Registry.all.model))
    func noNameIsDeclaredTwice(path: [String]) {
        var model = Registry.all.model
        let global = model.options
        for word in path { model = model.command(word) ?? model }
        let specs = path.isEmpty ? global : model.parameters + global
        #expect(Set(specs.map(\.name)).count == specs.count)
        #expect(Set(specs.compactMap(\.short)).count == specs.compactMap(\.short).count)
        #expect(specs.allSatisfy { !$0.help.isEmpty && !$0.help.hasSuffix(".") })
    }

    /// What help tells people to copy has to be understood.
    @Test(arguments: paths(of: Registry.all.model))
    func everyExampleParses(path: [String]) throws {
        var model = Registry.all.model
        for word in path { model = model.command(word) ?? model }
        for example in model.examples {
            guard let start = example.line.firstRange(of: "sluice") else {
                Issue.record("\(example.line) does not call sluice")
                continue
            }
            let words = shellWords(example.line[start.lowerBound...]).dropFirst()
            #expect(throws: Never.self, "\(example.line)") {
                try Parser(root: Registry.all.model).parse(Array(words))
            }
        }
    }

    @Test func allCommandsAreDescribedForMachines() async {
        let run = await Run.line("help --json")
        #expect(run.output.hasPrefix("{\n  \"name\": \"sluice\""))
        for command in Registry.all.model.commands where !command.isHidden {
            #expect(run.output.contains("\"name\": \"\(command.name)\""))
        }
    }

    @Test(arguments: [
        ("help cnovert", "help-unknown.txt"), ("--jsn", "error-option.txt"), ("complete", "error-command.txt"),
        ("completion", "error-missing.txt"), ("completion tcsh --json", "error-json.txt"),
        ("completion bash zsh", "error-extra.txt"),
    ])
    func mistakesAreExplained(line: String, name: String) async {
        Golden.check(await Run.line(line).transcript, name)
    }
}

/// The words of a simple command line: quotes group, and a pipe or redirection ends it.
private func shellWords(_ line: Substring) -> [String] {
    var words: [String] = []
    var word: String?
    var quote: Character?
    for character in line {
        if let open = quote {
            if character == open { quote = nil } else { word = (word ?? "") + String(character) }
        } else if character == "'" || character == "\"" {
            quote = character
            word = word ?? ""
        } else if character == " " {
            if let done = word { words.append(done) }
            word = nil
        } else if "|<>)".contains(character) {
            break
        } else {
            word = (word ?? "") + String(character)
        }
    }
    if let word { words.append(word) }
    return words
}
