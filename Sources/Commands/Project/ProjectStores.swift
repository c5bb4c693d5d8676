import Azure
import Glibc
import Project
import Settings
import Storage
import Stores
import Support

extension Context {
    /// The stores that `places` lead to. Where no URL is among them, the project is not looked at: copying from folder to
    /// folder needs none.
    func openStores(_ options: StoreOptions = StoreOptions(), for places: [String]) throws(SluiceError) -> Stores {
        if places.contains(where: { StoreURL.isURL($0) }) { return try openStores(options) }
        return try Stores(environment: environment, folder: folder, options: options)
    }

    /// The stores that URLs lead to: in the folder of a project, or below it, as its jobs see them; elsewhere as the
    /// environment's settings have them.
    func openStores(_ options: StoreOptions = StoreOptions()) throws(SluiceError) -> Stores {
        guard ProjectFile.isAnywhere(in: self) else {
            return try Stores(environment: environment, folder: folder, options: options)
        }
        let (client, variables) = try projectAzure()
        return try Stores(
            environment: variables, folder: folder, settings: client.settings, options: options, client: client)
    }

    /// Azure, as the jobs of the project here see it; elsewhere as the environment's settings have it.
    func openAzure() throws(SluiceError) -> AzureClient {
        guard ProjectFile.isAnywhere(in: self) else {
            return AzureClient(try AzureSettings(environment: environment))
        }
        return try projectAzure().client
    }

    private func projectAzure() throws(SluiceError) -> (client: AzureClient, variables: [String: String]) {
        let file = try ProjectFile.find(in: self)
        let chosen = environment["SLUICE_ENVIRONMENT"].flatMap { $0.isEmpty ? nil : $0 }
        let (project, problems) = file.parse(environment: chosen, variables: [:])
        // What is wrong elsewhere in the file may be what says who one is: nothing is asked as somebody else meanwhile.
        guard let project else {
            let errors = problems.filter { $0.severity == .error }
            let more = errors.count > 1 ? ", and \(errors.count - 1) more" : ""
            throw SluiceError(
                .invalidConfiguration,
                "the project here says how stores are reached, and is not valid: \(errors.first?.message ?? "")\(more)",
                place: .init(file: file.name), hint: "See what is wrong with it: sluice validate.")
        }
        let client = try AzureAccess(environment: file.environmentVariables, section: project.sections["azure"])
            .client()
        return (client, file.environmentVariables)
    }

    /// What `path` is called in messages and answers: a URL without its signature, a path as it was written.
    func shown(_ path: String) throws(SluiceError) -> String {
        guard case .stored(let store, let inner) = try stores.place(of: path) else { return path }
        return store.url(inner)
    }

    /// The ledger of reports that go to a store: a database file, which a store cannot have beside them, and so kept where
    /// that of jobs is, in the project's folder or else the current one. Nil where nothing can be kept.
    var reportLedger: String? {
        let folder = (try? ProjectFile.folder(in: self)) ?? resolve(".")
        let ledger = folder == "." ? ".sluice/reports" : "\(folder)/.sluice/reports"
        guard (try? Storage.makeFolders(ledger)) != nil, access(ledger, W_OK) == 0 else { return nil }
        return ledger
    }
}
