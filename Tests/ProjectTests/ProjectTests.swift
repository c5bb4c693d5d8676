import Project
import Settings
import Support
import Testing

@Suite struct ProjectTests {
    private let vocabulary = Vocabulary(
        protocols: [
            (
                "postgres",
                [
                    KeyShape("host", .text, "The server", required: true, otherNames: ["server"]),
                    KeyShape("port", .integer(1...65_535), "Its port"),
                ]
            ),
            ("sqlite", [KeyShape("path", .text, "The file", required: true)]),
        ],
        kinds: [
            (
                "ingest",
                [
                    KeyShape("from", .reference(to: "connections"), "The source", required: true),
                    KeyShape("mode", .choice(["append", "replace", "merge"]), "How rows are written"),
                    KeyShape("key", .list(.text), "The key"), KeyShape("every", .duration, "How often"),
                ]
            )
        ], platforms: [("local", []), ("cloud", [KeyShape("region", .text, "Where", required: true)])],
        jobKeys: [KeyShape("platform", .text, "Where it runs")])

    @Test func jobsRunWhereTheyOrTheProjectSay() throws {
        let text = """
            project: shop
            platform: here
            connections: { db: { protocol: sqlite, path: x } }
            platforms:
              here: { type: local }
              aca: { type: cloud, region: west }
            jobs:
              orders: { kind: ingest, from: db }
              grants: { kind: ingest, from: db, platform: aca }
              small: { kind: ingest, from: db, platform: local }
            environments:
              prod: { platform: aca, platforms: { aca: { region: north } } }
            """
        let (dev, problems) = parse(text)
        #expect(problems == [])
        let project = try #require(dev)
        #expect(project.jobs.map { project.platform(of: $0) } == ["here", "aca", "local"])
        #expect(project.platforms["aca"]?.text("region") == "west")
        let prod = try #require(parse(text, environment: "prod").project)
        #expect(prod.jobs.map { prod.platform(of: $0) } == ["aca", "aca", "local"])
        #expect(prod.platforms["aca"]?.text("region") == "north")
        // A project that says nothing runs here.
        let plain = try #require(parse("project: p\njobs: { a: { kind: ingest, from: ./x.csv } }").project)
        #expect(plain.platform(of: plain.jobs[0]) == "local")
    }

    @Test(arguments: [
        ("platform: acx", "\"platform\" names the platform \"acx\", which is not declared", "did you mean \"aca\"?"),
        (
            "jobs: { a: { kind: ingest, from: ./x.csv, platform: zzzzzz } }",
            "\"jobs.a.platform\" names the platform \"zzzzzz\", which is not declared",
            "add it under \"platforms\", or write local"
        ),
    ]) func aPlatformHasToBeDeclared(_ line: String, _ message: String, _ hint: String) throws {
        let (project, problems) = parse("project: p\nplatforms: { aca: { type: cloud, region: w } }\n\(line)")
        #expect(project == nil)
        #expect(problems.map(\.message) == [message])
        #expect(problems.first?.hint == hint)
    }

    private func parse(
        _ text: String, environment: String? = nil, variables: [String: String] = [:]
    ) -> (project: Project?, problems: [Diagnostic]) {
        Project.parse(
            text, file: "sluice.yaml", vocabulary: vocabulary,
            inputs: ProjectInputs(folder: "/p", environment: environment, environmentVariables: variables))
    }

    private let shop = """
        project: shop
        connections:
          db: { protocol: postgres, host: "${env.HOST:-localhost}", port: "${env.PORT:-5432}" }
        jobs:
          orders: { kind: ingest, from: db, mode: merge, key: id }
        environments:
          prod:
            lake: abfss://staging@shop.dfs.core.windows.net
            connections: { db: { host: db.example } }
        """

    @Test func defaultsHoldWhereNothingIsWritten() throws {
        let (project, problems) = parse(shop)
        #expect(problems.isEmpty)
        let found = try #require(project)
        #expect(found.name == "shop")
        #expect(found.lake.literal == "./lake")
        #expect(found.job("orders")?.settings.texts("key") == ["id"])
        guard case .settings(let db)? = found.connections["db"] else {
            Issue.record("db is not a mapping")
            return
        }
        #expect(db.text("host") == "localhost")
        #expect(db.integer("port") == 5432)
        guard case .url(let url, _) = found.warehouse else {
            Issue.record("the warehouse is not a URL")
            return
        }
        #expect(url.literal == "sqlite:./warehouse.db")
    }

    @Test func anEnvironmentIsLaidOverTheFile() throws {
        let project = try #require(parse(shop, environment: "prod").project)
        #expect(project.lake.literal == "abfss://staging@shop.dfs.core.windows.net")
        guard case .settings(let db)? = project.connections["db"] else {
            Issue.record("db is not a mapping")
            return
        }
        #expect(db.text("host") == "db.example")
        #expect(db.text("protocol") == "postgres")
    }

