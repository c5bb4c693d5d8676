import Project
import Settings
import Support
import Testing

/// Variables: declared, given in four ways, checked.
@Suite struct VariablesTests {
    private func project(
        _ variables: String, using: String = "${var.x}", environment: [String: String] = [:],
        file: String? = nil, flags: [String: String] = [:]
    ) -> (value: String?, given: [String: String], errors: [String]) {
        let text = """
            project: shop
            variables:
            \(variables.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))
            lake: "\(using)"
            """
        var inputs = ProjectInputs(folder: "/p", environmentVariables: environment, variables: flags)
        inputs.variablesFile = file.map { .init(name: "vars.yaml", text: $0) }
        let (project, problems) = Project.parse(
            text, file: "sluice.yaml", vocabulary: Vocabulary(protocols: [], kinds: []), inputs: inputs)
        return (
            project?.lake.literal, project?.givenVariables ?? [:],
            problems.map { "\($0.severity == .error ? "" : "warning: ")\($0.mark.file):\($0.mark.line) \($0.message)" }
        )
    }

    @Test func theCommandLineWinsOverTheEnvironmentOverTheFileOverTheDefault() {
        let declared = "x: { type: integer, default: 1 }"
        #expect(project(declared).value == "1")
        #expect(project(declared, file: "x: 2").value == "2")
        #expect(project(declared, file: #"{"x": 2}"#).value == "2")
        #expect(project(declared, environment: ["SLUICE_VAR_X": "3"], file: "x: 2").value == "3")
        let all = project(declared, environment: ["SLUICE_VAR_X": "3"], file: "x: 2", flags: ["x": "4"])
        #expect(all.value == "4")
        #expect(all.given == ["SLUICE_VAR_X": "4"])
        // What nobody gave is no business of whoever starts a run elsewhere.
        #expect(project(declared).given == [:])
    }

    @Test func aShortDefaultIsText() {
        #expect(project("x: eu").value == "eu")
        #expect(project("x: eu", environment: ["SLUICE_VAR_X": "us"]).value == "us")
        #expect(project("x: a\ny: ${var.x}b", using: "${var.y}", flags: ["x": "z"]).value == "zb")
    }

    @Test func aNameOfTheEnvironmentIsPlain() {
        let found = project("load-day: 1", using: "${var.load-day}", environment: ["SLUICE_VAR_LOAD_DAY": "2"])
        #expect(found.value == "2")
        #expect(found.given == ["SLUICE_VAR_LOAD_DAY": "2"])
        let twins = project("a-b: 1\na_b: 1", using: "${var.a-b}", environment: ["SLUICE_VAR_A_B": "2"])
        #expect(twins.value == nil)
        #expect(twins.errors.contains { $0.contains("could mean \"a-b\" as well as \"a_b\"") })
    }

    @Test(arguments: [
        ("integer", " 007 ", "7"), ("integer", "-3", "-3"), ("decimal", "10.50", "10.50"), ("boolean", "Yes", "true"),
        ("boolean", "0", "false"), ("date", "2024-02-29", "2024-02-29"), ("duration", "1h30m", "1h30m"),
        ("timestamp", "2026-01-31T06:30:00.123Z", "2026-01-31T06:30:00.123Z"), ("size", "64MB", "64MB"),
        ("timestamp", "2026-01-31T06:30:00+02:00", "2026-01-31T06:30:00+02:00"), ("text", " a ", " a "),
    ])
    func aValueIsOfItsType(_ type: String, _ text: String, _ value: String) {
        #expect(project("x: { type: \(type) }", flags: ["x": text]).value == value)
    }

    @Test(arguments: [
        ("integer", "1.5", "a whole number"), ("decimal", "1e3", "a decimal number"),
        ("boolean", "maybe", "true or false"),
        ("date", "2023-02-29", "a date"), ("date", "2023-2-9", "a date"), ("date", "20230209", "a date"),
        ("timestamp", "2026-01-31", "a time"), ("timestamp", "2026-01-31T06:30:00", "a time"),
        ("timestamp", "2026-01-31T24:30:00Z", "a time"), ("duration", "soon", "a duration"), ("size", "big", "a size"),
        ("timestamp", "2026-01-31T06:30:00.", "a time"), ("date", "", "a date"), ("date", "äöü", "a date"),
    ])
    func whatIsNotOfItsTypeIsRefused(_ type: String, _ text: String, _ expectation: String) {
        let flag = project("x: { type: \(type) }", flags: ["x": text])
        #expect(flag.value == nil && flag.errors.count == 1)
        #expect(flag.errors.contains { $0.contains("--var x is \"\(text)\"; \(expectation)") }, "\(flag.errors)")
        let file = project("x: { type: \(type) }", file: "\n# the day\nx: '\(text)'")
        #expect(file.errors.contains { $0.hasPrefix("vars.yaml:3 ") && $0.contains(expectation) }, "\(file.errors)")
        let environment = project("x: { type: \(type) }", environment: ["SLUICE_VAR_X": text])
        #expect(environment.errors.contains { $0.contains("SLUICE_VAR_X is not \(expectation)") })
    }

    @Test func boundsAndChoicesAreKept() {
        let bounded = "x: { type: integer, min: 1, max: 9 }"
        #expect(project(bounded, flags: ["x": "9"]).value == "9")
        #expect(project(bounded, flags: ["x": "10"]).errors.contains { $0.contains("a whole number from 1 to 9") })
        let chosen = "x: { choices: [full, delta], default: delta }"
        #expect(project(chosen).value == "delta")
        #expect(project(chosen, flags: ["x": "all"]).errors.contains { $0.contains("one of full, delta") })
        #expect(project("x: { type: date, default: soon }").errors.contains { $0.contains("sluice.yaml:3") })
    }

    @Test func whatNobodyGaveIsAskedFor() {
        let found = project("x: { type: date }")
        #expect(found.value == nil)
        #expect(found.errors == ["sluice.yaml:4 the variable \"x\" has no value"])
        // One that is used nowhere may go without.
        #expect(project("x: { type: date }", using: "./lake").value == "./lake")
    }

    @Test func aFileOfValuesIsCheckedWhole() {
        let unknown = project("x: 1", file: "x: 2\ny: 3")
        #expect(unknown.value == "2")
        #expect(
            unknown.errors == ["warning: vars.yaml:2 no variable is called \"y\", so that its value changes nothing"])
        #expect(project("x: 1", file: "x: [2]").errors.contains { $0.contains("one value was expected") })
        #expect(project("x: 1", file: "- x").errors.contains { $0.contains("names with values were expected") })
        #expect(project("x: 1", file: "x: {").value == nil)
    }
}
