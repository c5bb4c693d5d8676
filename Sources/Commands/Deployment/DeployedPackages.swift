import Packages
import Platforms
import Storage
import Support

/// The packages that a deployment gives to platforms whose runs take them: one of the project as it stands, made when the first
/// of them asks, or one that was published before.
final class DeployedPackages {
    private let word: String?
    private let folder: String
    private let context: Context
    private var made: Package?
    private var published: Set<PackageReference> = []

    /// - parameter word: Which of those that were published: `current`, `previous`, or the beginning of a hash; nil for the
    ///   project as it stands in `folder`.
    init(_ word: String?, of folder: String, in context: Context) {
        self.word = word
        self.folder = folder
        self.context = context
    }

    deinit { if let made { Storage.removeTree(made.file) } }

    /// The package for `platform`; nil where none is taken. Nothing is published.
    func reference(for platform: any Platform) async throws -> PackageReference? {
        guard let shelf = platform.shelf else {
            guard word != nil else { return nil }
            throw SluiceError(
                .usage, "runs on the platform \(platform.name) take no packages, and one is named",
                hint: "leave --package out, or write packages under platforms.\(platform.name)")
        }
        if let word { return try await shelf.find(word) }
        return shelf.reference(to: try await package().hash)
    }

    /// Sees to it that the package of a plan lies where the platform takes it from, and that one that is gone back to is current
    /// for everybody.
    func publish(_ reference: PackageReference?, for platform: any Platform) async throws {
        guard let reference, published.insert(reference).inserted else { return }
        if word == nil {
            _ = try await platform.package(try await package())
            context.say("published \(reference.short) to \(Display.safe(reference.place))")
        } else if word == "previous" {
            _ = try await platform.shelf?.packages.rollback(to: reference.hash)
            context.say("\(reference.short) is current again in \(Display.safe(reference.place))")
        }
    }

    private func package() async throws -> Package {
        if let made { return made }
        let (package, omissions) = try await PackageContents.pack(folder, to: ScratchName.temporary(), in: context)
        made = package
        // That the history stays here is no news to anybody who deploys.
        OmissionText.tell(omissions.filter { $0.path != ".sluice/" }, in: context)
        return package
    }
}
