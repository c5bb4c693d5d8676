import Glibc
import Packages
import Storage
import Stores
import Support

/// A project that was unpacked for one command, in a folder that goes with it.
struct PackagedProject {
    /// Which package it is.
    let reference: PackageReference
    /// The command's context, in the folder of the project.
    let context: Context
    /// Where the history of runs is: beside the project that the command was started in; nil when there is none.
    let stateFolder: String?
    private let scratch: String

    /// Fetches the package that `text` names, and holds all of it against its hash before any of it is used.
    static func open(_ text: String, in context: Context) async throws -> PackagedProject {
        let named = try PackageReference.parts(text)
        var inside = context
        var stateFolder: String?
        if ProjectFile.isAnywhere(in: context) {
            let here = try ProjectFile.find(in: context)
            stateFolder = "\(here.folder)/.sluice"
            // A package has no .env; that of the folder where it is run says who one is.
            inside.environment = here.environmentVariables
        }
        let place = try context.openStores(for: [named.place]).store(named.place)
        let shelf = try PackageShelf(named.place, place, name: named.name)
        let reference = try await shelf.find(named.word)
        let scratch = try ScratchName.folder()
        do throws(SluiceError) {
            let folder = "\(scratch)/\(reference.name)"
            let manifest = try await shelf.packages.unpack(reference.hash, into: folder)
            try inside.enter(folder)
            context.say("the project is \(reference.short)")
            if manifest.program.version != Release.number {
                context.messages.print(
                    "the package was made for sluice \(Display.safe(manifest.program.version)), and this is \(Release.number)"
                )
            }
        } catch {
            Storage.removeTree(scratch)
            throw error
        }
        return PackagedProject(reference: reference, context: inside, stateFolder: stateFolder, scratch: scratch)
    }

    /// Takes its folder away.
    func remove() { Storage.removeTree(scratch) }
}
