import Support
import Testing

@testable import CommandLine

@Suite struct ParserTests {
    let cup = Cup()

    @Test(arguments: [
        ["pour", "tea", "--size", "3"], ["pour", "--size", "3", "tea"], ["pour", "--size=3", "tea"],
        ["pour", "-s", "3", "tea"], ["pour", "-s3", "tea"], ["pour", "-s=3", "tea"], ["pour", "-hs3", "tea"],
    ])
    func anOptionMayBeWrittenInEveryUsualWay(line: [String]) throws {
        let arguments = try cup.run(line)
        #expect(arguments[cup.size] == 3)
        #expect(arguments[cup.drinks] == ["tea"])
    }

    @Test func shortFlagsBundleAndTheLastMayTakeAValue() throws {
        let arguments = try cup.run(["pour", "-hqs", "2", "tea"])
        #expect(arguments[cup.hot])
        #expect(arguments[cup.quiet])
        #expect(arguments[cup.size] == 2)
    }

    @Test func aFlagCanBeTurnedOff() throws {
        #expect(try cup.run(["pour", "tea"])[cup.lid])
        #expect(try !cup.run(["pour", "tea", "--no-lid"])[cup.lid])
        #expect(try cup.run(["pour", "tea", "--no-lid", "--lid"])[cup.lid])
    }

    @Test func theLastOfAnOptionGivenTwiceHolds() throws {
        #expect(try cup.run(["pour", "tea", "-s1", "-s2"])[cup.size] == 2)
    }

