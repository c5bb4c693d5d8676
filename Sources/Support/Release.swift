/// Which release of Sluice this is: what `--version` says, and what files that it writes say of their maker.
public enum Release {
    /// The number, `major.minor.patch`.
    public static let number = "0.1.0"
}
