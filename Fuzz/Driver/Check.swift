import Columns
import Support

/// Holds a column against what Arrow's layout and the field demand; a reader that hands out less is broken even when
/// nothing crashed yet. Behind a structure that is null (`isHidden`), anything may be null.
func check(_ column: Column, _ field: Field, _ path: String, isHidden: Bool = false) {
    func demand(_ condition: Bool, _ what: @autoclosure () -> String) {
        if !condition { violated("column \(path), \(field.type): \(what())") }
    }
    demand(column.type == field.type, "its type is \(column.type)")
    let end = column.offset + column.count
    if let validity = column.validity {
        demand(validity.count * 8 >= end, "the validity bitmap is too short")
        let set = Bitmap.countSet(validity, from: column.offset, count: column.count)
        demand(column.nullCount == column.count - set, "\(column.nullCount) nulls are not in the bitmap")
    } else {
        demand(column.nullCount == 0 || column.nullCount == column.count, "nulls without a bitmap")
    }
    demand(
        field.isNullable || isHidden || field.type == .null || column.nullCount == 0, "nulls where there must be none")
    switch field.type.layout {
    case .null: break
    case .bits: demand((column.values?.count ?? 0) * 8 >= end, "the values are too short")
    case .fixed(let width): demand((column.values?.count ?? 0) >= end * width, "the values are too short")
    case .bytes:
        let size = column.values?.count ?? 0
        checkOffsets(column, size, demand)
        if field.type == .utf8 || field.type == .json { checkText(column, demand) }
    case .list:
        guard let child = field.type.childFields.first, let items = column.children.first else {
            violated("column \(path): a list without items")
        }
        checkOffsets(column, items.count, demand)
        check(items, child, path + "[]")
    case .structure:
        let children = field.type.childFields
        demand(children.count == column.children.count, "fields are missing")
        for (child, part) in zip(children, column.children) {
            demand(part.count == column.count, "field \(child.name) has \(part.count) rows, not \(column.count)")
            check(part, child, path + "." + child.name, isHidden: isHidden || column.nullCount > 0)
        }
    }
}

private func checkOffsets(_ column: Column, _ size: Int, _ demand: (Bool, @autoclosure () -> String) -> Void) {
    if column.count == 0 && column.offsets == nil { return }
    let bytes = column.offsets?.count ?? 0
    demand(bytes >= (column.offset + column.count + 1) * 4, "the offsets are too short")
    column.withOffsets { offsets in
        var last: Int32 = 0
        for row in 0...column.count {
            demand(offsets[row] >= last, "offset \(offsets[row]) comes after \(last)")
            last = offsets[row]
        }
        demand(Int(last) <= size, "offset \(last) is beyond \(size)")
    }
}

private func checkText(_ column: Column, _ demand: (Bool, @autoclosure () -> String) -> Void) {
    for row in 0..<column.count where !column.isNull(at: row) {
        let bytes = column.bytes(at: row).bytes
        demand(String(validating: bytes, as: UTF8.self) != nil, "row \(row) is not UTF-8")
    }
}
