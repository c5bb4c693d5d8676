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

    @Test func scriptsReadAWordAndItsMeaningALine() {
        #expect(completer.lines(for: ["shelf", ""]) == "tidy\tTidy it\n:\n")
        #expect(completer.lines(for: ["mix", ""]) == ":files\n")
        #expect(completer.lines(for: ["shelf", "tidy", "--shelf", ""]) == ":folders\n")
    }
}
