import Azure
import Platforms
import Settings
import Support
import Testing

@Suite struct RegistryTests {
    private func site(_ text: String?) throws -> PlatformSite {
        let section = try text.map { Section(try #require(parseDocument($0, file: "p").node)) }
        return PlatformSite(
            name: "here", section: section, project: "shop", folder: "/shop", stateFolder: "/shop/.sluice",
            variables: ["CITY": "Köln"], azure: AzureAccess(environment: [:]))
    }

    @Test func thisMachineNeedsNoSection() async throws {
        let job = JobDeployment(project: "shop", job: "orders", kind: "ingest", arguments: ["run", "orders"])
        for text in [nil, "type: local"] {
            let platform = try PlatformRegistry.standard.make(try site(text))
            #expect(platform.name == "here")
            #expect(!platform.abilities.deploys)
            // Nothing has to be there before a run.
            #expect(try await platform.plan(job).isEmpty)
            #expect(try await platform.deployed(job) == nil)
            #expect(!(try await platform.delete(job)))
            #expect(try platform.ways(of: job) == nil)
        }
    }

    @Test func anUnknownTypeIsRefused() throws {
        let error = #expect(throws: SluiceError.self) {
            try PlatformRegistry.standard.make(try site("type: mainframe"))
        }
        #expect(error?.message == "the platform \"here\" is of type \"mainframe\", which there is not")
        #expect(error?.hint?.hasPrefix("there are: local") == true)
    }
}
