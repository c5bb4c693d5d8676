import Columns
import Connectors
import Support
import Warehouse

/// Brings batches of the lake into the shape of the table, and takes out the rows that have none.
struct RowFitter: Sendable {
    let plan: TablePlan
    /// Columns in which a row must have a value: the key of a merge, the cursor where its policy says so.
    let required: [String]
    /// Whether a value that does not fit ends the run, as opposed to rejecting its row.
    let isStrict: Bool

    /// `batch` in the plan's schema, and the rows that are not in it.
    ///
    /// - parameter firstRow: The number of the batch's first row in its unit, from 1.
    func fit(_ batch: RecordBatch, unit: String, firstRow: Int) throws(SluiceError) -> (RecordBatch, [RejectedRow]) {
        var rejected: [Int: (column: String, reason: String)] = [:]
        var columns: [Column] = []
        for name in required {
            guard let place = batch.schema.place(of: name) else { continue }
            refuseNulls(batch.columns[place], name, "there is no value, and rows are told apart by it", &rejected)
        }
        for target in plan.targets {
            guard let place = batch.schema.place(of: target.name) else {
                columns.append(.nulls(target.type, count: batch.rowCount))
                if !target.isNullable {
                    throw SluiceError(
                        .conversion, "the rows lack this column, and the table wants a value in it",
                        place: .init(file: unit, column: target.name))
                }
                continue
            }
            let column = try cast(batch.columns[place], to: target, unit: unit, firstRow: firstRow, &rejected)
            if !target.isNullable {
                refuseNulls(column, target.name, "there is no value, and the table's column wants one", &rejected)
            }
            columns.append(column)
        }
        for name in plan.rejecting {
            guard let place = batch.schema.place(of: name) else { continue }
            let column = batch.columns[place]
            for row in 0..<column.count where !column.isNull(at: row) && rejected[row] == nil {
                rejected[row] = (name, "the table has no such column")
            }
        }
        let fitted = RecordBatch(schema: plan.schema, columns: columns, rowCount: batch.rowCount)
        if rejected.isEmpty { return (fitted, []) }
        let rows = RejectedRows(batch, unit: unit, firstRow: firstRow)
        let kept = (0..<batch.rowCount).filter { rejected[$0] == nil }.map { Int32($0) }
        let told = rejected.keys.sorted().compactMap { row in
            rejected[row].map { rows.row(row, column: $0.column, reason: $0.reason) }
        }
        return (try fitted.take(kept), told)
    }

    private func cast(
        _ column: Column, to target: TablePlan.Target, unit: String, firstRow: Int,
        _ rejected: inout [Int: (column: String, reason: String)]
    ) throws(SluiceError) -> Column {
        if column.type == target.type { return column }
        do throws(SluiceError) {
            return try column.cast(to: target.type)
        } catch {
            if isStrict {
                var error = error
                error.place.row = error.place.row.map { firstRow + $0 - 1 }
                throw error.at(.init(file: unit, column: target.name))
            }
            let result = try column.cast(to: target.type, mode: .nullOnFailure)
            for row in 0..<column.count
            where result.isNull(at: row) && !column.isNull(at: row) && rejected[row] == nil {
                rejected[row] = (target.name, "the value does not fit \(target.sqlType)")
            }
            return result
        }
    }

    private func refuseNulls(
        _ column: Column, _ name: String, _ reason: String, _ rejected: inout [Int: (column: String, reason: String)]
    ) {
        if column.nullCount == 0 { return }
        for row in 0..<column.count where column.isNull(at: row) && rejected[row] == nil {
            rejected[row] = (name, reason)
        }
    }
}

extension Schema {
    /// Where the column called `name` stands; where databases that do not tell case apart would look, if need be.
    func place(of name: String) -> Int? {
        index(of: name) ?? fields.firstIndex { $0.name.lowercased() == name.lowercased() }
    }
}

/// Makes rejected rows of a batch: each as the JSON object that it would be.
struct RejectedRows {
    private let batch: RecordBatch
    private let unit: String
    private let firstRow: Int
    private let formatters: [ColumnFormatter]

    init(_ batch: RecordBatch, unit: String, firstRow: Int) {
        self.batch = batch
        self.unit = unit
        self.firstRow = firstRow
        formatters = batch.columns.map { ColumnFormatter($0, style: .json) }
    }

    func row(_ row: Int, column: String, reason: String) -> RejectedRow {
        let out = MutableBuffer()
        out.append(Array("{".utf8))
        for (index, formatter) in formatters.enumerated() {
            var name = index == 0 ? "" : ","
            JSONText.quote(batch.schema.fields[index].name, to: &name)
            out.append(Array((name + ":").utf8))
            formatter.append(row: row, to: out)
        }
        out.append(Array("}".utf8))
        return RejectedRow(
            unit: unit, row: firstRow + row, column: column, reason: reason,
            raw: String(decoding: out.freeze().bytes, as: UTF8.self))
    }
}
