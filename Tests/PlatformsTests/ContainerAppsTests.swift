import Azure
import Settings
import Support
import Testing

@testable import Platforms

/// What Container Apps is sent, and what of its answers is a change, without a server.
@Suite struct ContainerAppsTests {
    private static let section = """
        type: container-apps
        subscription: s1
        location: westeurope
        client_id: 11111111-2222-3333-4444-555555555555
        image: shop.azurecr.io/jobs/shop:1.4
        tags: { Owner: data, Environment: nobody }
        """

    private func site(_ text: String = section, environment: String? = "prod") throws -> PlatformSite {
        PlatformSite(
            name: "cloud", section: Section(try #require(parseDocument(text, file: "p").node)), project: "shop",
            environment: environment, folder: "/shop", stateFolder: "/shop/.sluice", variables: [:],
            azure: AzureAccess(environment: [:]))
    }

    private func job(_ name: String = "orders", kind: String = "ingest", _ needs: DeploymentNeeds = .init())
        -> JobDeployment
    {
        JobDeployment(
            project: "shop", job: name, kind: kind, environment: "prod", arguments: ["run", name, "-e", "prod"],
            needs: needs, image: "shop.azurecr.io/jobs/shop@sha256:\(String(repeating: "a", count: 64))",
            release: "0.1.0")
    }

    // MARK: Names

    @Test(arguments: [
        ("grant-db-roles", "dev", "lexiqai-init-grant-db-roles-dev"),
        ("db-migration", "prod", "lexiqai-init-db-migration-prod"),
        ("seed-data", "staging", "lexiqai-init-seed-data-staging"),
        ("multi-region-setup", "prod", "lexiqai-init-multi-region-setup-prod"),
    ]) func initJobsAreNamedByTheRule(_ purpose: String, _ environment: String, _ expected: String) throws {
        var needs = DeploymentNeeds()
        needs.purpose = purpose
        let job = JobDeployment(
            project: "lexiqai", job: "x", kind: "init", environment: environment, arguments: [], needs: needs)
        guard expected.utf8.count <= 32 else {
            let error = #expect(throws: SluiceError.self) {
                try ContainerAppsName.name(of: job, uniqueID: nil)
            }
            let suggestion = ContainerAppsName.suggestion(for: expected)
            #expect(error?.message.contains("\"\(expected)\"") == true)
            #expect(error?.message.contains("\(expected.utf8.count) characters, and 32 are allowed") == true)
            #expect(error?.hint == "write under deploy of the job: name: \(suggestion)")
            #expect(ContainerAppsName.isValid(suggestion))
            return
        }
        #expect(try ContainerAppsName.name(of: job, uniqueID: nil) == expected)
    }

