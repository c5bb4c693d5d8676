import Settings
import Support
import Testing
import Transport

@testable import Azure

@Suite struct CloudTests {
    @Test(arguments: [
        ("public", "public"), ("AzureCloud", "public"), ("AzurePublicCloud", "public"),
        ("US-Government", "usgovernment"),
        ("AzureUSGovernment", "usgovernment"), ("usgov", "usgovernment"), ("China", "china"),
        ("AzureChinaCloud", "china"),
    ])
    func cloudsHaveTheNamesThatToolsHaveForThem(_ word: String, _ name: String) throws {
        #expect(try AzureCloud.named(word).name == name)
    }

    @Test func aCloudThatDoesNotExistIsToldWithThoseThatDo() {
        let error = #expect(throws: SluiceError.self) { try AzureSettings(environment: ["AZURE_CLOUD": "germany"]) }
        #expect(error?.message == "AZURE_CLOUD: there is no Azure cloud \"germany\"")
        #expect(error?.hint == "there are public, usgovernment, china")
    }

    @Test(arguments: [
        (
            AzureCloud.publicCloud,
            """
            login.microsoftonline.com lake1.dfs.core.windows.net vault.azure.net https://vault.azure.net/.default \
            https://management.azure.com/.default https://dev.azuresynapse.net/.default \
            https://database.windows.net/.default https://batch.core.windows.net//.default \
            https://api.loganalytics.io/.default azurecr.io
            """
        ),
        (
            .usGovernment,
            """
            login.microsoftonline.us lake1.dfs.core.usgovcloudapi.net vault.usgovcloudapi.net \
            https://vault.usgovcloudapi.net/.default https://management.usgovcloudapi.net/.default \
            https://dev.azuresynapse.usgovcloudapi.net/.default https://database.usgovcloudapi.net/.default \
            https://batch.core.usgovcloudapi.net//.default https://api.loganalytics.us/.default azurecr.us
            """
        ),
        (
            .china,
            """
            login.chinacloudapi.cn lake1.dfs.core.chinacloudapi.cn vault.azure.cn https://vault.azure.cn/.default \
            https://management.chinacloudapi.cn/.default https://dev.azuresynapse.azure.cn/.default \
            https://database.chinacloudapi.cn/.default https://batch.chinacloudapi.cn//.default \
            https://api.loganalytics.azure.cn/.default azurecr.cn
            """
        ),
    ])
    func everyEndpointIsTheClouds(_ cloud: AzureCloud, _ endpoints: String) {
        let found = [
            cloud.authority.host, cloud.storageHost("lake1", .dfs), cloud.vaultSuffix, cloud.vaultScope,
            cloud.managementScope, cloud.synapseScope, cloud.sqlScope, cloud.batchScope, cloud.logAnalyticsScope,
            cloud.registrySuffix,
        ]
        #expect(found.joined(separator: " ") == endpoints)
        #expect(cloud.storageScope == "https://storage.azure.com/.default")
        if cloud == .publicCloud {
            #expect((try? cloud.fabricScope()) == "https://api.fabric.microsoft.com/.default")
        } else {
            #expect(throws: SluiceError.self) { try cloud.fabricScope() }
        }
    }

    @Test func theEnvironmentWinsOverTheFile() throws {
        let text = """
            azure: { cloud: china, tenant: contoso.com, vault: shop-kv, identity: managed, ca_file: ca.pem,
                     emulator: "http://127.0.0.1:10000" }
            """
        let node = try #require(parseDocument(text, file: "sluice.yaml").node?["azure"])
        #expect(Shape.object(AzureSettings.shape).check(node).isEmpty)
        let file = try AzureSettings(environment: [:], section: Section(node))
        #expect(file.cloud == .china && file.tenant == "contoso.com" && file.identity == .managed)
        #expect(file.vault?.host == "shop-kv.vault.azure.cn" && file.caFile == "ca.pem")
        #expect(file.httpOptions.caFiles == ["ca.pem"])
        #expect(file.httpOptions.routes.first?.matches("lake1.blob.core.chinacloudapi.cn") == true)
        #expect(file.httpOptions.routes.first?.matches("169.254.169.254") == true)
        #expect(file.httpOptions.routes.first?.matches("example.org") == false)
        let both = try AzureSettings(
            environment: ["AZURE_CLOUD": "usgov", "AZURE_TENANT_ID": "fabrikam.com", "AZURE_KEYVAULT_URL": "other-kv"],
            section: Section(node))
        #expect(both.cloud == .usGovernment && both.tenant == "fabrikam.com")
        #expect(both.vault?.host == "other-kv.vault.usgovcloudapi.net")
    }

    @Test(arguments: [
        (["AZURE_TENANT_ID": "--tenant"], "AZURE_TENANT_ID"), (["AZURE_CLIENT_ID": "a/b"], "AZURE_CLIENT_ID"),
        (["SLUICE_AZURE_IDENTITY": "magic"], "SLUICE_AZURE_IDENTITY"),
        (["SLUICE_AZURE_EMULATOR": "127.0.0.1"], "SLUICE_AZURE_EMULATOR"),
        (["AZURE_KEYVAULT_URL": "http://kv.vault.azure.net"], "AZURE_KEYVAULT_URL"),
    ])
    func aSettingThatIsWrongIsNamed(_ environment: [String: String], _ name: String) {
        let error = #expect(throws: SluiceError.self) { try AzureSettings(environment: environment) }
        #expect(error?.message.hasPrefix(name) == true)
        #expect(error?.code == .invalidConfiguration)
    }

    @Test(arguments: [
        ("account", "My_Account"), ("account", "ab"), ("container", "Raw"), ("container", "a--b"), ("container", "-ab"),
        ("queue", "$logs"), ("path", ""), ("path", "a/../b"), ("path", "a./b"), ("path", "a\\b"), ("path", "a\u{1}"),
        ("path", String(repeating: "a", count: 1025)), ("path", String(repeating: "a/", count: 300)),
    ])
    func namesThatStorageRefusesAreRefusedBeforeAnythingIsSent(_ kind: String, _ name: String) {
        let error = #expect(throws: SluiceError.self) {
            switch kind {
            case "account": try StorageName.check(account: name)
            case "container": try StorageName.check(container: name)
            case "queue": try StorageName.check(queue: name)
            default: try StorageName.check(path: name)
            }
        }
        #expect(error?.hint != nil)
    }

    @Test func namesThatStorageTakesAreTaken() throws {
        try StorageName.check(account: "lake1")
        for name in ["raw", "$web", "a-b-c", "123"] { try StorageName.check(container: name) }
        for path in ["a", "a b/ü.csv", "year=2026/part.parquet", ".hidden", "a/"] { try StorageName.check(path: path) }
    }
}
