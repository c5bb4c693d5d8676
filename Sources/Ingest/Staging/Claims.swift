import Settings
import Storage
import Support

/// The names in the lake that runs have taken, so that no two of them write the same file, and the parts that dead runs
/// left are found.
struct Claims: Sendable {
    private let lake: any ObjectStore
    private let pipeline: String

    init(_ lake: any ObjectStore, pipeline: String) {
        self.lake = lake
        self.pipeline = pipeline
    }

    /// Takes a name for `unit`, at `moment` or as soon after it as one is free.
    func take(folder: String, unit: String, from moment: Moment, run: String) async throws(SluiceError) -> StageName {
        var moment = moment
        while true {
            let name = StageName(folder: folder, unit: unit, moment: moment)
            let text: JSONText = [
                "run": .string(run), "pipeline": .string(pipeline), "folder": .string(name.folder),
                "stem": .string(name.stem),
            ]
            let isThere = try await lake.facts(name.part(0)) != nil
            if !isThere, try await lake.claim(name.claim, Buffer(Array(text.text().utf8))) { return name }
            moment.microseconds += 1
        }
    }

    /// Gives a name back, when what it names is in a manifest or gone.
    func release(_ name: StageName) async { try? await lake.remove(name.claim) }

    /// Removes what dead runs of this pipeline have staged in part. The pipeline's lock is held.
    ///
    /// - parameter moment: What was staged then or later is spared too.
    func sweep(sparing run: String, before moment: Moment? = nil) async throws(SluiceError) {
        let paths = try await lake.list("_claims")
        for path in paths {
            if let moment, (try await lake.facts(path)?.modified ?? moment) >= moment { continue }
            guard let node = parseDocument(try await lake.text(of: path), file: path).node else { continue }
            let claim = Section(node)
            guard claim.text("pipeline") == pipeline, let dead = claim.text("run"), dead != run,
                let folder = claim.text("folder"), let stem = claim.text("stem")
            else { continue }
            let files = try await lake.list(folder)
            // With a manifest the parts are whole, and may be resumed.
            if !files.contains(Manifest.path(folder: folder, run: dead)) {
                for file in files where file.hasPrefix("\(folder)/\(stem)") { try await lake.remove(file) }
                for file in try await lake.unfinished(folder) where file.hasPrefix("\(folder)/.\(stem)") {
                    try await lake.remove(file)
                }
            }
            try await lake.remove(path)
        }
    }
}
