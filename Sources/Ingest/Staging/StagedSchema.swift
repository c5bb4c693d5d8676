import Columns
import Parquet
import Storage
import Support
import Warehouse

extension SourceStager {
    /// The schema that the rows of all parts fit. Whole numbers in one file and fractions in another are floats together,
    /// as they would be in one file, when every number is exact as one.
    static func union(
        of schemas: [Schema], parts: [StagedFile], in lake: any ObjectStore
    ) async throws(SluiceError) -> Schema {
        var union = Schema.union(schemas)
        guard schemas.count > 1 else { return union }
        for place in union.fields.indices where union.fields[place].type == .utf8 {
            let types = Set(
                schemas.compactMap { schema in
                    schema.index(of: union.fields[place].name).map { schema.fields[$0].type }
                }.filter { $0 != .null })
            if types == [.int64, .float64], try await isExactAsFloat(union.fields[place].name, parts, lake) {
                union.fields[place].type = .float64
            }
        }
        // `_ingested_at` comes last, also when a later file has columns that the first one lacks.
        union.fields.removeAll { $0.name == IngestedAt.field.name }
        return Schema(union.fields + [IngestedAt.field])
    }

    /// Whether all whole numbers that are staged for the column are exact as floats.
    private static func isExactAsFloat(
        _ name: String, _ parts: [StagedFile], _ lake: any ObjectStore
    ) async throws(SluiceError) -> Bool {
        let limit: Int128 = 1 << 53
        for part in parts {
            let file = try await ParquetFile.open(try await lake.open(part.path))
            guard let place = file.schema.index(of: name), file.schema.fields[place].type == .int64 else { continue }
            for group in file.metadata.rowGroups.indices {
                let chunks = file.chunks(ofRowGroup: group)
                guard let chunk = chunks.first(where: { $0.path == name }) else { return false }
                for bound in [chunk.minimum, chunk.maximum] {
                    if case .int(let value) = bound, value.magnitude > limit.magnitude { return false }
                }
            }
        }
        return true
    }
}
