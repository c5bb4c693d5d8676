import CSimdjson
import Glibc
import Testing

/// The parser's general use: paths of every record as columns with a tag for each value's kind.
@Suite struct JSONProjectionTests {
    @Test func pathsOfElementsBecomeTaggedColumns() throws {
        let text = """
            {"id":"a","total":12.5,"items":[{"price":1,"x":9},{"price":"2"},{}]},
            {"id":7,"total":18446744073709551615,"items":null},
            {"id":null,"total":123456789012345678901234567890,"items":{"price":3}},
            {"total":[1],"items":[4,{"price":{"a": 1}},{"price":true}]},
            5
            """
        var bytes = Array(text.utf8)
        let length = bytes.count
        bytes += [UInt8](repeating: 0, count: Int(sluice_json_padding()))
        let parser = sluice_json_parser_create()
        let plan = sluice_json_plan_create(1, 0)
        defer {
            sluice_json_parser_free(parser)
            sluice_json_plan_free(plan)
        }
        func add(_ name: String, _ kind: Int, below parent: Int32) -> Int32 {
            var node = sluice_json_node()
            node.kind = Int32(kind)
            node.flags = Int32(SLUICE_JSON_TAGGED)
            return name.withCString { sluice_json_plan_add(plan, parent, &node, $0, name.utf8.count) }
        }
        let record = add("record", SLUICE_JSON_STRUCT, below: 0)
        let id = add("id", SLUICE_JSON_ANY, below: record)
        let total = add("total", SLUICE_JSON_ANY, below: record)
        let items = add("items", SLUICE_JSON_LIST, below: record)
        let item = add("item", SLUICE_JSON_STRUCT, below: items)
        let price = add("price", SLUICE_JSON_ANY, below: item)
        var layout = sluice_json_layout(
            commas: 1, max_depth: 64, duplicates: 2, unknown_keys: 0, strict: 0, max_filled: 0, keep_bad: 0,
            whole_characters: 0)
        let status = sluice_json_project(parser, plan, bytes, length, &layout)
        #expect(status.code == 0)
        #expect(status.record == 5)

        func take(_ node: Int32) -> (tags: [Int], values: [UInt64], texts: [String]) {
            let column = sluice_json_take(plan, node)
            let count = Int(column.count)
            defer {
                for part in [column.validity, column.values, column.tags, column.bytes] { free(part) }
                free(column.offsets)
            }
            var texts: [String] = []
            var values: [UInt64] = []
            if let offsets = column.offsets, let payload = column.values {
                values = (0..<count).map {
                    UnsafeRawPointer(payload).loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self)
                }
                for row in 0..<count {
                    texts.append(
                        String(
                            decoding: UnsafeBufferPointer(start: column.bytes, count: column.bytes_length)[
                                Int(offsets[row])..<Int(offsets[row + 1])], as: UTF8.self))
                }
            }
            return ((0..<count).map { Int(column.tags?[$0] ?? 255) }, values, texts)
        }
        let object = SLUICE_JSON_TAG_OBJECT
        #expect(take(record).tags == [object, object, object, object, SLUICE_JSON_TAG_INT])
        let ids = take(id)
        #expect(
            ids.tags == [
                SLUICE_JSON_TAG_STRING, SLUICE_JSON_TAG_INT, SLUICE_JSON_TAG_NULL, SLUICE_JSON_TAG_MISSING,
                SLUICE_JSON_TAG_MISSING,
            ])
        #expect(ids.texts == ["a", "", "", "", ""])
        #expect(ids.values == [0, 7, 0, 0, 0])
        let totals = take(total)
        #expect(
            totals.tags == [
                SLUICE_JSON_TAG_DOUBLE, SLUICE_JSON_TAG_UINT, SLUICE_JSON_TAG_BIG, SLUICE_JSON_TAG_ARRAY,
                SLUICE_JSON_TAG_MISSING,
            ])
        #expect(totals.values[0] == (12.5).bitPattern)
        #expect(totals.values[1] == .max)
        #expect(totals.texts == ["", "", "123456789012345678901234567890", "[1]", ""])
        #expect(
            take(items).tags == [
                SLUICE_JSON_TAG_ARRAY, SLUICE_JSON_TAG_NULL, object, SLUICE_JSON_TAG_ARRAY, SLUICE_JSON_TAG_MISSING,
            ])
        #expect(take(item).tags == [object, object, object, SLUICE_JSON_TAG_INT, object, object])
        let prices = take(price)
        #expect(
            prices.tags == [
                SLUICE_JSON_TAG_INT, SLUICE_JSON_TAG_STRING, SLUICE_JSON_TAG_MISSING, SLUICE_JSON_TAG_MISSING, object,
                SLUICE_JSON_TAG_BOOL,
            ])
        #expect(prices.texts == ["", "2", "", "", "{\"a\": 1}", ""])
        #expect(prices.values[0] == 1)
    }
}