    @Test func namesOfOtherJobs() throws {
        #expect(try ContainerAppsName.name(of: job("Load_Orders"), uniqueID: nil) == "shop-load-orders-prod")
        #expect(
            try ContainerAppsName.name(of: job("synapse-map-tables", kind: "map"), uniqueID: "x1y2")
                == "synapse-map-tables-x1y2")
        var needs = DeploymentNeeds()
        needs.name = "mine"
        #expect(try ContainerAppsName.name(of: job("orders", needs), uniqueID: "x") == "mine")
        needs.name = "Not Mine"
        #expect(throws: SluiceError.self) { try ContainerAppsName.name(of: job("orders", needs), uniqueID: nil) }
    }

    @Test(arguments: [
        "", "a", "A", "9lives", "-x", "x-", "a--b", "ünlaut", "a b", "a_b", String(repeating: "x", count: 33),
        String(repeating: "long-", count: 40), "----", "../../etc", "1",
    ]) func aSuggestionIsAlwaysAllowed(_ name: String) {
        #expect(!ContainerAppsName.isValid(name))
        let suggestion = ContainerAppsName.suggestion(for: name)
        #expect(ContainerAppsName.isValid(suggestion), "\(suggestion)")
        #expect(ContainerAppsName.suggestion(for: name) == suggestion)
    }

    @Test func longNamesThatBeginAlikeAreCutApart() {
        let start = "lexiqai-init-a-very-long-purpose-"
        #expect(ContainerAppsName.suggestion(for: start + "dev") != ContainerAppsName.suggestion(for: start + "prod"))
    }

    // MARK: Settings

    @Test func whatIsNotWrittenFollowsFromTheNames() throws {
        let settings = try ContainerAppsSettings(try site())
        #expect(settings.group == "shop-rg-prod")
        #expect(
            settings.environment.text
                == "/subscriptions/s1/resourceGroups/shop-rg-prod/providers/Microsoft.App/managedEnvironments/shop-cae-prod"
        )
        #expect(settings.identity.name == "shop-identity-prod")
        #expect(settings.vault == "shop-kv-prod")
        let error = #expect(throws: SluiceError.self) {
            try ContainerAppsSettings(try site(environment: nil))
        }
        #expect(error?.message == "the platform \"cloud\" does not say its resource_group")
    }

    @Test(arguments: [
        "resource_group: a/b", "resource_group: ..", "environment: /subscriptions/x", "identity: a?b",
        "registry_username: me", "environment: /subscriptions/s/resourceGroups/g/providers/Microsoft.App/jobs/j",
    ]) func settingsLeadNowhereElse(_ line: String) throws {
        #expect(throws: SluiceError.self) { try ContainerAppsSettings(try site(Self.section + "\n" + line)) }
    }

    // MARK: Sizes

    @Test(arguments: [(250, 512), (500, 1024), (1000, 2048), (4000, 8192), (1750, 3584)])
    func pairsThatThereAre(_ cpu: Int, _ mebibytes: Int) throws {
        var needs = DeploymentNeeds()
        needs.resources = RunResources(millicores: cpu, memory: mebibytes << 20)
        #expect(try ContainerAppsRules.resources(job("orders", needs), profile: nil) == needs.resources)
    }

    @Test(arguments: [
        (300, 1024, "cpu: 0.5, memory: 1GiB"), (250, 1024, "cpu: 0.5, memory: 1GiB"),
        (1000, 1024, "cpu: 1, memory: 2GiB"), (100, 100, "cpu: 0.25, memory: 0.5GiB"),
        (5000, 10240, "workload_profile"),
    ]) func otherPairsAreRefusedWithTheNext(_ cpu: Int, _ mebibytes: Int, _ hint: String) throws {
        var needs = DeploymentNeeds()
        needs.resources = RunResources(millicores: cpu, memory: mebibytes << 20)
        let error = #expect(throws: SluiceError.self) {
            try ContainerAppsRules.resources(job("orders", needs), profile: nil)
        }
        #expect(error?.hint?.contains(hint) == true, "\(error?.hint ?? "")")
        // Machines of one's own have no such pairs.
        #expect(try ContainerAppsRules.resources(job("orders", needs), profile: "D4") == needs.resources)
    }

    @Test func usageIsTimeTimesSize() {
        #expect(RunUsage(.small, .seconds(60)).text == "15 vCPU-s, 30 GiB-s")
        #expect(RunUsage(.large, .seconds(1800), replicas: 2).text == "3600 vCPU-s, 7200 GiB-s")
        #expect(RunUsage(.medium, .milliseconds(900)).text == "0.5 vCPU-s, 0.9 GiB-s")
        #expect(RunUsage(.small, .seconds(-5)).text == "0 vCPU-s, 0 GiB-s")
    }

    // MARK: The body

    private func body(_ job: JobDeployment, registry: String = "shop.azurecr.io") throws -> ContainerJob {
        let settings = try ContainerAppsSettings(try site())
        return try ContainerJob(
            job, image: job.image ?? "",
            .init(
                location: "westeurope", environment: settings.environment, identity: settings.identity,
                clientID: settings.clientID, profile: nil, tags: ["Owner": "data"], resources: .medium,
                timeout: .seconds(900), registryUser: nil, registrySecret: nil,
                address: { "https://\($0.vault ?? "shop-kv-prod").vault.azure.net/secrets/\($0.name)" },
                pullsByIdentity: registry.hasSuffix(".azurecr.io"), registry: registry))
    }

    @Test func theBodyIsWhatAzureDocuments() throws {
        var needs = DeploymentNeeds()
        needs.environment = ["PGHOST": "db.example", "PGUSER": "admin"]
        needs.secrets = ["PGPASSWORD": SecretReference(name: "postgres-admin-password")]
        needs.retries = 2
        let text = try body(job("orders", needs)).body.text(pretty: true)
        #expect(
            text == """
                {
                  "location": "westeurope",
                  "identity": {
                    "type": "UserAssigned",
                    "userAssignedIdentities": {
                      "/subscriptions/s1/resourceGroups/shop-rg-prod/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shop-identity-prod": {}
                    }
                  },
                  "tags": {
                    "Owner": "data"
                  },
                  "properties": {
                    "environmentId": "/subscriptions/s1/resourceGroups/shop-rg-prod/providers/Microsoft.App/managedEnvironments/shop-cae-prod",
                    "configuration": {
                      "replicaTimeout": 900,
                      "replicaRetryLimit": 2,
                      "triggerType": "Manual",
                      "manualTriggerConfig": {
                        "parallelism": 1,
                        "replicaCompletionCount": 1
                      },
                      "registries": [
                        {
                          "server": "shop.azurecr.io",
                          "identity": "/subscriptions/s1/resourceGroups/shop-rg-prod/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shop-identity-prod"
                        }
                      ],
                      "secrets": [
                        {
                          "name": "pgpassword",
                          "keyVaultUrl": "https://shop-kv-prod.vault.azure.net/secrets/postgres-admin-password",
                          "identity": "/subscriptions/s1/resourceGroups/shop-rg-prod/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shop-identity-prod"
                        }
                      ]
                    },
                    "template": {
                      "containers": [
                        {
                          "name": "job",
                          "image": "shop.azurecr.io/jobs/shop@sha256:\(String(repeating: "a", count: 64))",
                          "args": [
                            "run",
                            "orders",
                            "-e",
                            "prod"
                          ],
                          "env": [
                            {
                              "name": "AZURE_CLIENT_ID",
                              "value": "11111111-2222-3333-4444-555555555555"
                            },
                            {
                              "name": "PGHOST",
                              "value": "db.example"
                            },
                            {
                              "name": "PGPASSWORD",
                              "secretRef": "pgpassword"
                            },
                            {
                              "name": "PGUSER",
                              "value": "admin"
                            }
                          ],
                          "resources": {
                            "cpu": 0.5,
                            "memory": "1Gi"
                          }
                        }
                      ]
                    }
                  }
                }
                """)
    }

    @Test func clocksAndEventsStartJobs() throws {
        var needs = DeploymentNeeds()
        needs.trigger = .schedule("30 4 * * *")
        let scheduled = try body(job("orders", needs)).parts
        #expect(scheduled["trigger"] == "schedule 30 4 * * *")
        var event = EventTrigger(type: "azure-queue", metadata: ["queueName": "q"], least: 0, most: 5)
        needs.trigger = .event(event)
        let byIdentity = try body(job("orders", needs))
        #expect(byIdentity.parts["event.azure-queue.queueName"] == "q")
        #expect(byIdentity.parts["event.azure-queue.identity"] == "shop-rg-prod/shop-identity-prod")
        event.secrets = ["connection": SecretReference(name: "queue")]
        needs.trigger = .event(event)
        let bySecret = try body(job("orders", needs))
        #expect(bySecret.parts["event.azure-queue.auth.connection"] == "event-connection")
        #expect(bySecret.parts["event.azure-queue.identity"] == nil)
        #expect(bySecret.parts["secret.event-connection"] == "https://shop-kv-prod.vault.azure.net/secrets/queue")
    }

    @Test func variablesThatAreWrittenAlikeKeepTheirSecrets() throws {
        var needs = DeploymentNeeds()
        needs.secrets = [
            "DB_KEY": SecretReference(name: "one"), "DB-KEY": SecretReference(name: "two"),
            "db_key": SecretReference(name: "one"),
        ]
        let parts = try body(job("orders", needs)).parts
        #expect(parts.filter { $0.key.hasPrefix("secret.") }.count == 2)
        let one = try #require(parts["env.DB_KEY"]?.dropFirst("secret ".count))
        #expect(parts["secret.\(one)"]?.hasSuffix("/one") == true)
        #expect(parts["env.DB_KEY"] == parts["env.db_key"])
        #expect(parts["env.DB_KEY"] != parts["env.DB-KEY"])
    }

    // MARK: Differences

    /// The same job, as Azure answers it: more members, other cases, nulls.
    private func echoed(_ job: ContainerJob, _ change: (String) -> String = { $0 }) throws -> ContainerJob {
        var text = job.body.text()
        text = text.replacing("\"location\":\"westeurope\"", with: "\"location\":\"West Europe\"")
        text = text.replacing("resourceGroups/shop-rg-prod", with: "resourcegroups/SHOP-RG-PROD")
        text = text.replacing("\"cpu\":0.5", with: "\"cpu\":0.5,\"ephemeralStorage\":\"2Gi\"")
        text = text.replacing("\"name\":\"job\"", with: "\"name\":\"job\",\"imageType\":\"ContainerImage\"")
        text = text.replacing(
            "\"replicaTimeout\":900",
            with: "\"replicaTimeout\":900,\"scheduleTriggerConfig\":null,\"dapr\":null,\"identitySettings\":[]")
        text = text.replacing(
            "\"properties\":{", with: "\"properties\":{\"provisioningState\":\"Succeeded\",\"runningStatus\":\"Ready\","
        )
        text = text.replacing("\"containers\":", with: "\"initContainers\":null,\"volumes\":null,\"containers\":")
        text = text.replacing("{}", with: "{\"clientId\":\"1\",\"principalId\":\"2\"}")
        return ContainerJob(try JSONText.parse(change(text)))
    }

    @Test func whatAzureAddsIsNoChange() throws {
        var needs = DeploymentNeeds()
        needs.environment = ["A": "1"]
        needs.secrets = ["B": SecretReference(name: "b")]
        let wanted = try body(job("orders", needs))
        let there = try echoed(wanted)
        #expect(there.parts == wanted.parts)
        #expect(DeploymentChange.between(there.parts, wanted.parts).allSatisfy { $0.action == .keep })
    }

    @Test func whatSomebodyChangedByHandIsSeen() throws {
        var needs = DeploymentNeeds()
        needs.environment = ["A": "1"]
        let wanted = try body(job("orders", needs))
        let there = try echoed(wanted) { text in
            text.replacing("\"replicaTimeout\":900", with: "\"replicaTimeout\":60")
                .replacing("\"value\":\"1\"", with: "\"value\":\"2\"")
                .replacing("\"volumes\":null", with: "\"volumes\":[{\"name\":\"disk\",\"storageType\":\"AzureFile\"}]")
        }
        let changes = DeploymentChange.between(there.parts, wanted.parts).filter { $0.action != .keep }
        #expect(
            changes == [
                DeploymentChange(.update, "env.A", from: "2", to: "1"),
                DeploymentChange(.update, "timeout", from: "60 s", to: "900 s"),
                DeploymentChange(.delete, "volumes.disk", from: "AzureFile"),
            ])
    }

    @Test func othersTagsAndTheProfileStay() throws {
        var wanted = try body(job())
        let there = try echoed(wanted) { text in
            text.replacing("\"Owner\":\"data\"", with: "\"Owner\":\"data\",\"CostCenter\":\"42\",\"sluice-old\":\"x\"")
                .replacing("\"environmentId\":", with: "\"workloadProfileName\":\"Consumption\",\"environmentId\":")
        }
        wanted.adopt(from: there)
        #expect(wanted.parts["tag.CostCenter"] == "42")
        #expect(wanted.parts["tag.sluice-old"] == nil)
        #expect(wanted.parts["profile"] == "Consumption")
    }

    @Test(arguments: [
        "null", "[]", "{}", "7", "{\"properties\":[]}", "{\"properties\":{\"template\":{\"containers\":7}}}",
    ])
    func answersThatAreNoJobHaveNoParts(_ text: String) throws {
        let job = ContainerJob(try JSONText.parse(text))
        #expect(job.main == nil)
        #expect(job.parts.count <= 3)
    }

    @Test(arguments: [
        (512 << 20, "0.5Gi"), (1 << 30, "1Gi"), (3584 << 20, "3.5Gi"), (8 << 30, "8Gi"), (1280 << 20, "1.25Gi"),
    ]) func memoryIsWrittenAsAzureHasIt(_ bytes: Int, _ text: String) {
        #expect(ContainerJob.gibibytes(bytes) == text)
    }
}
