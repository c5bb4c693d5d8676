import CVersion

/// Which version this is.
public enum Version {
    /// The release.
    public static let number = "0.1.0"
    /// The commit it was built from, `unknown` where the build could not tell; `+` marks uncommitted changes.
    public static var commit: String { String(cString: sluice_commit()) }
}
