import CommandLine
import Emulator
import Support

/// `sluice emulate`: an Azure on this machine.
struct Emulate: Command {
    let data = Parameter.option(
        "data", .folder, default: ".sluice/azure", help: "Where everything is kept; made when it is missing")
    let port = Parameter.option(
        "port", .integer(in: 0...65_534), short: "p", default: "10000",
        help: "For all services; queues by path have the next one. 0 takes free ones")
    let tls = Parameter.flag("tls", help: "Offer the same over TLS, with a certificate made here")
    let tlsPort = Parameter.option(
        "tls-port", .integer(in: 0...65_534), default: "10443",
        help: "For all services over TLS; queues by path have the next one")
    let address = Parameter.option(
        "address", .text, default: "127.0.0.1", help: "The address to listen on; any other lets others in")

    let hierarchical = Parameter.repeated(
        "hierarchical", .text, help: "An account with a hierarchical namespace; 'devlake' always is one")
    let tenant = Parameter.optional(
        "tenant", .text, help: "The only tenant whose tokens count; any when not given")
    let identities = Parameter.optional(
        "identities", .path, help: "A JSON file of applications, identities and denials")
    let faults = Parameter.optional("faults", .path, help: "A JSON file of things that go wrong on purpose")
    let trace = Parameter.optional("trace", .path, help: "Add what is asked and answered here, without secrets")

    let forProject = Parameter.flag(
        "project", help: "Make what the project here stands on: what its platforms need, containers, queues, secrets")
    let project = ProjectParameters()