    @Test func everyProblemIsReportedAtOnceWithItsPlace() {
        let (project, problems) = parse(
            """
            project: shop
            lakee: ./x
            connections:
              db: { protocol: postgers, host: x }
              other: { protocol: postgres, prot: 1, port: 99999 }
            jobs:
              orders: { kind: ingest, from: dbb, mode: upsert }
              late: { kind: ingest, from: db, every: soon, after: [orders, nobody] }
            environments:
              prod: { lake: [1] }
            """)
        #expect(project == nil)
        #expect(
            problems.map { "\($0.mark.line):\($0.mark.column) \($0.message) | \($0.hint ?? "")" } == [
                "2:1 \"lakee\" is not known in the project file | did you mean \"lake\"?",
                "4:19 \"connections.db.protocol\" is \"postgers\", one of postgres, sqlite was expected | did you mean \"postgres\"?",
                "5:10 \"host\" is missing from connection \"connections.other\" | add host: The server",
                "5:32 \"prot\" is not known in connection \"connections.other\" | did you mean \"port\"?",
                "5:47 \"connections.other.port\" is \"99999\", a whole number from 1 to 65535 was expected | ",
                "7:33 \"jobs.orders.from\" names the connection \"dbb\", which is not declared | did you mean \"db\"?",
                "7:44 \"jobs.orders.mode\" is \"upsert\", one of append, replace, merge was expected | ",
                "8:42 \"jobs.late.every\" is \"soon\", a duration such as 30s, 5m or 1h30m was expected | ",
                "8:64 \"jobs.late.after[1]\" names the job \"nobody\", which is not declared | declared: orders, late",
                "10:17 \"environments.prod.lake\" is a list, text was expected | ",
            ])
    }

    @Test(arguments: [("db", "db"), ("\"db\"", "db"), ("sqlite:db", nil), ("./db", nil), ("db.sqlite", nil)])
    func theWarehouseMayBeAConnection(_ written: String, _ name: String?) throws {
        let project = try #require(
            parse("project: p\nwarehouse: \(written)\nconnections: { db: { protocol: postgres, host: x } }").project)
        #expect(project.warehouseConnection == name)
        guard case .settings(let db) = project.warehouse else {
            #expect(name == nil)
            return
        }
        #expect(name == "db")
        #expect(db.text("host") == "x")
    }

    @Test func anEnvironmentMayChooseAnotherConnectionAsTheWarehouse() throws {
        let text = """
            project: p
            warehouse: here
            connections: { here: sqlite:a.db, there: { protocol: postgres, host: x } }
            environments: { prod: { warehouse: there } }
            """
        #expect(parse(text).project?.warehouseConnection == "here")
        #expect(parse(text, environment: "prod").project?.warehouseConnection == "there")
    }

    @Test(arguments: [
        ("dwx", "did you mean \"dw\"?"),
        (
            "elsewhere",
            "write a URL such as sqlite:./elsewhere.db, a mapping with a protocol, or the name of a connection; declared: dw"
        ),
    ])
    func aWarehouseThatNothingDeclaresIsReported(_ written: String, _ hint: String) {
        let (project, problems) = parse("project: p\nwarehouse: \(written)\nconnections: { dw: sqlite:a.db }")
        #expect(project == nil)
        #expect(
            problems.map(\.message) == ["\"warehouse\" names the connection \"\(written)\", which is not declared"])
        #expect(problems.first?.hint == hint)
    }

    @Test(arguments: ["server", "Server"]) func whatOtherProgramsCallAKeyLeadsToOurs(_ word: String) {
        let (_, problems) = parse("project: p\nconnections: { db: { protocol: postgres, \(word): x } }")
        #expect(problems.contains { $0.path == "connections.db.\(word)" && $0.hint == "it is called \"host\" here" })
        let overlay = "connections: { db: sqlite:a.db }\nenvironments: { e: { connections: { db: { \(word): x } } } }"
        #expect(parse("project: p\n\(overlay)").problems.map(\.hint) == ["it is called \"host\" here"])
    }

    @Test func jobsThatWaitForEachOtherAreReported() {
        let (_, problems) = parse(
            """
            project: p
            connections: { db: sqlite:x }
            jobs:
              a: { kind: ingest, from: db, after: b }
              b: { kind: ingest, from: db, after: [a] }
            """)
        #expect(problems.map(\.message) == ["the jobs wait for each other in a circle: a → b → a"])
    }

    @Test func anUnknownEnvironmentIsReported() {
        let (project, problems) = parse(shop, environment: "prd")
        #expect(project == nil)
        #expect(problems.map(\.message) == ["no environment is called \"prd\""])
        #expect(problems.first?.hint == "did you mean \"prod\"?")
    }

    @Test func dotEnvIsReadAsShellsWriteIt() {
        let (variables, bad) = parseDotEnv(
            "# comment\nA=1\nexport B = two words # rest\nC=\"x\\n\\\"y\\\"\"\nD='$A #'\nnonsense\nE=\n\"F=1\n")
        #expect(variables == ["A": "1", "B": "two words", "C": "x\n\"y\"", "D": "$A #", "E": ""])
        #expect(bad == [6, 8])
    }
}
