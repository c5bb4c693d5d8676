public import Support

/// A database in which names are made by statements: whatever holds a connection with a T-SQL server is one.
///
/// What names stand on there (database, credential, data source) is not its work but the script's: `sluice map --out`.
public protocol MapTarget: Sendable {
    /// What to call it in a message: a URL without secrets.
    var name: String { get }
    /// What there is in `schema`: of objects whose definition bears `mark`, with the word behind the mark as theirs; of all
    /// others, the names.
    func inventory(of schema: String, mark: String) async throws(SluiceError) -> MapInventory
    /// Runs statements one after the other; in one transaction, where the database has those for definitions.
    func run(_ statements: [String]) async throws(SluiceError)
}
