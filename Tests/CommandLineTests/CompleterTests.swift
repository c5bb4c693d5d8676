import Testing

@testable import CommandLine

@Suite struct CompleterTests {
    let completer = Completer(root: Cup().root)

    @Test(arguments: [
        ([""], ["pour", "mix", "rinse", "shelf"]),
        (["p"], ["pour"]),
        (["shelf", ""], ["tidy"]),
        (["--q"], ["--quiet"]),
        (["pour", "--l"], ["--lid"]),
        (["pour", "--no"], ["--no-lid"]),
        (["pour", "--s"], ["--size", "--sugar"]),
        (["pour", "--size", "2", "--s"], ["--sugar"]),
        (["pour", "--size=2", "--s"], ["--sugar"]),
        (["pour", "-s2", "--s"], ["--sugar"]),
        (["pour", "--with", "milk", "--w"], ["--warmth", "--with"]),
        (["pour", "--sugar", ""], ["none", "cubes", "loose"]),
        (["pour", "--sugar", "c"], ["cubes"]),
        (["pour", "--sugar=c"], ["--sugar=cubes"]),
        (["pour", "--sugar=x"], []),
        (["pour", "--nothing=x"], []),
        (["pour", "--", "--s"], []),
        (["pour", "-hs", ""], []),
        (["brew", ""], ["pour", "mix", "rinse", "shelf"]),
        ([], ["pour", "mix", "rinse", "shelf"]),
    ])
    func whatCanStandThereIsOffered(words: [String], offered: [String]) {
        #expect(completer.offer(for: words).words.map(\.word) == offered)
    }

    @Test(arguments: [
        (["mix", ""], ValueCompletion.files), (["mix", "a", "b", ""], .files), (["mix", "--spoon", ""], .nothing),
        (["shelf", "tidy", "--shelf", ""], .folders), (["shelf", "tidy", "--shelf=x"], .folders),
        (["pour", ""], .nothing), (["rinse", "1", ""], .nothing), ([""], .nothing),
    ])
    func filesAndFoldersAreLeftToTheShell(words: [String], paths: ValueCompletion) {
        #expect(completer.offer(for: words).paths == paths)
    }

    @Test func scriptsReadAWordAndItsMeaningALine() async {
        #expect(await completer.lines(for: ["shelf", ""]) == "tidy\tTidy it\n:\n")
        #expect(await completer.lines(for: ["mix", ""]) == ":files\n")
        #expect(await completer.lines(for: ["shelf", "tidy", "--shelf", ""]) == ":folders\n")
    }

    @Test(arguments: [
        (["brew", "t"], "tea\tgreen\ntoast\n:\n"), (["brew", "--like", ""], "tea\tgreen\ntoast\nmilk\n:\n"),
        (["brew", "--like=m"], "--like=milk\n:\n"), (["brew", "--any", "tea,to"], "tea,toast\n:\n"),
    ])
    func wordsThatTheProgramFindsOutAreOffered(words: [String], lines: String) async {
        let kind = ValueKind<String>("DRINK", completion: .known("drinks")) { text throws(ValueProblem) in text }
        let drink = Parameter.argument("DRINK", kind, help: "What to brew")
        let like = Parameter.optional("like", kind, help: "Something like it")
        let any = Parameter.repeated("any", kind, separator: ",", help: "Any of these")
        let brew = CommandModel("brew", "Brew", [.arguments(drink), .options(like, any)])
        let root = CommandModel("cup", "Pour drinks", subcommands: [.init("Drinks", [brew])])
        let found = await Completer(root: root).lines(for: words) { kind in
            kind == "drinks" ? [ValueChoice("tea", "green"), ValueChoice("toast"), ValueChoice("milk")] : []
        }
        #expect(found == lines)
    }
}