    var model: CommandModel {
        CommandModel(
            "emulate", "Be an Azure on this machine, for development",
            [
                ParameterGroup("Where", [data, port, tls, tlsPort, address]),
                ParameterGroup("What it plays", [forProject, hierarchical, tenant, identities, faults, trace]),
                project.group,
            ],
            discussion: """
                Plays Blob, Data Lake and Queue storage, Key Vault secrets, container registries, Batch, jobs of Container \
                Apps that really run, their logs, and the places where tokens come from, for Sluice and for other tools. \
                Every account, vault and registry exists. State is kept in a folder and survives restarts; Ctrl-C ends it.

                With --project it also makes what the project's jobs need before they can be deployed: Container Apps \
                environments, Batch accounts, identities, the containers and queues that it names, and the secrets whose \
                values the environment or .env has. Without --environment, all of its environments count.

                It is for development and tests only: its keys are known to everybody, and whoever asks for a token \
                gets one.
                """,
            examples: [
                .init("sluice emulate", "on ports 10000 and 10001"),
                .init("sluice emulate --project", "with all that the project's jobs need to be deployed"),
                .init("sluice emulate --tls", "with TLS on 10443 and 10444 too"),
                .init("sluice emulate --port 0 --data /tmp/azure", "on free ports"),
                .init("sluice emulate --hierarchical lake --faults faults.json", "a lake with troubles"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        var options = try options(arguments, in: context)
        var ground = arguments[forProject] ? try await EmulatedProject(project, arguments, in: context) : nil
        options.hierarchicalAccounts += ground?.hierarchical ?? []
        let emulator = EmulatorServer(options)
        try await emulator.start()
        let isAlone = ["127.0.0.1", "::1", "localhost"].contains(options.address)
        do throws(SluiceError) { try await ground?.provide(by: emulator, isAlone: isAlone) } catch {
            await emulator.stop()
            throw error
        }
        let plain = origin(emulator, "http", emulator.port)
        if context.options.isJSON {
            let told = ground.map { [(key: "project", value: $0.json(at: plain))] } ?? []
            context.answer(.object((description(of: emulator).members ?? []) + told))
        } else {
            let more = ground?.lines(at: plain) ?? []
            for line in lines(about: emulator, arguments[data]) + more + ["", "Ctrl-C ends it."] {
                context.output.print(line)
            }
        }
        for note in ground?.notes ?? [] { context.messages.print("note: \(note)") }
        if !isAlone {
            context.messages.print(
                "warning: listening on \(options.address): everybody who reaches it can read and change everything")
        }
        // Nobody but a signal ends it.
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
        context.say("\nstopping")
        await emulator.stop()
        return .succeeded
    }

    private func options(_ arguments: Arguments, in context: Context) throws(SluiceError) -> EmulatorOptions {
        var options = EmulatorOptions(dataFolder: context.resolve(arguments[data]))
        options.address = arguments[address]
        options.port = arguments[port]
        options.queuePort = arguments[port] == 0 ? 0 : arguments[port] + 1
        options.hasTLS = arguments[tls]
        // Who wants free ports wants them all to be free.
        options.tlsPort = arguments[port] == 0 && arguments[tlsPort] == 10_443 ? 0 : arguments[tlsPort]
        options.tlsQueuePort = options.tlsPort == 0 ? 0 : options.tlsPort + 1
        for name in arguments[hierarchical] {
            let isAccount = name.utf8.allSatisfy { byte in
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
            }
            guard isAccount, 3...24 ~= name.utf8.count else {
                throw SluiceError(
                    .usage, "--hierarchical: no account can be called \"\(name)\"",
                    hint: "Names of accounts are 3 to 24 lower-case letters and digits.")
            }
        }
        options.hierarchicalAccounts += arguments[hierarchical]
        options.tenant = arguments[tenant]
        options.directoryFile = arguments[identities].map { context.resolve($0) }
        options.faultsFile = arguments[faults].map { context.resolve($0) }
        options.traceFile = arguments[trace].map { context.resolve($0) }
        return options
    }

    private func description(of emulator: EmulatorServer) -> JSONText {
        .members([
            "endpoint": .string(origin(emulator, "http", emulator.port)),
            "queueEndpoint": .string(origin(emulator, "http", emulator.queuePort)),
            "tlsEndpoint": emulator.tlsPort.map { .string(origin(emulator, "https", $0)) },
            "tlsQueueEndpoint": emulator.tlsQueuePort.map { .string(origin(emulator, "https", $0)) },
            "certificateAuthority": emulator.authorityFile.map { .string($0) },
            "connectionString": .string(connectionString(emulator)),
            "tenant": .string(emulator.options.tenant ?? EmulatorOptions.defaultTenant),
            "data": .string(emulator.options.dataFolder),
        ])
    }

    private func origin(_ emulator: EmulatorServer, _ scheme: String, _ port: Int) -> String {
        let address = emulator.options.address
        let host = address == "0.0.0.0" ? "127.0.0.1" : address == "::" ? "[::1]" : address
        return "\(scheme)://\(host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host):\(port)"
    }

    private func connectionString(_ emulator: EmulatorServer) -> String {
        let account = AccountKeys.development
        let blob = origin(emulator, "http", emulator.port)
        let queue = origin(emulator, "http", emulator.queuePort)
        return "DefaultEndpointsProtocol=http;AccountName=\(account);AccountKey=\(AccountKeys.key(of: account));"
            + "BlobEndpoint=\(blob)/\(account);QueueEndpoint=\(queue)/\(account);"
    }

    private func lines(about emulator: EmulatorServer, _ folder: String) -> [String] {
        let plain = origin(emulator, "http", emulator.port)
        let queue = origin(emulator, "http", emulator.queuePort)
        var lines = [
            "An Azure for development and tests only: its keys are known to everybody.", "",
            "  blobs, Data Lake  \(plain)/ACCOUNT", "  queues            \(queue)/ACCOUNT",
            "  images            \(plain)/v2 (the registry devregistry)",
            "  Resource Manager  \(plain)/subscriptions (Container Apps jobs, Batch)",
            "  tokens            \(plain)/TENANT/oauth2/v2.0/token",
        ]
        let secure = emulator.tlsPort.map { origin(emulator, "https", $0) }
        if let secure, let port = emulator.tlsQueuePort {
            lines += [
                "  over TLS          \(secure), queues \(origin(emulator, "https", port))",
                "  Key Vault         \(secure)/secrets",
            ]
        } else {
            lines.append("  Key Vault         \(plain)/secrets (official clients want --tls)")
        }
        lines += [
            "  hierarchical      \(emulator.options.hierarchicalAccounts.joined(separator: ", "))",
            "  data              \(folder)", "", "For Sluice, in another terminal:",
            "  export SLUICE_AZURE_EMULATOR=\(plain)", "", "For other tools:",
            "  export AZURE_STORAGE_CONNECTION_STRING='\(connectionString(emulator))'",
            "  export IDENTITY_ENDPOINT=\(plain)/msi/token IDENTITY_HEADER=emulated-identity",
        ]
        if let file = emulator.authorityFile { lines.append("  export REQUESTS_CA_BUNDLE=\(file)") }
        return lines
    }
}
