import Support
import Testing

@testable import CommandLine

@Suite struct HelpTests {
    let cup = Cup()

    @Test func theProgramIsExplained() {
        #expect(
            HelpText.page(for: [], below: cup.root) == """
                Pour drinks.

                Usage: cup COMMAND

                Drinks:
                  pour   Pour one or more drinks
                  mix    Mix drinks

                Housekeeping:
                  rinse  Rinse the cup
                  shelf  Look after the shelf

                Global options:
                  -q, --quiet    Say nothing
                      --help     Explain a command
                  -V, --version  Which version this is

                Exit codes:
                  0  poured
                  1  spilt

                Run 'cup COMMAND --help' for how a command is used.

                """)
    }

    @Test func aCommandIsExplained() {
        #expect(
            HelpText.page(for: ["pour"], below: cup.root) == """
                Pour one or more drinks.

                Usage: cup pour [OPTION…] DRINK…

                Common patterns:
                  cup pour tea                      a cup of tea
                  cup pour --hot --sugar cubes tea  a hot, sweet one

                A drink is poured into the cup that is nearest.

                Where no cup is near, it is poured anyway.

                Arguments:
                  DRINK…            What to pour

                Options:
                  -s, --size N      How much to pour [default: 1; variable: CUP_SIZE]
                      --warmth N    Degrees, where that matters
                  -h, --hot         Serve it hot [variable: CUP_HOT]
                      --[no-]lid    Put a lid on the cup, so that nothing is spilt however long
                                    the way to the table is [default: on]

                What goes in:
                      --sugar WORD  What to sweeten it with: none, cubes, loose [default: none]
                      --with TEXT   What else goes in [repeatable]

                Global options:
                  -q, --quiet       Say nothing
                      --help        Explain a command
                  -V, --version     Which version this is

                Run 'cup --help' for all commands and exit codes.

                """)
    }

    @Test func examplesTooLongForOneLineStandBelowTheirMeaning() throws {
        let page = try #require(HelpText.page(for: ["mix"], below: cup.root))
        #expect(
            page.contains(
                """
                Common patterns:
                  # everything at once
                  cup mix --spoon silver milk.cup honey.cup chocolate.cup out.cup

                """))
        #expect(page.contains("Usage: cup mix --spoon TEXT [OPTION…] IN… OUT\n"))
    }

    @Test func aCommandThatDoesNotExistHasNoPage() {
        #expect(HelpText.page(for: ["brew"], below: cup.root) == nil)
    }

    @Test(arguments: [[], ["pour"], ["mix"], ["rinse"], ["shelf"], ["shelf", "tidy"]])
    func everyPageFitsEightyColumnsAndHidesWhatIsHidden(path: [String]) throws {
        let page = try #require(HelpText.page(for: path, below: cup.root))
        for line in page.split(separator: "\n") { #expect(line.count <= 80) }
        #expect(!page.contains("secret"))
        #expect(!page.contains("break"))
        #expect(page.hasSuffix("\n") && !page.hasSuffix("\n\n"))
    }

    @Test func theModelIsWrittenForMachines() {
        let text = cup.root.json.text()
        #expect(text.hasPrefix(#"{"name":"cup","purpose":"Pour drinks","parameters":[{"name":"quiet","form":"flag","#))
        #expect(
            text.contains(
                #"{"name":"sugar","form":"option","group":"What goes in","value":"WORD","choices":["none","cubes","loose"],"#
                    + #""default":"none","required":false,"repeated":false,"help":"What to sweeten it with"}"#))
        #expect(!text.contains("secret"))
    }
}