    @Test func repeatedOptionsAddUpAndDivideAtTheSeparator() throws {
        let arguments = try cup.run(["pour", "tea", "--with", "milk,honey", "--with", #"a\,b"#, "--with", #"c\d"#])
        #expect(arguments[cup.with] == ["milk", "honey", "a,b", #"c\d"#])
    }

    @Test func behindTwoDashesEverythingIsAnArgument() throws {
        #expect(try cup.run(["pour", "--", "--size", "-"])[cup.drinks] == ["--size", "-"])
        #expect(try cup.run(["pour", "-", "--", "--"])[cup.drinks] == ["-", "--"])
    }

    @Test func negativeNumbersAreValues() throws {
        #expect(try cup.run(["pour", "tea", "--warmth", "-5"])[cup.warmth] == -5)
        #expect(try cup.run(["pour", "-5"])[cup.drinks] == ["-5"])
    }

    @Test func aRequiredArgumentMayFollowManyOthers() throws {
        let arguments = try cup.run(["mix", "a", "b", "c", "out"])
        #expect(arguments[cup.inputs] == ["a", "b", "c"])
        #expect(arguments[cup.output] == "out")
        #expect(throws: (any Error).self) { try cup.run(["mix", "a"]) }
    }

    @Test func optionalArgumentsTakeWhatIsLeft() throws {
        #expect(try cup.run(["rinse"])[cup.times] == nil)
        #expect(try cup.run(["rinse", "4"])[cup.times] == 4)
    }

    @Test func theCommandLinePrevailsOverTheEnvironmentAndThatOverTheDefault() throws {
        #expect(try cup.run(["pour", "tea"])[cup.size] == 1)
        #expect(try cup.run(["pour", "tea"], ["CUP_SIZE": "7"])[cup.size] == 7)
        let arguments = try cup.run(["pour", "tea", "-s9"], ["CUP_SIZE": "7"])
        #expect(arguments[cup.size] == 9)
        #expect(arguments.source(of: cup.size) == .commandLine)
        #expect(!arguments.isGiven(cup.warmth))
        #expect(try cup.run(["pour", "tea"], ["CUP_SIZE": ""])[cup.size] == 1)
    }

    @Test(arguments: [("1", true), ("yes", true), ("TRUE", true), ("0", false), ("off", false)])
    func theEnvironmentCanSetAFlag(text: String, isOn: Bool) throws {
        #expect(try cup.run(["pour", "tea"], ["CUP_HOT": text])[cup.hot] == isOn)
    }

    @Test func globalOptionsAreUnderstoodBeforeAndBehindTheCommand() throws {
        #expect(try cup.run(["--quiet", "pour", "tea"])[cup.quiet])
        #expect(try cup.run(["pour", "tea", "--quiet"])[cup.quiet])
    }

    @Test(arguments: [
        (["--help"], []), ([], []), (["pour", "-x", "--help"], ["pour"]), (["pour", "--help", "--bogus"], ["pour"]),
        (["pour", "--size", "--help"], ["pour"]), (["shelf"], ["shelf"]),
        (["shelf", "tidy", "--help"], ["shelf", "tidy"]),
    ])
    func helpIsGivenHoweverTheRestLooks(line: [String], path: [String]) throws {
        guard case .help(let asked) = try Parser(root: cup.root).parse(line) else {
            Issue.record("no help for \(line)")
            return
        }
        #expect(asked == path)
    }

    @Test func theVersionIsGiven() throws {
        guard case .version = try Parser(root: cup.root).parse(["--version"]) else {
            Issue.record("no version")
            return
        }
    }

    @Test(arguments: [
        ("pour tea --siz 3", #"unknown option --siz"#, "Did you mean --size?"),
        ("pour tea --no-ldi", #"unknown option --no-ldi"#, "Did you mean --no-lid?"),
        ("pour tea -z", #"unknown option -z"#, "An argument that begins with a dash goes behind --: 'cup pour -- -z'."),
        ("pour tea -size", "unknown option -size", "Did you mean --size?"),
        ("pour tea --size", "option --size needs a value", "Write --size N."),
        ("pour tea --size --hot", "option --size needs a value, but --hot follows", "Write --size N."),
        ("pour tea --hot=1", "option --hot takes no value", "Write --hot by itself."),
        ("pour tea -h=1", "option -h takes no value", "Write -h by itself."),
        ("pour tea --no-lid=1", "option --no-lid takes no value", "Write --no-lid by itself."),
        ("pour tea --size x", #"--size: "x" is not a whole number"#, nil),
        ("pour tea --size 99", #"--size: "99" is not between 1 and 20"#, nil),
        ("pour tea --sugar cubse", #"--sugar: "cubse" is not one of none, cubes, loose"#, "Did you mean cubes?"),
        ("pour", "missing argument DRINK…", "DRINK: What to pour."),
        ("rinse 1 2", #"unexpected argument "2""#, "cup rinse takes [TIMES]."),
        ("shelf tidy now", #"unexpected argument "now""#, "cup shelf tidy takes no arguments."),
        ("puor tea", #"unknown command "puor""#, "Did you mean 'cup pour'?"),
        ("xyzzy", #"unknown command "xyzzy""#, "The commands are pour, mix, rinse, shelf."),
        ("shelf tdiy", #"unknown command "tdiy""#, "Did you mean 'cup shelf tidy'?"),
        ("--hot pour tea", "unknown option --hot", "It belongs behind the command: 'cup pour --hot'."),
        ("mix a b", "option --spoon is required", "Write --spoon TEXT or set CUP_SPOON."),
    ])
    func whatIsWrongIsSaidWithAWayOut(line: String, message: String, hint: String?) throws {
        let words = line.split(separator: " ").map(String.init)
        let failure = #expect(throws: Parser.Failure.self) { try Parser(root: cup.root).parse(words) }
        #expect(failure?.error.code == .usage)
        #expect(failure?.error.message == message)
        #expect(failure?.error.hint == hint)
    }

    @Test func aWrongVariableIsNamed() {
        let failure = #expect(throws: Parser.Failure.self) {
            try Parser(root: cup.root).parse(["pour", "tea"], environment: ["CUP_SIZE": "big"])
        }
        #expect(failure?.error.message == #"CUP_SIZE: "big" is not a whole number"#)
    }

    /// Whatever is typed, the parser ends with a request or an error that has a message, and values that it was given
    /// behind `--` come out as they went in.
    @Test(arguments: UInt64(0)..<40)
    func noLineBreaksTheParser(seed: UInt64) async {
        var random = Generator(state: seed)
        let pieces = [
            "pour", "mix", "shelf", "tidy", "rinse", "--", "-", "--size", "--size=3", "-s", "-s3", "-hq", "--no-lid",
            "tea", "",
            "=", "--=", "-=", "---", "--no-", "--with", "a,b", "\\", "--help", "-5", "é", "\u{0}", "--sugar", "cubes",
        ]
        for _ in 0..<50 {
            let line = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }
            do {
                let request = try Parser(root: cup.root).parse(line)
                if case .run(["pour"], let arguments) = request, let mark = line.firstIndex(of: "--"),
                    let command = line.firstIndex(of: "pour"), command < mark
                {
                    let literal = Array(line[(mark + 1)...])
                    // A `--` in the place of a value is never swallowed.
                    #expect(Array(arguments[cup.drinks].suffix(literal.count)) == literal)
                }
            } catch {
                #expect(!error.error.message.isEmpty)
                #expect(error.error.code == .usage)
            }
            _ = await Completer(root: cup.root).lines(for: line)
        }
    }
}

/// A small generator, so that a failure can be repeated.
struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
