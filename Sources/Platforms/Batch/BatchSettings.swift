import Autoscale
import Azure
import Settings
import Support

/// Where runs happen on Azure Batch: the account, and the pool of nodes.
struct BatchSettings: Sendable {
    let subscription: String
    let group: String
    let account: String
    /// The account's region, which is a part of its host.
    let region: String
    /// The pool of nodes.
    let pool: String
    let vmSize: String
    /// The identity that nodes have: they pull images with it, and programs sign in with it.
    let identity: AzureResourceID
    let clientID: String?
    /// Publisher, offer, SKU and version of the nodes' system, and the agent that goes with it.
    let system: [String]
    let agent: String
    /// How many nodes there are at least and at most.
    let nodes: ClosedRange<Int>
    let isSpot: Bool
    /// How many nodes may be set by hand.
    let most: Int
    let slots: Int
    let formula: AutoscaleFormula
    /// How often the formula is evaluated.
    let interval: Duration
    /// What runs on nodes that run no image.
    let program: String?
    let hasContainers: Bool

    /// The system that has what containers need.
    private static let usualSystem = "microsoft-dsvm:ubuntu-hpc:2204:latest"

    static let keys = [
        KeyShape("subscription", .text, "The subscription's id", standard: "AZURE_SUBSCRIPTION_ID of the environment"),
        KeyShape(
            "resource_group", .text, "The resource group of the account", standard: "named PROJECT-rg-ENVIRONMENT"),
        KeyShape("account", .text, "The Batch account"),
        KeyShape("region", .text, "The account's region: westeurope"),
        KeyShape("pool", .text, "The pool of nodes", standard: "named PROJECT-ENVIRONMENT"),
        KeyShape("vm_size", .text, "What machines the nodes are", standard: "Standard_D2s_v3"),
        KeyShape(
            "identity", .text, "The user-assigned identity of the nodes: its name, or its whole resource id",
            standard: "named PROJECT-identity-ENVIRONMENT"),
        KeyShape("client_id", .text, "The identity's client id", standard: "that of the nodes' only identity"),
        KeyShape("image", .text, "The image that jobs run from: registry/repository:tag"),
        PlatformSite.packagesKey,
        KeyShape("program", .text, "The program on the nodes, where jobs run from no image"),
        KeyShape(
            "system", .text, "The nodes' system: publisher:offer:sku:version", standard: usualSystem),
        KeyShape("agent", .text, "The agent that goes with the system", standard: "batch.node.ubuntu 22.04"),
        KeyShape("min_nodes", .integer(0...1000), "How many nodes there are at least", standard: "0"),
        KeyShape("max_nodes", .integer(0...1000), "How many nodes there are at most", standard: "10"),
        KeyShape(
            "spot", .boolean, "Whether they are spot nodes, which cost less and can be taken away", standard: "false"),
        KeyShape("slots", .integer(1...256), "How many tasks run on a node at a time", standard: "1"),
        KeyShape(
            "formula", .text, "The autoscale formula", standard: "as many nodes as tasks that wait or run can use"),
        KeyShape("interval", .duration, "How often the formula is evaluated: 5m to 168h", standard: "5m"),
    ]

