import CVersion
import Support

/// Which version this is.
public enum Version {
    /// The release.
    public static var number: String { Release.number }
    /// The commit it was built from, `unknown` where the build could not tell; `+` marks uncommitted changes.
    public static var commit: String { String(cString: sluice_commit()) }
}
