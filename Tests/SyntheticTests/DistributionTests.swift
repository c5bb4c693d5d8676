import Testing

@testable import Synthetic

@Suite struct DistributionTests {
    /// Draws so many sales, and calls `body` with each.
    private func draw(_ count: Int, _ plan: SalesPlan = SalesPlan(), _ body: (Sale) -> Void) {
        let source = SaleSource(plan)
        var random = Randomness(seed: 11, stream: 0)
        var sale = Sale()
        for _ in 0..<count {
            source.draw(&sale, from: &random)
            body(sale)
        }
    }

    /// Whether `found` of `count` is what a share promises, give or take five standard deviations.
    private func isAbout(_ found: Int, of count: Int, _ share: Double) -> Bool {
        let deviation = (share * (1 - share) * Double(count)).squareRoot()
        return abs(Double(found) - share * Double(count)) <= 5 * deviation
    }

    @Test func sharesAreAsPromised() {
        let count = 30_000
        var statuses = [0, 0, 0]
        var sizes = [Int](repeating: 0, count: 6)
        var lines = 0
        var discounted = 0
        var anomalies = 0
        var products = Set<Int>()
        draw(count) { sale in
            statuses[sale.status] += 1
            sizes[sale.itemCount] += 1
            anomalies += sale.isAnomaly ? 1 : 0
            for index in 0..<sale.itemCount {
                lines += 1
                products.insert(sale.items[index].product)
                discounted += sale.items[index].discount > 0 ? 1 : 0
            }
        }
        #expect(isAbout(statuses[0], of: count, 0.6))
        #expect(isAbout(statuses[1], of: count, 0.2))
        #expect(isAbout(statuses[2], of: count, 0.2))
        #expect(sizes[0] == 0)
        for size in 1...5 { #expect(isAbout(sizes[size], of: count, 0.2)) }
        #expect(isAbout(discounted, of: lines, 0.15))
        #expect(isAbout(anomalies, of: count, 0.01))
        #expect(products.count == 15)
        #expect(Set(SalesCatalog.products.map(\.category)).count == 7)
    }

    @Test func amountsAddUpToTheCent() {
        // Counted, and expected once: an expectation for each of so many takes its time.
        var wrong = 0
        draw(20_000, SalesPlan(anomalyRate: 0.3)) { sale in
            var sum = 0
            var isRight = true
            for index in 0..<sale.itemCount {
                let item = sale.items[index]
                isRight = isRight && item.subtotal == item.quantity * item.unitPrice - item.discount
                sum += item.subtotal
            }
            isRight = isRight && sale.subtotal == sum && abs(sale.tax * 100 - sum * 8) <= 50
            isRight = isRight && [599, 1299, 2499, 3599].contains(sale.shipping)
            if !isRight || sale.total != sale.subtotal + sale.tax + sale.shipping { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test func pricesAndDiscountsKeepTheirBounds() {
        var lowest = 1.0
        var highest = 1.0
        var wrong = 0
        draw(20_000, SalesPlan(anomalyRate: 0)) { sale in
            for index in 0..<sale.itemCount {
                let item = sale.items[index]
                let ratio = Double(item.unitPrice) / Double(SalesCatalog.products[item.product].price)
                lowest = min(lowest, ratio)
                highest = max(highest, ratio)
                let full = item.quantity * item.unitPrice
                let isFair = full * 50 - 500...full * 300 + 500 ~= item.discount * 1000
                if !(1...5 ~= item.quantity) || (item.discount > 0 && !isFair) { wrong += 1 }
            }
        }
        #expect(wrong == 0)
        #expect(0.799...0.805 ~= lowest)
        #expect(1.195...1.201 ~= highest)
    }

    /// Anomalies are ten to fifty times as much, and stay within what a report's default rules let pass.
    @Test func anomaliesAreLargeAndValid() {
        var wrong = 0
        var factors = Set<Int>()
        var plain: [Sale] = []
        draw(20_000, SalesPlan(anomalyRate: 0)) { plain.append($0) }
        var next = plain.makeIterator()
        draw(20_000, SalesPlan(anomalyRate: 1)) { sale in
            guard let before = next.next() else { return }
            // What was drawn is the same, but for one factor, of all quantities or of all prices.
            let quantity = sale.items[0].quantity / before.items[0].quantity
            let price = sale.items[0].unitPrice / before.items[0].unitPrice
            factors.insert(max(quantity, price))
            var isRight = sale.isAnomaly && sale.total <= 10_000_000 && min(quantity, price) == 1
            isRight = isRight && 10...50 ~= max(quantity, price)
            for index in 0..<sale.itemCount {
                let (item, old) = (sale.items[index], before.items[index])
                isRight = isRight && item.quantity == old.quantity * quantity && item.quantity <= 100
                isRight = isRight && item.unitPrice == old.unitPrice * price && item.unitPrice <= 1_000_000
            }
            if !isRight { wrong += 1 }
        }
        #expect(wrong == 0)
        #expect(factors == Set(10...50))
    }

    @Test func momentsAreSpreadOverTheDays() {
        let plan = SalesPlan(start: CalendarDay(year: 2024, month: 2, day: 20), days: 12)
        var perDay = [Int](repeating: 0, count: 12)
        draw(24_000, plan) { sale in perDay[(sale.second - plan.firstSecond) / 86_400] += 1 }
        for count in perDay { #expect(isAbout(count, of: 24_000, 1 / 12)) }
    }

    @Test func idsAreOfVersionFour() {
        var ids = Set<String>()
        draw(2_000) { sale in
            let id = Array(sale.id)
            ids.insert(sale.id)
            #expect(id.count == 36 && id[14] == "4" && "89ab".contains(id[19]))
            #expect([8, 13, 18, 23].allSatisfy { id[$0] == "-" })
        }
        #expect(ids.count == 2_000)
    }

    @Test func aCustomerIsAlwaysTheSamePerson() {
        let one = SaleSource(SalesPlan(seed: 1))
        let two = SaleSource(SalesPlan(seed: 2, start: CalendarDay(year: 1999, month: 1, day: 1)))
        var wrong = 0
        var perCountry = [Int](repeating: 0, count: SalesCatalog.countries.count)
        for number in Customer.numbers {
            let person = one.customer(number)
            let again = two.customer(number)
            let country = SalesCatalog.countries[person.country]
            let isSame =
                (person.country, person.state, person.firstName, person.lastName)
                == (again.country, again.state, again.firstName, again.lastName)
            let isThere =
                person.state < max(1, country.states.count) && person.firstName < country.firstNames.count
                && person.lastName < country.lastNames.count
            if !isSame || !isThere { wrong += 1 }
            perCountry[person.country] += 1
        }
        #expect(wrong == 0)
        for (count, country) in zip(perCountry, SalesCatalog.countries) {
            #expect(isAbout(count, of: Customer.numbers.count, Double(country.share) / 100))
        }
    }

    /// Delivery fits the address: what leaves the USA goes abroad.
    @Test func deliveryFitsTheCountry() {
        draw(2_000) { sale in
            let isHome = SalesCatalog.countries[sale.customer.country].name == "USA"
            #expect(isHome == (sale.shippingMethod < 3))
            #expect(sale.shipping == SalesCatalog.shippingMethods[sale.shippingMethod].cents)
        }
    }

    @Test(arguments: [0, 0.01, 0.5, 1])
    func ratesHold(rate: Double) {
        let count = 4_000
        let batch = SalesBatch(SalesPlan(count: count, anomalyRate: 0, invalidRate: rate, layout: .ndjson), file: 0)
        while batch.next() != nil {}
        let broken = batch.faults.values.reduce(0, +)
        #expect(isAbout(broken, of: count, rate))
        if rate == 1 {
            #expect(batch.faults.count == SaleFault.allCases.count)
            for (_, found) in batch.faults {
                #expect(isAbout(found, of: count, 1 / Double(SaleFault.allCases.count)))
            }
        }
    }

    /// The published algorithm: its own reference numbers, from a state of 1, 2, 3, 4.
    @Test func theGeneratorIsTheOneThatItSays() {
        var random = Randomness(state: (1, 2, 3, 4))
        #expect(
            (0..<6).map { _ in random.next() } == [
                11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360, 607_988_272_756_665_600,
            ])
    }
}