    init(_ site: PlatformSite) throws(SluiceError) {
        let name = site.name
        func text(_ key: String) -> String? { site.section?.text(key).flatMap { $0.isEmpty ? nil : $0 } }
        func value(_ key: String, variable: String? = nil, usual: String? = nil) throws(SluiceError) -> String {
            if let written = text(key) ?? variable.flatMap({ site.variables[$0] }), !written.isEmpty { return written }
            if let usual { return usual }
            throw SluiceError(
                .invalidConfiguration, "the platform \"\(name)\" does not say its \(key)",
                hint: "write \(key) under platforms.\(name)" + (variable.map { ", or set \($0)" } ?? ""))
        }
        func number(_ key: String, _ usual: Int, _ range: ClosedRange<Int>) throws(SluiceError) -> Int {
            let number = site.section?.integer(key) ?? usual
            if range.contains(number) { return number }
            throw SluiceError(
                .invalidConfiguration,
                "platforms.\(name).\(key) is \(number); \(range.lowerBound) to \(range.upperBound) was expected")
        }
        let environment = site.environment
        subscription = try value("subscription", variable: "AZURE_SUBSCRIPTION_ID")
        group = try value("resource_group", usual: environment.map { "\(site.project)-rg-\($0)" })
        account = try value("account")
        region = try value("region")
        pool = try value("pool", usual: ([site.project] + [environment].compactMap { $0 }).joined(separator: "-"))
        for (key, word) in [("subscription", subscription), ("resource_group", group)] {
            try AzureResourceID.check(word, "platforms.\(name).\(key)")
        }
        for (key, word) in [("account", account), ("region", region)] where !Self.isHostWord(word) {
            throw SluiceError(
                .invalidConfiguration,
                "platforms.\(name).\(key) is \"\(word)\"; 3 to 24 small letters and digits were expected")
        }
        try Self.check(id: pool, "platforms.\(name).pool")
        vmSize = text("vm_size") ?? "Standard_D2s_v3"
        let word = try value("identity", usual: environment.map { "\(site.project)-identity-\($0)" })
        if word.hasPrefix("/") {
            guard let id = AzureResourceID(word), id.type.lowercased() == "userassignedidentities" else {
                throw SluiceError(
                    .invalidConfiguration, "platforms.\(name).identity is \"\(word)\", which is no id of an identity",
                    hint: "write its name when it is in the resource group \(group)")
            }
            identity = id
        } else {
            try AzureResourceID.check(word, "platforms.\(name).identity")
            identity = AzureResourceID(
                subscription: subscription, group: group, provider: "Microsoft.ManagedIdentity",
                path: ["userAssignedIdentities", word])
        }
        clientID = text("client_id")
        system = (text("system") ?? Self.usualSystem).split(separator: ":").map(String.init)
        guard system.count == 4 else {
            throw SluiceError(
                .invalidConfiguration,
                "platforms.\(name).system is \"\(text("system") ?? "")\"; publisher:offer:sku:version was expected",
                hint: "for example \(Self.usualSystem)")
        }
        agent = text("agent") ?? "batch.node.ubuntu 22.04"
        let least = try number("min_nodes", 0, 0...1000)
        let most = try number("max_nodes", max(10, least), least...1000)
        nodes = least...most
        // A formula of one's own has bounds of its own.
        self.most = text("formula") != nil && site.section?.integer("max_nodes") == nil ? 1000 : most
        isSpot = site.section?.boolean("spot") ?? false
        slots = try number("slots", 1, 1...256)
        do throws(SluiceError) {
            if let written = text("formula") {
                formula = try AutoscaleFormula(written)
            } else {
                formula = try AutoscaleFormula.standard(nodes: nodes, slotsPerNode: slots, isSpot: isSpot)
            }
        } catch {
            throw SluiceError(
                error.code, "platforms.\(name).formula: \(error.message)", place: error.place,
                hint: error.hint ?? "'docs/platforms.md' has the formula that is used when none is written")
        }
        interval = site.section?.duration("interval") ?? .seconds(300)
        guard interval >= .seconds(300), interval <= .seconds(604_800) else {
            throw SluiceError(
                .invalidConfiguration,
                "platforms.\(name).interval is \(Quantities.describe(interval)); 5m to 168h was expected")
        }
        program = text("program")
        hasContainers = program == nil
    }

    private static func isHostWord(_ word: String) -> Bool {
        3...24 ~= word.utf8.count && word.utf8.allSatisfy { 97...122 ~= $0 || 48...57 ~= $0 }
    }

    /// Holds an id of a pool, job or task against the rule.
    static func check(id: String, _ what: String) throws(SluiceError) {
        let isFine = id.utf8.allSatisfy {
            97...122 ~= $0 | 0x20 || 48...57 ~= $0 || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
        }
        if isFine, 1...64 ~= id.utf8.count { return }
        throw SluiceError(
            .invalidConfiguration,
            "\(what) is \"\(id)\"; 1 to 64 letters, digits, hyphens and underscores were expected")
    }

    var accountID: AzureResourceID {
        AzureResourceID(
            subscription: subscription, group: group, provider: "Microsoft.Batch", path: ["batchAccounts", account])
    }

    var poolID: AzureResourceID {
        AzureResourceID(
            subscription: subscription, group: group, provider: "Microsoft.Batch",
            path: ["batchAccounts", account, "pools", pool])
    }

    /// `PT5M` of a duration.
    static func iso(_ duration: Duration) -> String {
        let milliseconds = Int((duration / .milliseconds(1)).rounded())
        if milliseconds % 60_000 == 0 { return "PT\(milliseconds / 60_000)M" }
        return milliseconds % 1000 == 0 ? "PT\(milliseconds / 1000)S" : "PT\(Double(milliseconds) / 1000)S"
    }
}
