import HTTPServer
import Support
import Testing

@testable import Emulator

@Suite struct AddressTests {
    private func read(_ host: String, _ path: String, isQueuePort: Bool = false) -> EmulatedRequest {
        let request = ServerRequest(
            method: "GET", target: path, headers: ["Host": host], localAddress: "127.0.0.1:10000")
        return Addresses.read(request, id: "id", isQueuePort: isQueuePort)
    }

    @Test(arguments: [
        ("shop.blob.core.windows.net", EmulatedEndpoint.blob, "shop"),
        ("SHOP.Dfs.Core.Windows.Net", .dfs, "shop"), ("shop-secondary.blob.core.windows.net", .blob, "shop"),
        ("shop.queue.core.chinacloudapi.cn", .queue, "shop"), ("shop.z12.blob.storage.azure.net", .blob, "shop"),
        ("shop.privatelink.dfs.core.windows.net", .dfs, "shop"), ("shop.blob.localhost:10000", .blob, "shop"),
        ("onelake.dfs.fabric.microsoft.com", .dfs, "onelake"),
        ("westeurope-onelake.blob.fabric.microsoft.com", .blob, "onelake"),
        ("keys.vault.azure.net", .vault, "keys"), ("keys.vault.usgovcloudapi.net", .vault, "keys"),
        ("login.microsoftonline.com", .login, ""), ("169.254.169.254", .metadata, ""),
        ("management.azure.com", .management, ""), ("example.com", .other, ""),
    ])
    func readsHosts(host: String, endpoint: EmulatedEndpoint, account: String) {
        let found = read(host, "/a/b?c=d")
        #expect(found.endpoint == endpoint && found.account == account)
        #expect(found.path == "/a/b" && !found.isPathStyle)
        let isOfficial = !host.contains("localhost") && endpoint != .metadata
        #expect(found.baseURL == (isOfficial ? "https" : "http") + "://\(host.lowercased())")
    }

    @Test(arguments: [
        ("/shop/lake/a%2Fb", EmulatedEndpoint.storage, "shop", "/lake/a%2Fb"), ("/shop", .storage, "shop", "/"),
        ("/shop/", .storage, "shop", "/"), ("/secrets/name/", .vault, "devvault", "/secrets/name/"),
        ("/deletedsecrets", .vault, "devvault", "/deletedsecrets"),
        ("/t/oauth2/v2.0/token", .login, "", "/t/oauth2/v2.0/token"),
        ("/t/oauth2/token", .login, "", "/t/oauth2/token"),
        ("/t/v2.0/.well-known/openid-configuration", .login, "", "/t/v2.0/.well-known/openid-configuration"),
        ("/common/discovery/instance", .login, "", "/common/discovery/instance"),
        ("/metadata/identity/oauth2/token", .metadata, "", "/metadata/identity/oauth2/token"),
        ("/msi/token", .metadata, "", "/msi/token"), ("/", .other, "", "/"), ("//", .other, "", "//"),
    ])
    func readsPaths(path: String, endpoint: EmulatedEndpoint, account: String, rest: String) {
        for host in ["127.0.0.1:10000", "localhost:10000", "[::1]:10000", ""] {
            let found = read(host, path)
            #expect(found.endpoint == endpoint && found.account == account && found.path == rest, "\(host)")
        }
    }

    @Test func readsQueuesByTheirPort() {
        let found = read("127.0.0.1:10001", "/shop/work/messages", isQueuePort: true)
        #expect(found.endpoint == .queue && found.path == "/work/messages")
        #expect(found.baseURL == "http://127.0.0.1:10001/shop")
        #expect(found.officialURL(service: "queue") == "https://shop.queue.core.windows.net/work/messages")
    }
}
