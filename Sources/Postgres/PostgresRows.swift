import CPq

/// A small answer, as text: catalogues, counts, settings. Data travels by COPY.
public struct PostgresRows: Sendable {
    /// The columns' names.
    public let names: [String]
    /// The rows, nil for null.
    public let rows: [[String?]]
    /// How many rows a statement changed.
    public let changed: Int

    init(_ result: OpaquePointer?) {
        let columns = PQnfields(result)
        names = (0..<columns).map { String(cString: PQfname(result, $0)) }
        rows = (0..<PQntuples(result)).map { row in
            (0..<columns).map { column in
                PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
            }
        }
        changed = Int(String(cString: PQcmdTuples(result))) ?? 0
    }

    /// The first value of the first row.
    public var single: String? { rows.first?.first ?? nil }
}
