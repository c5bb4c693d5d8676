import Testing

@testable import Commands

/// `sluice lake` on folders; the Stores tests hold every kind of store to the same answers.
@Suite struct LakeTests {
    private func folder() -> Folder {
        let folder = Folder()
        folder.write("a,b\n1,2\n", to: "in/a.csv")
        folder.write("{}", to: "in/b.json")
        folder.write("c", to: "in/sub/c.csv")
        folder.write("", to: "in/.hidden")
        return folder
    }

    @Test func listsNamesAndSizes() async {
        let folder = folder()
        #expect(await Run.line("lake ls in", in: folder.path).output == ".hidden\na.csv\nb.json\nsub/\n")
        #expect(
            await Run.line("lake ls -r in", in: folder.path).output == ".hidden\na.csv\nb.json\nsub/c.csv\n")
        #expect(await Run.words(["lake", "ls", "in/**/*.csv"], in: folder.path).output == "a.csv\nsub/c.csv\n")
        let long = await Run.line("lake ls -l in", in: folder.path)
        #expect(long.output.contains("8  20") && long.output.contains("  a.csv\n"))
        #expect(long.messages == "3 objects, 10 B\n")
        let json = await Run.line("lake ls in/a.csv --json", in: folder.path)
        #expect(json.output.contains("\"path\": \"a.csv\"") && json.output.contains("\"bytes\": 8"))
        let missing = await Run.line("lake ls nowhere", in: folder.path)
        #expect(missing.code == .failed && missing.messages.contains("no such object or folder"))
    }

    @Test func showsBytes() async {
        let folder = folder()
        #expect(await Run.line("lake cat in/a.csv in/sub/c.csv", in: folder.path).output == "a,b\n1,2\nc")
        #expect(await Run.line("lake cat --head 3 in/a.csv", in: folder.path).output == "a,b")
        #expect(await Run.line("lake cat --tail 4 in/a.csv", in: folder.path).output == "1,2\n")
        #expect(await Run.words(["lake", "cat", "in/*.json"], in: folder.path).output == "{}")
        #expect(await Run.line("lake cat in", in: folder.path).code == .usage)
        #expect(await Run.words(["lake", "cat", "in/*.x"], in: folder.path).code == .failed)
        #expect(await Run.line("lake cat in/a.csv --json", in: folder.path).code == .usage)
        #expect(await Run.line("lake cat in/a.csv --head 1 --tail 1", in: folder.path).code == .usage)
    }

    @Test func copiesAndCounts() async {
        let folder = folder()
        let first = await Run.line("lake cp -r in out", in: folder.path)
        #expect(first.code == .succeeded && first.messages.hasPrefix("copied 4 objects, 11 B"))
        #expect(folder.read("out/sub/c.csv") == "c")
        let again = await Run.line("lake cp -r in out --json", in: folder.path)
        #expect(again.output.contains("\"identical\": 4") && again.output.contains("\"copied\": 0"))
        folder.write("changed", to: "in/b.json")
        #expect(
            await Run.line("lake cp -r in out --if-absent", in: folder.path).messages.contains("4 left as they were"))
        #expect(folder.read("out/b.json") == "{}")
        _ = await Run.words(["lake", "cp", "in", "out", "-p", "*.json"], in: folder.path)
        #expect(folder.read("out/b.json") == "changed")
        #expect(
            await Run.line("lake cp in out --overwrite", in: folder.path).messages.hasPrefix("copied 3 objects"))
        let none = await Run.words(["lake", "cp", "in", "out", "-p", "*.xyz"], in: folder.path)
        #expect(none.code == .succeeded && none.messages.contains("nothing was copied"))
        #expect(await Run.line("lake cp in/a.csv new/", in: folder.path).code == .succeeded)
        #expect(folder.read("new/a.csv") == "a,b\n1,2\n")
        #expect(await Run.line("lake cp in/a.csv new/name.csv", in: folder.path).code == .succeeded)
        #expect(folder.read("new/name.csv") != nil)
        #expect(await Run.line("lake cp in in/a.csv", in: folder.path).code == .usage)
        #expect(await Run.line("lake cp in/nothing out", in: folder.path).code == .failed)
        #expect(await Run.line("lake cp in out --if-absent --overwrite", in: folder.path).code == .usage)
    }

    @Test func oneThatFailsIsCountedAndTheOthersAreCopied() async {
        let folder = folder()
        folder.write("in the way", to: "out/sub")
        let run = await Run.line("lake cp -r in out", in: folder.path)
        #expect(run.code == .failed)
        #expect(run.messages.contains("copied 3 objects") && run.messages.contains("1 failed"))
        #expect(folder.read("out/a.csv") != nil)
    }

    @Test func asksBeforeItRemovesMany() async {
        let folder = folder()
        #expect(await Run.line("lake rm in/a.csv", in: folder.path).messages == "removed 1 object, 8 B\n")
        #expect(await Run.line("lake rm in", in: folder.path).code == .usage)
        let silent = await Run.line("lake rm -r in", in: folder.path)
        #expect(silent.code == .usage && silent.messages.contains("nobody to ask"))
        let terminal = Terminal(inputIsTerminal: true, messagesAreTerminal: true, width: 80)
        let no = await Run.line("lake rm -r in", in: folder.path, input: "n\n", terminal: terminal)
        #expect(no.code == .failed && no.messages.contains("[y/N]") && folder.read("in/b.json") != nil)
        let yes = await Run.line("lake rm -r in --json", in: folder.path, input: "y\n", terminal: terminal)
        #expect(yes.code == .succeeded && yes.output.contains("\"removed\": 3"))
        #expect(await Run.line("lake ls in", in: folder.path).code == .failed)
        #expect(await Run.line("lake rm in/a.csv", in: folder.path).code == .failed)
    }

    @Test func tellsWhatIsKnown() async {
        let folder = folder()
        let run = await Run.line("lake stat in/a.csv in", in: folder.path)
        #expect(run.output.contains("kind     file") && run.output.contains("size     8 B"))
        #expect(run.output.contains("kind     folder"))
        let some = await Run.line("lake stat in/a.csv in/none", in: folder.path)
        #expect(some.code == .failed && some.messages.contains("no such object"))
    }

    @Test(arguments: [
        ("lake ls s3://bucket", "not something Sluice reads"), ("lake ls az://x", "3 to 24 lower-case"),
        ("lake cp in az://lake1", "no container"),
    ])
    func wrongPlacesAreExplained(line: String, message: String) async {
        let folder = folder()
        let run = await Run.line(line, in: folder.path)
        #expect(run.code != .succeeded && run.messages.contains(message), "\(run.messages)")
        #expect(run.messages.contains("hint: "))
    }
}
