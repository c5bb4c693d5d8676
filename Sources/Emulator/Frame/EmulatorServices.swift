import Support

/// The services that the emulator brings itself.
enum EmulatorServices {
    static func all(
        _ options: EmulatorOptions, _ folder: EmulatorFolder, _ issuer: TokenIssuer, _ directory: Directory
    ) async throws(SluiceError) -> [any EmulatedService] {
        let storage = try StorageServices.open(
            folder: folder.item("storage"), hierarchical: options.hierarchicalAccounts)
        let management = ManagementService(
            access: BearerAccess(issuer: issuer, directory: directory, audiences: BearerAccess.management),
            store: try await ResourceStore.open(folder.item("management.sqlite")), switches: ManagementSwitches(),
            providers: [])
        let registry = try RegistryService(folder, issuer, directory)
        let workloads = try Workloads(folder, registry.store)
        return storage + [
            LoginService(issuer: issuer, directory: directory), MetadataService(issuer: issuer, directory: directory),
            HostIdentityService(issuer: issuer, directory: directory),
            try await VaultService.open(folder, issuer, directory), try await QueueService.open(folder),
            registry, management,
            try await BatchService.open(folder, issuer, directory, workloads),
        ]
    }
}
