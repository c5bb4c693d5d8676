public import Columns

/// A reader that finds its types out from the values.
public protocol InferringReader: BatchReader {
    /// The columns that have shown nothing but nulls so far, which say nothing about their type.
    var columnsWithoutValues: Set<String> { get }
}

extension CSVReader: InferringReader {}
extension JSONReader: InferringReader {}
