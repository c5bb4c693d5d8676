public import Columns
import Support

/// A table that can be read from the start as often as needed.
///
/// Its readers may throw `SchemaWidened`; whoever reads opens it again then, under the schema that came with it.
public protocol TableSource: Sendable {
    /// What to call this in a message.
    var name: String { get }
    /// Whether types are found out from the values, so that they depend on what is in the table.
    var infersTypes: Bool { get }
    /// Begins to read.
    ///
    /// - parameter schema: What an earlier pass found to hold for all of the data, or nil for a first one.
    /// - parameter columns: What will be looked at; the others may be left out, and names that are not there are passed
    ///   over. Nil for everything.
    func open(under schema: Schema?, columns: [String]?) async throws -> any BatchReader
}
