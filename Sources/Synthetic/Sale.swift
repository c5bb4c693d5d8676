/// Who a customer is, which follows from the number alone: the same customer is the same person in every batch.
struct Customer {
    /// The numbers that customers have.
    static let numbers = 10_000...99_999

    /// Digits of the customer's id.
    var number = 0
    /// Which of the catalogue's countries.
    var country = 0
    /// Which of the country's states, where it has any.
    var state = 0
    /// Which of the country's first names.
    var firstName = 0
    /// Which of the country's last names.
    var lastName = 0
}

/// A line of a sale; amounts are cents.
struct SaleItem: BitwiseCopyable {
    var product = 0
    var quantity = 0
    var unitPrice = 0
    var discount = 0
    var subtotal = 0
}

/// A transaction before it is written; amounts are cents, so that everything adds up exactly.
struct Sale {
    static let mostItems = 5

    var idHigh: UInt64 = 0
    var idLow: UInt64 = 0
    /// Seconds since 1970.
    var second = 0
    var customer = Customer()
    var items = InlineArray<5, SaleItem>(repeating: SaleItem())
    var itemCount = 0
    var subtotal = 0
    var tax = 0
    var shipping = 0
    var total = 0
    var paymentMethod = 0
    var shippingMethod = 0
    var status = 0
    var isAnomaly = false
}

/// Draws sales: the distributions of docs/generate.md.
final class SaleSource: @unchecked Sendable {
    // `@unchecked Sendable` because the tables are filled in `init` and only read afterwards.

    private struct Land {
        var states = 0
        var firstNames = 0
        var lastNames = 0
    }

    /// Flat copies of what the catalogue says, since arrays of structs with arrays cost reference counts.
    private let prices: UnsafeMutablePointer<Int>
    private let productCount: Int
    private let lands: UnsafeMutablePointer<Land>
    private let landCount: Int
    /// For each of a hundred shares, the country that has it.
    private let landOfShare: UnsafeMutablePointer<Int>

    private let firstSecond: Int
    private let seconds: Int
    private let anomalyChances: UInt64

    /// The largest multiple that an anomaly has, and the limits that it keeps: one beyond those of the default rules of
    /// a report would be a broken record, and no anomaly.
    private static let mostQuantity = 100
    private static let mostSubtotal = 9_000_000

    /// Sales of the plan's days.
    init(_ plan: SalesPlan) {
        productCount = SalesCatalog.products.count
        prices = .allocate(capacity: productCount)
        prices.initialize(from: SalesCatalog.products.map(\.price), count: productCount)
        landCount = SalesCatalog.countries.count
        lands = .allocate(capacity: landCount)
        lands.initialize(
            from: SalesCatalog.countries.map { country in
                Land(
                    states: country.states.count, firstNames: country.firstNames.count,
                    lastNames: country.lastNames.count)
            }, count: landCount)
        landOfShare = .allocate(capacity: 100)
        let shares = SalesCatalog.countries.enumerated().flatMap { index, country in
            [Int](repeating: index, count: country.share)
        }
        precondition(shares.count == 100, "the shares of the countries do not add up")
        landOfShare.initialize(from: shares, count: 100)
        firstSecond = plan.firstSecond
        seconds = plan.days * 86_400
        anomalyChances = plan.chances(plan.anomalyRate)
    }

    deinit {
        prices.deallocate()
        lands.deallocate()
        landOfShare.deallocate()
    }

    /// The customer with this number.
    func customer(_ number: Int) -> Customer {
        let bits = Randomness.mixed(UInt64(truncatingIfNeeded: number) &* 0x9e37_79b9_7f4a_7c15)
        func pick(_ place: UInt64, _ count: Int) -> Int {
            Int(truncatingIfNeeded: (((bits &>> (place &* 16)) & 0xffff) &* UInt64(truncatingIfNeeded: count)) &>> 16)
        }
        let country = landOfShare[pick(0, 100)]
        let land = lands[country]
        return Customer(
            number: number, country: country, state: pick(1, land.states), firstName: pick(2, land.firstNames),
            lastName: pick(3, land.lastNames))
    }

    /// Draws the next sale. The number of draws depends on the number of items only, so that rates change the records
    /// that they concern and no others.
    func draw(_ sale: inout Sale, from random: inout Randomness) {
        sale.idHigh = (random.next() & ~0xf000) | 0x4000
        sale.idLow = (random.next() &>> 2) | 0x8000_0000_0000_0000
        sale.second = firstSecond &+ random.below(seconds)
        sale.customer = customer(Customer.numbers.lowerBound &+ random.below(Customer.numbers.count))

        let shares = random.next()
        func percent(_ place: UInt64) -> Int {
            Int(truncatingIfNeeded: (((shares &>> (place &* 16)) & 0xffff) &* 100) &>> 16)
        }
        sale.status = percent(0) < 60 ? 0 : percent(0) < 80 ? 1 : 2
        sale.paymentMethod = percent(1) < 45 ? 0 : percent(1) < 70 ? 1 : percent(1) < 85 ? 2 : percent(1) < 95 ? 3 : 4
        sale.shippingMethod = sale.customer.country > 0 ? 3 : percent(2) < 60 ? 0 : percent(2) < 85 ? 1 : 2
        sale.itemCount = 1 &+ random.below(Sale.mostItems)
        for index in 0..<sale.itemCount { sale.items[index] = item(&random) }

        sale.isAnomaly = random.happens(anomalyChances)
        let factor = 10 &+ random.below(41)
        let multipliesPrices = random.next() & 1 == 0
        if sale.isAnomaly { exaggerate(&sale, factor, prices: multipliesPrices) }
        price(&sale)
    }

    private func item(_ random: inout Randomness) -> SaleItem {
        var item = SaleItem()
        item.product = random.below(productCount)
        item.quantity = 1 &+ random.below(5)
        item.unitPrice = (prices[item.product] &* (8_000 &+ random.below(4_001)) &+ 5_000) / 10_000
        let chance = random.below(100)
        let share = 500 &+ random.below(2_501)
        // Kept as a share in ten thousand, until it is known what the line costs.
        item.discount = chance < 15 ? share : 0
        return item
    }

    /// Multiplies quantities or prices by `factor`, or what of it the limits leave, which is ten at least.
    private func exaggerate(_ sale: inout Sale, _ factor: Int, prices: Bool) {
        var highest = 1
        var sum = 0
        for index in 0..<sale.itemCount {
            highest = max(highest, sale.items[index].quantity)
            sum &+= sale.items[index].quantity &* sale.items[index].unitPrice
        }
        let factor = min(factor, prices ? SaleSource.mostSubtotal / max(sum, 1) : SaleSource.mostQuantity / highest)
        for index in 0..<sale.itemCount {
            if prices {
                sale.items[index].unitPrice &*= factor
            } else {
                sale.items[index].quantity &*= factor
            }
        }
    }

    private func price(_ sale: inout Sale) {
        sale.subtotal = 0
        for index in 0..<sale.itemCount {
            let full = sale.items[index].quantity &* sale.items[index].unitPrice
            sale.items[index].discount = (full &* sale.items[index].discount &+ 5_000) / 10_000
            sale.items[index].subtotal = full &- sale.items[index].discount
            sale.subtotal &+= sale.items[index].subtotal
        }
        sale.tax = (sale.subtotal &* 8 &+ 50) / 100
        sale.shipping =
            switch sale.shippingMethod {
            case 0: 599
            case 1: 1299
            case 2: 2499
            default: 3599
            }
        sale.total = sale.subtotal &+ sale.tax &+ sale.shipping
    }
}
