/// The order that Python's `sorted(values, reverse=True)` gives.
enum StableOrder {
    /// The places of `values`, largest value first, equal ones in the order in which they stand.
    static func descending(_ values: [Double]) -> [Int] {
        values.indices.sorted { values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1 }
    }
}
