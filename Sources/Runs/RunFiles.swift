/// Where the history of a project lies: under `.sluice` in its folder.
public enum RunFiles {
    /// The history.
    public static func history(in folder: String) -> String { "\(folder)/.sluice/runs.db" }

    /// The log of a run.
    public static func log(of run: String, in folder: String) -> String { "\(folder)/.sluice/logs/\(run).ndjson" }
}
