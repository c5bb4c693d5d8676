import Support

/// The services that the emulator brings itself.
enum EmulatorServices {
    static func all(
        _ options: EmulatorOptions, _ folder: EmulatorFolder, _ issuer: TokenIssuer, _ directory: Directory,
        _ local: LocalAddress
    ) async throws(SluiceError) -> [any EmulatedService] {
        let storage = try StorageServices.open(
            folder: folder.item("storage"), hierarchical: options.hierarchicalAccounts)
        let vault = try await VaultService.open(folder, issuer, directory)
        let queues = try await QueueService.open(folder)
        let registry = try RegistryService(folder, issuer, directory)
        let resources = try await ResourceStore.open(folder.item("management.sqlite"))
        let switches = ManagementSwitches()
        let workloads = try Workloads(folder, registry.store)
        let runner = try JobRunner(
            .init(
                store: resources, switches: switches, workloads: workloads,
                secrets: JobSecrets(vaults: vault.store, directory: directory), local: local))
        try await runner.recover()
        let clock = JobClock(store: resources, runner: runner, queues: queues.store)
        clock.start()
        let batch = try await BatchService.open(folder, issuer, directory, workloads)
        let management = ManagementService(
            access: BearerAccess(issuer: issuer, directory: directory, audiences: BearerAccess.management),
            store: resources, switches: switches,
            providers: [
                ContainerAppsProvider(
                    runner: runner, clock: clock, store: resources, issuer: issuer, directory: directory),
                BatchProvider(world: batch.world), IdentityProvider(store: resources, tenant: issuer.tenant),
            ])
        return storage + [
            LoginService(issuer: issuer, directory: directory), MetadataService(issuer: issuer, directory: directory),
            HostIdentityService(issuer: issuer, directory: directory),
            // Before those that it asks: what runs is ended first.
            batch, management,
            ContainerLogService(issuer: issuer, runner: runner),
            LogQueryService(
                access: BearerAccess(issuer: issuer, directory: directory, audiences: BearerAccess.logs),
                switches: switches, home: runner.home),
            vault, queues, registry,
        ]
    }
}
