public import Settings
import Support

/// Rows of files are in a table: what is missing is added, what has changed is updated, by key.
public struct SeedStep: Sendable {
    /// Where the files lie; nil for the project's folder.
    public var source: Scalar?
    /// The files, as patterns.
    public var files: [String]
    /// The table.
    public var table: String
    /// The columns that tell rows apart.
    public var key: [String]
    /// The step as it is written, whose keys are those of an ingest job.
    public var section: Section

    init(_ section: Section) throws(SluiceError) {
        self.section = section
        source = section.scalar("from")
        files = section.texts("files") ?? []
        table = section.text("into") ?? ""
        key = section.texts("key") ?? []
    }
}

struct SeedWork: StepWork {
    let step: SeedStep

    private func seed(_ scene: Scene) -> Seed {
        Seed(
            pipeline: "\(scene.job.pipeline).\(scene.entry.key)", step: step, database: scene.entry.database,
            run: scene.run)
    }

    func inspect(_ scene: Scene) async throws(SluiceError) -> Finding {
        let state = try await scene.sites.seeder.look(seed(scene))
        if state.files.isEmpty, state.changes.isEmpty {
            guard state.known > 0 else {
                throw SluiceError(
                    .notFound, "no file fits \(step.files.joined(separator: ", "))",
                    hint: "check the pattern, which starts from the project's folder")
            }
            let files = state.known == 1 ? "1 file is" : "\(state.known) files are"
            return .done("\(files) in \(step.table)")
        }
        return .pending(state.changes + state.files.map { "load \(Display.safe($0)) into \(step.table)" })
    }

    func act(_ scene: Scene) async throws(SluiceError) -> String {
        try await scene.sites.seeder.load(seed(scene), monitor: scene.monitor)
    }
}
