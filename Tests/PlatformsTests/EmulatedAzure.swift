import Azure
import Emulator
import Glibc
import Images
import Platforms
import Settings
import Storage
import Stores
import Support
import Transport

/// The program that runs do here, which lies beside the tests.
let specimen: String = {
    let tests = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
    return tests.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        + "/Specimen"
}()

/// What is made of an emulator, and gone with the process.
nonisolated(unsafe) private var foldersToRemove: [String] = []

/// An Azure on this machine for all tests of this process, with an image of the specimen in its registry.
final class EmulatedAzure: Sendable {
    private static let starting = Task { try await EmulatedAzure() }
    private let server: EmulatorServer
    /// Its URL.
    let url: String
    /// As whom it is asked.
    let azure: AzureAccess
    /// The image of the specimen, by its digest.
    let image: String
    /// The workspace that logs are kept in.
    static let workspace = "77777777-1111-2222-3333-444444444444"

    /// The one of this process.
    static var shared: EmulatedAzure { get async throws { try await starting.value } }

    private init() async throws {
        var template = Array("/tmp/sluice-azure-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SluiceError(.inputOutput, "no folder for the emulator") }
        let folder = String(cString: made)
        foldersToRemove.append(folder)
        atexit { for folder in foldersToRemove { removeTree(folder) } }
        var options = EmulatorOptions(dataFolder: "\(folder)/data")
        options.port = 0
        options.queuePort = 0
        server = EmulatorServer(options)
        try await server.start()
        url = "http://127.0.0.1:\(server.port)"
        azure = AzureAccess(environment: ["SLUICE_AZURE_EMULATOR": url])
        let client = try azure.client()
        // What takes minutes in the cloud takes moments here.
        try await Self.administer(
            client, url, "lifecycle", ["operationDelay": 60, "retryAfter": 0, "grace": 1500, "logDelay": 200])
        var build = ImageBuild(program: try await ProgramFiles(specimen))
        build.compression = .zstd
        _ = try await build.run(into: try LayoutFolder("\(folder)/image"), tag: "1")
        let image = try await ImageLayout("\(folder)/image").image(tag: "1")
        let reference = try ImageReference("shop.azurecr.io/specimen:1")
        let pushed = try await ImageRegistry(reference, azure: client).push(image, to: reference, tags: ["1"])
        self.image = reference.pinned(to: pushed.digest).description
        try await ManagementClient(client, patience: .init(deadline: .seconds(30), pause: .milliseconds(50))).put(
            "/subscriptions/s1/resourceGroups/shop-rg/providers/Microsoft.App/managedEnvironments/shop-cae",
            version: "2025-01-01",
            body: [
                "location": "westeurope",
                "properties": [
                    "appLogsConfiguration": [
                        "destination": "log-analytics",
                        "logAnalyticsConfiguration": ["customerId": .string(Self.workspace), "sharedKey": "a2V5"],
                    ]
                ],
            ])
    }

    /// The section of a platform on Container Apps.
    static let containerApps = """
        type: container-apps
        subscription: s1
        resource_group: shop-rg
        environment: shop-cae
        identity: shop-identity
        client_id: 11111111-2222-3333-4444-555555555555
        """

    /// What a platform is made of.
    func site(_ name: String, _ section: String) -> PlatformSite {
        PlatformSite(
            name: name, section: parseDocument(section, file: "platform").node.map { Section($0) }, project: "shop",
            folder: "/", stateFolder: "/tmp", variables: [:], azure: azure, stores: stores)
    }

    /// The stores here.
    private var stores: any StoreOpener {
        let azure = azure
        return StoresOnDemand { () throws(SluiceError) in
            let client = try azure.client()
            return try Stores(environment: [:], settings: client.settings, client: client)
        }
    }

    /// A place for packages that is there, and nobody else's.
    func placeOfPackages(_ name: String) async throws -> String {
        let client = try azure.client()
        let stores = try Stores(environment: [:], settings: client.settings, client: client)
        let place = "az://shoppackages/\(name)"
        try await stores.makeContainer(StorePlace(try stores.store(at: place), ""))
        return place
    }

    /// Container Apps here.
    func containerApps(_ more: String = "") throws -> ContainerAppsPlatform {
        var pace = ContainerAppsPlatform.Pace()
        pace.patience = .init(deadline: .seconds(30), pause: .milliseconds(50))
        pace.look = .milliseconds(300)
        // Times of executions are whole seconds, and the latest log of the tests takes one and a half.
        pace.logLag = .seconds(5)
        return try ContainerAppsPlatform(site("cloud", Self.containerApps + more), pace: pace)
    }

    /// A job that is the specimen.
    func job(_ name: String = "specimen", _ needs: DeploymentNeeds = DeploymentNeeds()) -> JobDeployment {
        JobDeployment(
            project: "shop", job: name, kind: "ingest", arguments: ["print", "standard"], needs: needs, image: image,
            release: "test")
    }

    private static let deploying = Task {
        let azure = try await shared
        let platform = try azure.containerApps()
        let job = azure.job()
        try await platform.apply(try await platform.plan(job))
        return job
    }

    /// The one job that is deployed for all tests of the contract.
    func standing() async throws -> JobDeployment { try await Self.deploying.value }

    /// Turns what the emulator has for tests alone.
    func administer(_ what: String, _ document: JSONText, _ method: HTTPMethod = .put) async throws {
        try await Self.administer(try azure.client(), url, what, document, method)
    }

    private static func administer(
        _ client: AzureClient, _ url: String, _ what: String, _ document: JSONText, _ method: HTTPMethod = .put
    ) async throws {
        var request = HTTPRequest(
            method, try WebAddress("\(url)/_sluice/\(what)"), headers: ["Content-Type": "application/json"])
        request.body = .bytes(Buffer(Array(document.text().utf8)))
        _ = try await client.fetch(request, as: .nobody)
    }
}

/// Removes a file or folder.
func removeTree(_ path: String) {
    if unlink(path) == 0 { return }
    if let folder = opendir(path) {
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { removeTree("\(path)/\(name)") }
        }
        closedir(folder)
    }
    rmdir(path)
}
