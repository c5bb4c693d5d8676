extension Tally {
    /// Adds all that `other` has counted.
    func merge(_ other: Tally) {
        mergeRows(other)
        totals.merge(other.totals)
        ids.merge(other.ids)
    }

    /// The same for several, on two threads: the ids beside the rest, up to what a report asks of them.
    func merge(_ others: [Tally]) async {
        async let rows: Void = mergeAllRows(others)
        for other in others {
            totals.merge(other.totals)
            ids.merge(other.ids)
        }
        ids.prepare(keptDuplicates)
        await rows
    }

    @concurrent private func mergeAllRows(_ others: [Tally]) async {
        for other in others { mergeRows(other) }
    }

    /// How many of the ids that occur most are told.
    var keptDuplicates: Int { max(Tally.kept, rules.caps.anomalies) }

    /// Adds all but totals and ids.
    private func mergeRows(_ other: Tally) {
        summary.valid += other.summary.valid
        summary.orders += other.summary.orders
        let buyers = mergeCustomers(other)
        mergeProducts(other)
        mergeTable(categories, other.categories) { mine, theirs, table, row in
            mine.pointee.lines += theirs.lines
            table.add(theirs.revenue, to: &mine.pointee.revenue, row, 0)
        }
        for (mine, theirs) in [(statuses, other.statuses), (payments, other.payments), (shippings, other.shippings)] {
            mergeTable(mine, theirs) { mine, theirs, table, row in
                mine.pointee.count += theirs.count
                table.add(theirs.total, to: &mine.pointee.total, row, 0)
            }
        }
        mergeTable(days, other.days) { mine, theirs, table, row in
            mine.pointee.orders += theirs.orders
            table.add(theirs.revenue, to: &mine.pointee.revenue, row, 0)
            table.add(theirs.tax, to: &mine.pointee.tax, row, 1)
            table.add(theirs.shipping, to: &mine.pointee.shipping, row, 2)
            table.add(theirs.items, to: &mine.pointee.items, row, 3)
        }
        for index in 0..<other.high.count {
            var row = other.high[index]
            row.customer = buyers[row.customer]
            high.append(row)
        }
        highest.merge(other.highest)
        quantities.merge(other.quantities)
        lines.merge(other.lines)
        subtotals.merge(other.subtotals)
        taxes.merge(other.taxes)
        sums.merge(other.sums)
    }

    /// Returns where each of the other's customers is among these.
    private func mergeCustomers(_ other: Tally) -> [Int] {
        var places = [Int]()
        let count = other.customers.count
        places.reserveCapacity(count)
        let hashes = Rows<UInt64>(room: count)
        for index in 0..<count { hashes.append(other.customers.key(index).hash) }
        for index in 0..<count {
            // As in sorting: what the customers ahead need is asked for now.
            if index &+ 8 < count { customers.fetchSlot(hashes[index &+ 8]) }
            if index &+ 4 < count { customers.fetchRow(hashes[index &+ 4]) }
            let row = customers.row(other.customers.key(index), hash: hashes[index])
            places.append(row)
            let theirs = other.customers[index]
            let mine = customers.at(row)
            mine.pointee.valid += theirs.valid
            mine.pointee.orders += theirs.orders
            customers.add(theirs.all, to: &mine.pointee.all, row, 0)
            customers.add(theirs.spent, to: &mine.pointee.spent, row, 1)
            mine.pointee.first = min(mine.pointee.first, theirs.first)
            mine.pointee.last = max(mine.pointee.last, theirs.last)
            mine.pointee.firstOrder = min(mine.pointee.firstOrder, theirs.firstOrder)
            mine.pointee.lastOrder = max(mine.pointee.lastOrder, theirs.lastOrder)
            guard let name = other.texts.bytes(theirs.name), theirs.nameTime >= mine.pointee.nameTime else { continue }
            if theirs.nameTime > mine.pointee.nameTime || texts.compare(name, mine.pointee.name) > 0 {
                texts.set(&mine.pointee.name, name)
            }
            mine.pointee.nameTime = theirs.nameTime
        }
        mergeWide(customers, other.customers)
        return places
    }

    private func mergeProducts(_ other: Tally) {
        for index in 0..<other.products.count {
            let row = products.row(other.products.key(index))
            let theirs = other.products[index]
            let mine = products.at(row)
            mine.pointee.orders += theirs.orders
            products.add(theirs.units, to: &mine.pointee.units, row, 0)
            products.add(theirs.revenue, to: &mine.pointee.revenue, row, 1)
            if theirs.time >= mine.pointee.time, let category = other.texts.bytes(theirs.category) {
                describe(mine, other.texts.bytes(theirs.name), category, theirs.time)
            }
        }
        mergeWide(products, other.products)
    }

    private func mergeTable<Row: BitwiseCopyable>(
        _ mine: KeyTable<Row>, _ theirs: KeyTable<Row>,
        _ add: (UnsafeMutablePointer<Row>, Row, KeyTable<Row>, Int) -> Void
    ) {
        for index in 0..<theirs.count {
            let row = mine.row(theirs.key(index))
            add(mine.at(row), theirs[index], mine, row)
        }
        mergeWide(mine, theirs)
    }

    private func mergeWide<Row: BitwiseCopyable>(_ mine: KeyTable<Row>, _ theirs: KeyTable<Row>) {
        for (key, raw) in theirs.wide { mine.addWide(raw, mine.row(theirs.key(key.row)), key.sum) }
    }
}
