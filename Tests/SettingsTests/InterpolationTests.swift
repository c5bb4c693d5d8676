import Settings
import Support
import Testing

@Suite struct InterpolationTests {
    private func apply(
        _ text: String, variables: String = "{}", environment: [String: String] = [:],
        overrides: [String: String] = [:],
        name: String? = nil
    ) throws -> (Scalar, [Diagnostic]) {
        let document = try #require(parseDocument("v: \(text)", file: "f").node)
        var declared: [String: Node] = [:]
        for entry in parseDocument(variables, file: "f").node?.entries ?? [] { declared[entry.key] = entry.value }
        let interpolation = Interpolation(
            environmentVariables: environment, variables: declared, overrides: overrides, projectFolder: "/p",
            environmentName: name)
        let (node, problems) = interpolation.apply(to: document)
        return (try #require(node["v"]?.scalar), problems)
    }

    @Test(arguments: [
        ("'${env.A}-${env.B:-b}-${env.EMPTY:-e}'", "1-b-e"), ("${project.dir}/x", "/p/x"), ("a$$b", "a$b"),
        ("$$$${env.A}", "$${env.A}"), ("${var.x}", "<1>"), ("^a$", "^a$"), ("$5", "$5"), ("${environment}", "dev"),
        ("${env.MISSING:-}", ""),
    ])
    func referencesAreReplaced(_ text: String, _ expected: String) throws {
        let (scalar, problems) = try apply(
            text, variables: "{x: '<${var.y}>', y: '${env.A}'}", environment: ["A": "1", "EMPTY": ""], name: "dev")
        #expect(problems.isEmpty)
        #expect(scalar.literal == expected)
    }

    @Test func aCommandLineVariableWins() throws {
        #expect(try apply("${var.x}", variables: "{x: file}", overrides: ["x": "flag"]).0.literal == "flag")
    }

    @Test func secretsStayReferences() throws {
        let (scalar, problems) = try apply("'a ${secret.one} b ${secret.vault/two}'")
        #expect(problems.isEmpty)
        #expect(scalar.literal == nil)
        #expect(scalar.secrets == [SecretReference(name: "one"), SecretReference(vault: "vault", name: "two")])
        #expect(scalar.description == "a ${secret.one} b ${secret.vault/two}")
        #expect(scalar.resolved { $0.name.uppercased() } == "a ONE b TWO")
    }

    @Test(arguments: [
        ("${env.NOPE}", "the environment variable NOPE is not set"),
        ("${var.nope}", "no variable is called \"nope\""),
        ("${var.a}", "the variables refer to each other in a circle: a → b → a"),
        ("${vra.x}", "\"${vra.x}\" refers to nothing"),
        ("${secret.}", "\"${secret.}\" refers to nothing"),
        ("${environment}", "no environment is chosen"),
        ("'${env.A'", "\"${env.A\" has a \"${\" without its \"}\""),
    ])
    func whatCannotBeReplacedIsSaid(_ text: String, _ message: String) throws {
        let (_, problems) = try apply(text, variables: "{a: '${var.b}', b: '${var.a}'}")
        #expect(problems.map(\.message) == [message])
        #expect(problems.first?.hint != nil)
    }
}
