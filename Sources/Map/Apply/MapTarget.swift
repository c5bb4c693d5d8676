import Support

/// A database in which names are made by statements.
protocol MapTarget: Sendable {
    /// What there is in the job's schema: what the job has made, and the names of everything else.
    func inventory() async throws(SluiceError) -> MapInventory
    /// Makes what names stand on, where it is missing, and notes which of `changes` are going to be made.
    func prepare(_ changes: [MapChange]) async throws(SluiceError)
    /// Makes one change, all of it or nothing where the database can do that.
    func perform(_ change: MapChange) async throws(SluiceError)
    /// Notes what there is now: `changes` without those of the names in `failed`.
    func settle(_ changes: [MapChange], failed: Set<String>) async throws(SluiceError)
    /// Ends the session.
    func close() async
}
