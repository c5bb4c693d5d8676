import LakeTables
import Support
import Testing

@testable import Map

@Suite struct SynapseEnvironmentTests {
    private let whole = [
        "STORAGE_ACCOUNT": "fleet", "CONTAINER_OUTPUT": "lake-parquet",
        "STORAGE_CONNECTION_STRING": "AccountName=fleet",
        "SYNAPSE_SERVER": "synapse-x.sql.azuresynapse.net", "SYNAPSE_PASSWORD": "pass_word%1",
        "MASTER_KEY_PASSWORD": "master_key%2",
    ]

    @Test(arguments: [
        ("synapse-x.sql.azuresynapse.net", "synapse-x-ondemand.sql.azuresynapse.net"),
        ("synapse-x", "synapse-x-ondemand.sql.azuresynapse.net"),
        ("synapse-x-ondemand.sql.azuresynapse.net", "synapse-x-ondemand.sql.azuresynapse.net"),
        ("synapse-x.sql.azuresynapse.azure.cn", "synapse-x-ondemand.sql.azuresynapse.azure.cn"),
        ("127.0.0.1", "127.0.0.1"), ("localhost", "localhost"), ("sql.example.com", "sql.example.com"), ("", ""),
    ])
    func theServerlessHostIsMadeOfTheWorkspace(host: String, serverless: String) {
        #expect(SynapseEnvironment.serverless(host) == serverless)
    }

    @Test func aPortMayStandBehindTheServer() {
        var values = whole
        values["SYNAPSE_SERVER"] = "tcp:127.0.0.1,14330"
        let server = SynapseEnvironment(values).server
        #expect(server?.host == "127.0.0.1")
        #expect(server?.port == "14330")
        #expect(server?.username == "sqladminuser")
    }

    @Test(arguments: SynapseEnvironment.required)
    func whatIsMissingIsNamed(name: String) {
        var values = whole
        values[name] = nil
        let error = #expect(throws: SluiceError.self) { _ = try SynapseEnvironment(values).job() }
        #expect(error?.message == "Missing required environment variable: '\(name)'")
        #expect(error?.code == .invalidConfiguration)
        values[name] = ""
        #expect(throws: SluiceError.self) { _ = try SynapseEnvironment(values).job() }
    }

    @Test func theJobIsThatOfTheScript() throws {
        var values = whole
        var job = try SynapseEnvironment(values).job()
        #expect(job.lake == "abfss://lake-parquet@fleet.dfs.core.windows.net")
        #expect(job.database == "parquetdatalake")
        #expect(job.isConnected && job.makesTables)
        #expect(job.source == "ParquetDataLake")
        #expect(job.lookups.map(\.name.text) == ["tbl_aggregations_devicemeta", "tbl_{device}_messages"])
        #expect(job.lookups[0].lake == nil)
        values["SYNAPSE_DATABASE"] = "canedge"
        values["CONTAINER_INPUT"] = "lake"
        job = try SynapseEnvironment(values).job()
        #expect(job.database == "canedge")
        #expect(job.lookups[0].lake == "abfss://lake@fleet.dfs.core.windows.net")
    }

    @Test func aJobsOwnWordsWin() {
        let environment = SynapseEnvironment(whole)
        var job = MapJob(name: "x")
        job.dialect = .synapse
        job.out = "names.sql"
        job.database = "mine"
        environment.complete(&job)
        #expect(!job.isConnected)
        #expect(job.database == "mine")
        var other = MapJob(name: "x")
        environment.complete(&other)
        #expect(!other.isConnected, "the environment is Synapse's, and the dialect is not")
    }
}
