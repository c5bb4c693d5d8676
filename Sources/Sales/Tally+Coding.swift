import Support

extension Tally {
    func encode(to encoder: PartialEncoder) {
        encoder.int(summary.valid)
        encoder.int(summary.orders)
        encoder.list(0..<customers.count) { index in
            let row = customers[index]
            encoder.bytes(customers.key(index))
            encoder.int(row.valid)
            encoder.int(row.orders)
            encoder.wide(customers.total(row.all, index, 0).raw)
            encoder.wide(customers.total(row.spent, index, 1).raw)
            for time in [row.first, row.last, row.firstOrder, row.lastOrder, row.nameTime] { encoder.int(Int(time)) }
            encoder.optional(texts.bytes(row.name)) { encoder.bytes($0) }
        }
        encoder.list(0..<products.count) { index in
            let row = products[index]
            encoder.bytes(products.key(index))
            encoder.int(row.orders)
            encoder.wide(products.total(row.units, index, 0).raw)
            encoder.wide(products.total(row.revenue, index, 1).raw)
            encoder.int(Int(row.time))
            encoder.optional(texts.bytes(row.name)) { encoder.bytes($0) }
            encoder.optional(texts.bytes(row.category)) { encoder.bytes($0) }
        }
        encoder.list(0..<categories.count) { index in
            encoder.bytes(categories.key(index))
            encoder.int(categories[index].lines)
            encoder.wide(categories.total(categories[index].revenue, index, 0).raw)
        }
        for table in [statuses, payments, shippings] {
            encoder.list(0..<table.count) { index in
                encoder.bytes(table.key(index))
                encoder.int(table[index].count)
                encoder.wide(table.total(table[index].total, index, 0).raw)
            }
        }
        encoder.list(0..<days.count) { index in
            let row = days[index]
            encoder.bytes(days.key(index))
            encoder.int(row.orders)
            for (sum, value) in [row.revenue, row.tax, row.shipping, row.items].enumerated() {
                encoder.wide(days.total(value, index, sum).raw)
            }
        }
        encoder.list(totals.sorted) { total in
            encoder.wide(total.raw)
            encoder.int(total.times)
        }
        encoder.list(0..<high.count) { index in
            encoder.int(high[index].customer)
            encoder.int(Int(high[index].time))
            encoder.wide(high[index].total)
        }
        encoder.list(highest.elements) { value in
            encoder.text(value.transaction)
            encoder.text(value.customer)
            encoder.int(Int(value.time))
            encoder.wide(value.total)
        }
        for findings in [quantities, lines, subtotals, taxes, sums] { findings.encode(to: encoder) }
    }

    /// Adds what an encoded tally has.
    func decode(from decoder: inout PartialDecoder) throws(SluiceError) {
        summary.valid = try decoder.tally()
        summary.orders = try decoder.tally()
        for _ in 0..<(try decoder.count()) { try decodeCustomer(&decoder) }
        for _ in 0..<(try decoder.count()) { try decodeProduct(&decoder) }
        for _ in 0..<(try decoder.count()) {
            let index = try decoder.bytes { categories.row($0) }
            categories[index].lines = try decoder.tally()
            let sum = try decoder.wide()
            categories.add(sum, to: &categories.at(index).pointee.revenue, index, 0)
        }
        for table in [statuses, payments, shippings] {
            for _ in 0..<(try decoder.count()) {
                let index = try decoder.bytes { table.row($0) }
                table[index].count = try decoder.tally()
                let sum = try decoder.wide()
                table.add(sum, to: &table.at(index).pointee.total, index, 0)
            }
        }
        for _ in 0..<(try decoder.count()) {
            let index = try decoder.bytes { $0.count == 8 ? days.row($0) : -1 }
            guard index >= 0, Day.number(days.key(index)).magnitude < 4_000_000 else {
                throw decoder.damaged("a day is none")
            }
            days[index].orders = try decoder.tally()
            let row = days.at(index)
            days.add(try decoder.wide(), to: &row.pointee.revenue, index, 0)
            days.add(try decoder.wide(), to: &row.pointee.tax, index, 1)
            days.add(try decoder.wide(), to: &row.pointee.shipping, index, 2)
            days.add(try decoder.wide(), to: &row.pointee.items, index, 3)
        }
        for _ in 0..<(try decoder.count()) {
            let raw = try decoder.wide()
            totals.add(raw, try decoder.tally())
        }
        for _ in 0..<(try decoder.count()) {
            let row = HighRow(
                customer: try decoder.int(), time: try decoder.time(), total: try decoder.wide())
            guard row.customer >= 0, row.customer < customers.count else {
                throw decoder.damaged("a customer is missing")
            }
            high.append(row)
        }
        for _ in 0..<(try decoder.count()) {
            highest.offer(
                HighValue(
                    transaction: try decoder.text(), customer: try decoder.text(), time: try decoder.time(),
                    total: try decoder.wide()))
        }
        try quantities.decode(from: &decoder)
        try lines.decode(from: &decoder)
        try subtotals.decode(from: &decoder)
        try taxes.decode(from: &decoder)
        try sums.decode(from: &decoder)
    }

    private func decodeCustomer(_ decoder: inout PartialDecoder) throws(SluiceError) {
        let index = try decoder.bytes { customers.row($0) }
        let row = customers.at(index)
        row.pointee.valid = try decoder.tally()
        row.pointee.orders = try decoder.tally()
        customers.add(try decoder.wide(), to: &row.pointee.all, index, 0)
        customers.add(try decoder.wide(), to: &row.pointee.spent, index, 1)
        row.pointee.first = try decoder.time()
        row.pointee.last = try decoder.time()
        row.pointee.firstOrder = try decoder.time()
        row.pointee.lastOrder = try decoder.time()
        row.pointee.nameTime = try decoder.time()
        if try decoder.int() != 0 { try decoder.bytes { texts.set(&row.pointee.name, $0) } }
    }

    private func decodeProduct(_ decoder: inout PartialDecoder) throws(SluiceError) {
        let index = try decoder.bytes { products.row($0) }
        let row = products.at(index)
        row.pointee.orders = try decoder.tally()
        products.add(try decoder.wide(), to: &row.pointee.units, index, 0)
        products.add(try decoder.wide(), to: &row.pointee.revenue, index, 1)
        row.pointee.time = try decoder.time()
        if try decoder.int() != 0 { try decoder.bytes { texts.set(&row.pointee.name, $0) } }
        if try decoder.int() != 0 { try decoder.bytes { texts.set(&row.pointee.category, $0) } }
    }
}

extension Findings {
    func encode(to encoder: PartialEncoder) {
        encoder.int(count)
        encoder.list(list.elements) { finding in
            encoder.wide(finding.rank)
            encoder.int(Int(finding.time))
            encoder.text(finding.transaction)
            encoder.int(finding.line ?? -1)
            encoder.optional(finding.product) { encoder.text($0) }
            encoder.wide(finding.expected)
            encoder.wide(finding.found)
        }
    }

    mutating func decode(from decoder: inout PartialDecoder) throws(SluiceError) {
        count = try decoder.tally()
        for _ in 0..<(try decoder.count()) {
            var finding = Finding(
                rank: try decoder.wide(), time: try decoder.time(), transaction: try decoder.text())
            let line = try decoder.int()
            finding.line = line < 0 ? nil : line
            finding.product = try decoder.optional { decoder throws(SluiceError) in try decoder.text() }
            finding.expected = try decoder.wide()
            finding.found = try decoder.wide()
            offer(finding)
        }
    }
}
