public import Azure
import Packages
public import Settings
public import Storage
public import Support

/// Every kind of platform there is, by the word that stands behind `type:`.
public struct PlatformRegistry: Sendable {
    /// The kinds.
    public let kinds: [PlatformKind]

    /// A registry of these.
    public init(_ kinds: [PlatformKind]) { self.kinds = kinds }

    /// All that this program has.
    public static let standard = PlatformRegistry([LocalPlatform.kind, ContainerAppsPlatform.kind, BatchPlatform.kind])

    /// The platform that a section of the project describes, or this machine when there is none.
    public func make(_ site: PlatformSite) throws(SluiceError) -> any Platform {
        let type = site.section?.text("type") ?? LocalPlatform.kind.name
        guard let kind = kinds.first(where: { $0.name == type }) else {
            throw SluiceError(
                .invalidConfiguration, "the platform \"\(site.name)\" is of type \"\(type)\", which there is not",
                hint: "there are: \(kinds.map(\.name).joined(separator: ", "))")
        }
        return try kind.make(site)
    }

    /// What may be written of each, for a vocabulary.
    public var keys: [(name: String, keys: [KeyShape])] { kinds.map { ($0.name, $0.keys) } }
}

/// One kind of platform.
public struct PlatformKind: Sendable {
    /// The word behind `type:`.
    public let name: String
    /// What may be written beside it.
    public let keys: [KeyShape]
    /// Makes one.
    public let make: @Sendable (PlatformSite) throws(SluiceError) -> any Platform

    /// A kind of platform.
    public init(
        _ name: String, keys: [KeyShape], make: @escaping @Sendable (PlatformSite) throws(SluiceError) -> any Platform
    ) {
        self.name = name
        self.keys = keys
        self.make = make
    }
}

/// What a platform is made of: its section of the project, and what it stands on.
public struct PlatformSite: Sendable {
    /// Its name in the project.
    public var name: String
    /// Its section; nil for this machine.
    public var section: Section?
    /// The project.
    public var project: String
    /// The environment; nil for the project as it stands.
    public var environment: String?
    /// The project's folder, as a path that holds wherever a program is started.
    public var folder: String
    /// The folder of what Sluice keeps beside the project.
    public var stateFolder: String
    /// The environment's variables of this process, `.env` laid under them.
    public var variables: [String: String]
    /// Azure as the project sees it.
    public var azure: AzureAccess
    /// Opens the stores that URLs name.
    public var stores: any StoreOpener

    /// A site.
    public init(
        name: String, section: Section? = nil, project: String, environment: String? = nil, folder: String,
        stateFolder: String, variables: [String: String], azure: AzureAccess,
        stores: any StoreOpener = LocalStores()
    ) {
        self.name = name
        self.section = section
        self.project = project
        self.environment = environment
        self.folder = folder
        self.stateFolder = stateFolder
        self.variables = variables
        self.azure = azure
        self.stores = stores
    }
}
