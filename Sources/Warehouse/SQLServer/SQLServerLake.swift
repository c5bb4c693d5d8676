import Columns
import ODBC
package import Support

/// How a server that reaches the lake reads the files of a load itself, so that no row is sent to it.
public enum SQLServerLake: Sendable, Hashable {
    /// By `OPENROWSET`, with an external data source whose location is the project's lake: Azure SQL, SQL Server 2022.
    case openRowset(dataSource: String)
    /// By `COPY INTO`, from the lake's `https` URL, with the caller's rights or the server's managed identity: Fabric and
    /// Synapse.
    case copyInto(url: String, managedIdentity: Bool)

    /// What a plan says of it.
    var sentence: String {
        switch self {
        case .openRowset(let source): "the server reads the staged files itself: OPENROWSET, data source \(source)"
        case .copyInto(let url, let isManaged):
            "the server reads the staged files itself: COPY INTO, from \(url)"
                + (isManaged ? ", as its managed identity" : "")
        }
    }

    /// Whether rows wait in an ordinary table: COPY INTO takes no temporary one.
    var needsTable: Bool { if case .copyInto = self { true } else { false } }

    /// Refuses a load whose files the server would understand in another way than we do.
    func check(_ load: Load) throws(SluiceError) {
        if case .merge(_, nil, _) = load.mode, !load.keysAreUnique {
            throw SluiceError(
                .unsupported, "of rows with the same key the last one counts, and a server reads files in no order",
                hint: "Set a cursor, of which the highest counts, or load_by: rows on the warehouse")
        }
        for field in load.plan.request.schema.fields {
            switch field.type {
            case .list, .structure, .map, .json, .uuid, .float16, .uint64, .time:
                throw SluiceError(
                    .unsupported, "no server reads \(field.type) from Parquet as we do",
                    place: .init(column: field.name),
                    hint: "Cast the column in the query that reads it, or set load_by: rows on the warehouse")
            default: break
            }
        }
    }
}

/// The T-SQL with which a server reads staged files into the stage.
extension SQLServerScript {
    /// Reads one file, whose number is `number`, into the stage.
    package func read(_ path: String, _ number: Int, by lake: SQLServerLake) throws(SluiceError) -> [SQLServerStatement]
    {
        switch lake {
        case .openRowset(let source): [try openRowset(path, number, source)]
        case .copyInto(let url, let isManaged): try copyInto(path, number, url, isManaged)
        }
    }

    private func openRowset(_ path: String, _ number: Int, _ source: String) throws(SluiceError) -> SQLServerStatement {
        var columns: [String] = []
        var values: [String] = []
        var declared: [String] = []
        for target in plan.targets {
            let field = try field(of: target)
            let name = try dialect.quote(field.name)
            columns.append(staged(target))
            // Parquet has moments without an offset: they are UTC.
            let isMoment = if case .timestamp(_, let zone) = field.type { zone != nil } else { false }
            let type = isMoment ? "DATETIME2(7)" : SQLServerDialect().sqlType(for: field.type)
            // The texts of Parquet are UTF-8.
            let isText = type.hasPrefix("NVARCHAR")
            declared.append("\(name) \(isText ? "VARCHAR(MAX) COLLATE Latin1_General_100_BIN2_UTF8" : type)")
            values.append(isMoment ? "TODATETIMEOFFSET(r.\(name), 0)" : "r.\(name)")
        }
        columns.append(Self.fileColumn)
        values.append(String(number))
        return SQLServerStatement(
            """
            INSERT INTO \(stage) WITH (TABLOCK) (\(columns.joined(separator: ", ")))
            SELECT \(values.joined(separator: ", "))
            FROM OPENROWSET(BULK \(Self.literal(path)), DATA_SOURCE = \(Self.literal(source)), FORMAT = 'PARQUET')
            WITH (\(declared.joined(separator: ", "))) AS r
            """)
    }

    /// Parquet's columns come by their place in the file.
    private func copyInto(
        _ path: String, _ number: Int, _ url: String, _ isManaged: Bool
    ) throws(SluiceError) -> [SQLServerStatement] {
        let fields = plan.request.schema.fields
        var columns: [String] = []
        for target in plan.targets {
            let field = try field(of: target)
            columns.append("\(staged(target)) \((fields.firstIndex { $0.name == field.name } ?? 0) + 1)")
        }
        let identity = isManaged ? ", CREDENTIAL = (IDENTITY = 'Managed Identity')" : ""
        let file = (url.hasSuffix("/") ? url : url + "/") + path
        return [
            SQLServerStatement(
                """
                COPY INTO \(stage) (\(columns.joined(separator: ", ")))
                FROM \(Self.literal(file))
                WITH (FILE_TYPE = 'PARQUET'\(identity))
                """),
            SQLServerStatement(
                "UPDATE \(stage) SET \(Self.fileColumn) = \(number) WHERE \(Self.fileColumn) IS NULL"),
        ]
    }

    /// The column of the files that a target is filled from.
    private func field(of target: TablePlan.Target) throws(SluiceError) -> Field {
        let fields = plan.request.schema.fields
        if let field = fields.first(where: { $0.name == target.name })
            ?? fields.first(where: { $0.name.lowercased() == target.name.lowercased() })
        {
            return field
        }
        throw SluiceError(
            .unsupported, "the staged files have no column \"\(target.name)\"", place: .init(column: target.name))
    }

    private static func literal(_ text: String) -> String { "N'\(text.replacing("'", with: "''"))'" }
}
