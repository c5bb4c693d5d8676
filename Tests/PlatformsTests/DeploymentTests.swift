import Platforms
import Runs
import Settings
import Support
import Testing

/// What `deploy:` may say, and what becomes of it.
@Suite struct DeploymentTests {
    private func job(_ text: String) throws -> Section {
        let node = try #require(parseDocument(text, file: "job").node)
        return Section(node, path: "jobs.orders")
    }

    private func problems(_ text: String) throws -> [String] {
        let job = try job(text)
        let shape = Shape.object(ObjectShape("job", keys: DeploymentKeys.jobKeys))
        return (shape.check(job.node, path: job.path) + DeploymentKeys.check(job)).map(\.message)
    }

    @Test func everythingIsRead() throws {
        let text = """
            platform: cloud
            deploy:
              size: medium
              timeout: 15m
              retries: 2
              parallelism: 3
              schedule: "30  4 * * 1-5"
              env: { PGHOST: db.example, PGPORT: 5432 }
              secrets: { PGPASSWORD: postgres-admin-password, KEY: other/key }
              tags: { Owner: data }
              purpose: grant-db-roles
              category: database
            """
        #expect(try problems(text) == [])
        let needs = try DeploymentNeeds(try job(text).section("deploy"))
        #expect(needs.resources == .medium)
        #expect(needs.timeout == .seconds(900))
        #expect(needs.retries == 2)
        #expect(needs.parallelism == 3)
        #expect(needs.completions == 3)
        #expect(needs.trigger == .schedule("30 4 * * 1-5"))
        #expect(needs.environment == ["PGHOST": "db.example", "PGPORT": "5432"])
        #expect(
            needs.secrets == [
                "PGPASSWORD": SecretReference(name: "postgres-admin-password"),
                "KEY": SecretReference(vault: "other", name: "key"),
            ])
        #expect(needs.tags == ["Owner": "data"])
        #expect(needs.purpose == "grant-db-roles")
        #expect(needs.category == "database")
        #expect(try DeploymentNeeds(nil) == DeploymentNeeds())
    }

    @Test func aSizeIsAPairAndSoAreCPUAndMemory() throws {
        let needs = try DeploymentNeeds(try job("deploy: { cpu: 0.75, memory: 1.5GiB }").section("deploy"))
        #expect(needs.resources == RunResources(millicores: 750, memory: 3 << 29))
        #expect(RunResources.named("large") == RunResources(millicores: 1000, memory: 2 << 30))
        #expect(RunResources.named("huge") == nil)
    }

    @Test func aVariableThatIsASecretStaysInTheVault() throws {
        let entries = [
            Node.Entry(
                key: "PASSWORD", keyMark: mark,
                value: Node(
                    .scalar(Scalar(parts: [.secret(SecretReference(name: "db"))], isPlain: true)), at: mark)),
            Node.Entry(key: "HOST", keyMark: mark, value: Node(.scalar(Scalar("db")), at: mark)),
        ]
        func needs(_ entries: [Node.Entry]) throws -> DeploymentNeeds {
            let env = Node.Entry(key: "env", keyMark: mark, value: Node(.mapping(entries), at: mark))
            return try DeploymentNeeds(Section(Node(.mapping([env]), at: mark)))
        }
        let read = try needs(entries)
        #expect(read.secrets == ["PASSWORD": SecretReference(name: "db")])
        #expect(read.environment == ["HOST": "db"])
        // A part of a text would have to be looked up here, and travel in the clear.
        let mixed = Scalar(parts: [.literal("postgres://u:"), .secret(SecretReference(name: "db"))], isPlain: true)
        let error = #expect(throws: SluiceError.self) {
            try needs([Node.Entry(key: "URL", keyMark: mark, value: Node(.scalar(mixed), at: mark))])
        }
        #expect(error?.message == "deploy.env.URL is \"postgres://u:${secret.db}\": more than a secret")
    }

    private let mark = Diagnostic.Mark(file: "job", line: 1, column: 1)

    @Test(arguments: [
        ("deploy: { size: huge }", "size"), ("deploy: { retries: -1 }", "retries"),
        ("deploy: { size: small, cpu: 1, memory: 2GiB }", "a size says what cpu and memory say"),
        ("deploy: { cpu: 1 }", "cpu is given without memory"), ("deploy: { memory: 1GiB }", "memory is given without"),
        ("deploy: { schedule: '* * * * *', event: { type: azure-queue } }", "by a clock or by events"),
        ("deploy: { event: { type: q, min: 3, max: 2 } }", "at least than at most"),
        ("deploy: { schedule: hourly }", "has 1 field, and cron has 5"), ("deploy: { colour: red }", "colour"),
    ]) func whatDoesNotFitIsTold(_ text: String, _ word: String) throws {
        let told = try problems(text)
        #expect(told.count == 1)
        #expect(told.first?.contains(word) == true, "\(told)")
    }

    @Test(arguments: [
        "* * * * *", "*/15 0-23/2 1,15 1-12 0-7", "59 23 31 12 7", "0 4 * * 1-5",
    ]) func schedules(_ cron: String) throws {
        #expect(try problems("deploy: { schedule: '\(cron)' }") == [])
    }

    @Test(arguments: [
        "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "*/0 * * * *", "5-1 * * * *", "a * * * *",
        "1, * * * *", "1-2-3 * * * *", "1/2/3 * * * *", "- * * * *", "* * * *", "* * * * * *", "-1 * * * *",
        "99999999999999999999 * * * *",
    ]) func noSchedules(_ cron: String) throws {
        #expect(try problems("deploy: { schedule: '\(cron)' }").count == 1)
    }

    @Test func changesAreTold() {
        let changes = DeploymentChange.between(["a": "1", "b": "2", "c": "3"], ["b": "2", "c": "4", "d": "5"])
        #expect(
            changes == [
                DeploymentChange(.delete, "a", from: "1"), DeploymentChange(.keep, "b", from: "2", to: "2"),
                DeploymentChange(.update, "c", from: "3", to: "4"), DeploymentChange(.create, "d", to: "5"),
            ])
        let job = JobDeployment(project: "shop", job: "orders", kind: "ingest", arguments: ["run", "orders"])
        let plan = DeploymentPlan(platform: "cloud", job: job, name: "shop-orders", changes: changes)
        #expect(!plan.isEmpty)
        #expect(plan.count(.create) == 1)
        #expect(DeploymentPlan(platform: "cloud", job: job, name: "shop-orders", changes: [changes[1]]).isEmpty)
    }

    @Test func wordsOfAPlatformBecomeStates() throws {
        let words = StateWords("Container Apps", ["Running": .running, "Stopped": .cancelled])
        #expect(try words.state("running") == .running)
        let error = #expect(throws: SluiceError.self) { try words.state("Unknown") }
        #expect(error?.isTransient == true)
    }
}
