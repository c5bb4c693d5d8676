public import Columns

extension TableSource {
    /// Begins to read the part of the table that `shape` wants.
    ///
    /// - parameter schema: What an earlier pass found to hold for all of the data, or nil for a first one.
    /// - throws: `SluiceError` when the shape names columns that are not there.
    public func open(under schema: Schema?, shape: TableShape) async throws -> any BatchReader {
        let base = try await open(under: schema, columns: shape.columns)
        do {
            return try ShapedReader(base, shape: shape, table: name)
        } catch  where shape.columns != nil {
            // Under all columns the error can say which ones there are.
            return try ShapedReader(try await open(under: schema, columns: nil), shape: shape, table: name)
        }
    }
}
