// Sluice: the library's face. One import gives a project, its connections and its jobs:
//
//     import Sluice
//
//     let workspace = try await Workspace.open("shop", environment: "prod")
//     let outcome = await workspace.run("orders")
//     print(outcome.record.state, outcome.record.counts.rowsLoaded)
//
// The command line is built on this. `examples/library` is a program that uses it; docs/library.md explains it.

@_exported public import Azure
@_exported public import Columns
@_exported public import Connectors
@_exported public import Ingest
@_exported public import Init
@_exported public import Map
@_exported public import Platforms
@_exported public import Project
@_exported public import Report
@_exported public import Runs
@_exported public import Sales
@_exported public import Settings
@_exported public import Storage
@_exported public import Support
@_exported public import Warehouse

extension Vocabulary {
    /// What a `sluice.yaml` may say: every protocol and every kind of job that there is.
    public static let standard = Vocabulary(
        protocols: ConnectorRegistry.standard.protocols,
        kinds: [
            (IngestKeys.kind, IngestKeys.keys), (ReportKeys.kind, ReportKeys.keys), (MapKeys.kind, MapKeys.keys),
            (InitKeys.kind, InitKeys.keys),
        ],
        sections: [("azure", AzureSettings.shape, "Which Azure, and who one is there")],
        jobChecks: [
            IngestKeys.kind: { IngestKeys.check($0) + DeploymentKeys.check($0) },
            ReportKeys.kind: { ReportKeys.check($0) + DeploymentKeys.check($0) },
            MapKeys.kind: { MapKeys.check($0) + DeploymentKeys.check($0) },
            InitKeys.kind: { InitKeys.check($0) + DeploymentKeys.check($0) },
        ],
        platforms: PlatformRegistry.standard.keys, jobKeys: DeploymentKeys.jobKeys)
}
