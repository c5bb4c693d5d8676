import Settings
import Support
import Testing

@testable import Init

@Suite struct JobTests {
    private func section(_ text: String) throws -> Section {
        Section(try #require(parseDocument(text, file: "t").node), path: "jobs.j")
    }

    private func problems(_ text: String) throws -> [String] {
        let section = try section(text)
        let shape = Shape.object(ObjectShape("job", keys: InitKeys.keys))
        return shape.check(section.node, path: section.path).map(\.message) + InitKeys.check(section).map(\.message)
    }

    @Test func stepsOfRegionsStandOnceForEach() throws {
        let job = try InitJob(
            section(
                """
                steps:
                  - { step: check, host: "{region}", port: 1 }
                  - step: regions
                    regions: [we, ne]
                    values: { we: { host: "h{region}" } }
                    steps:
                      - { step: check, host: "{host}.{region}", port: 5432 }
                      - { step: command, run: [sh, -c, "echo {region} {other} {}"] }
                  - { step: check, secrets: x }
                """), name: "j", project: "p")
        #expect(job.entries.map(\.key) == ["check", "check@we", "command@we", "check@ne", "command@ne", "check-6"])
        #expect(job.entries.map(\.group) == [nil, 1, 1, 1, 1, nil])
        guard case .check(let first) = job.entries[0].step, case .check(let west) = job.entries[1].step,
            case .command(let north) = job.entries[4].step
        else {
            Issue.record("not the steps that were written")
            return
        }
        #expect(first.address?.host == "{region}")
        // What a value says is not looked at again.
        #expect(west.address?.host == "h{region}.we")
        #expect(north.run == ["sh", "-c", "echo ne {other} {}"])
    }

    @Test(arguments: [
        ("steps: []", "\"jobs.j.steps\" is empty, and there is nothing to do"),
        (
            "steps: [{ step: chekc }]",
            "\"jobs.j.steps[0].step\" is \"chekc\", one of check, grant-roles, migrate, seed, command, regions was expected"
        ),
        ("steps: [{ step: check }]", "\"jobs.j.steps[0]\" checks nothing"),
        ("steps: [{ step: check, port: 1 }]", "\"jobs.j.steps[0]\" names a host or a port, and both are needed"),
        ("steps: [{ step: grant-roles, identity: x }]", "\"rights\" is missing from step \"jobs.j.steps[0]\""),
        (
            "steps: [{ step: grant-roles, identity: x, rights: [own] }]",
            "\"jobs.j.steps[0].rights[0]\" is \"own\", one of read, write, ddl was expected"
        ),
        (
            "steps: [{ step: seed, files: a, into: a.b.c, key: x }]",
            "\"jobs.j.steps[0].into\" is \"a.b.c\", a table or schema.table was expected"
        ),
        ("steps: [{ step: command, run: [] }]", "\"jobs.j.steps[0].run\" names no program"),
        ("steps: [{ step: regions, regions: [], steps: [] }]", "\"jobs.j.steps[0]\" names no region or no step"),
        (
            "steps: [{ step: regions, regions: [a], values: { b: { x: y } }, steps: [{ step: check, secrets: x }] }]",
            "\"jobs.j.steps[0].values.b\" is for no region of a"
        ),
    ])
    func whatIsWrongIsToldWithItsPlace(text: String, message: String) throws {
        #expect(try problems(text).contains(message))
    }

    @Test func aSecretAmongArgumentsIsRefused() throws {
        let node = Node(
            .mapping([
                .init(
                    key: "steps", keyMark: .init(file: "t", line: 1, column: 1),
                    value: Node(
                        .sequence([
                            Node(
                                .mapping([
                                    .init(
                                        key: "step", keyMark: mark, value: Node(.scalar(Scalar("command")), at: mark)),
                                    .init(
                                        key: "run", keyMark: mark,
                                        value: Node(
                                            .sequence([
                                                Node(
                                                    .scalar(
                                                        Scalar(
                                                            parts: [.secret(SecretReference(name: "s"))], isPlain: true)
                                                    ),
                                                    at: mark)
                                            ]), at: mark)),
                                ]), at: mark)
                        ]), at: mark))
            ]), at: mark)
        #expect(InitKeys.check(Section(node, path: "jobs.j")).count == 1)
    }

    private let mark = Diagnostic.Mark(file: "t", line: 1, column: 1)

    @Test(arguments: [
        ("psql (PostgreSQL) 15.8 (Debian 15.8-0)", "15.8"), ("Python 3.11.2\n", "3.11.2"), ("v18.", "18"), ("no", nil),
    ])
    func versionsAreFoundInWhatProgramsSay(text: String, version: String?) {
        #expect(Version(in: text)?.description == version)
    }

    @Test func versionsAreComparedNumberByNumber() throws {
        #expect(try #require(Version("3.9")) < #require(Version("3.10")))
        #expect(try !(#require(Version("15")) < #require(Version("15.0"))))
        #expect(try ProgramNeed("python3 >= 3.9").version == Version("3.9"))
        #expect(try ProgramNeed("psql").version == nil)
        #expect(throws: SluiceError.self) { try ProgramNeed("psql >= new") }
        #expect(throws: SluiceError.self) { try ProgramNeed(">= 3") }
    }
}
