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
        let count = 100_000
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
        draw(50_000, SalesPlan(anomalyRate: 0.3)) { sale in
            var sum = 0
            for index in 0..<sale.itemCount {
                let item = sale.items[index]
                #expect(item.subtotal == item.quantity * item.unitPrice - item.discount)
                sum += item.subtotal
            }
            #expect(sale.subtotal == sum)
            #expect(abs(sale.tax * 100 - sum * 8) <= 50)
            #expect([599, 1299, 2499, 3599].contains(sale.shipping))
            #expect(sale.total == sale.subtotal + sale.tax + sale.shipping)
        }
    }

    @Test func pricesAndDiscountsKeepTheirBounds() {
        var lowest = 1.0
        var highest = 1.0
        draw(50_000, SalesPlan(anomalyRate: 0)) { sale in
            for index in 0..<sale.itemCount {
                let item = sale.items[index]
                let ratio = Double(item.unitPrice) / Double(SalesCatalog.products[item.product].price)
                lowest = min(lowest, ratio)
                highest = max(highest, ratio)
                #expect(1...5 ~= item.quantity)
                let full = item.quantity * item.unitPrice
                if item.discount > 0 {
                    #expect(item.discount * 1000 >= full * 50 - 500 && item.discount * 1000 <= full * 300 + 500)
                }
            }
        }
        #expect(0.799...0.805 ~= lowest)
        #expect(1.195...1.201 ~= highest)
    }

    /// Anomalies are ten to fifty times as much, and stay within what a report's default rules let pass.
    @Test func anomaliesAreLargeAndValid() {
        var factors = Set<Int>()
        draw(50_000, SalesPlan(anomalyRate: 1)) { sale in
            #expect(sale.isAnomaly)
            #expect(sale.total <= 10_000_000)
            var highest = 0
            for index in 0..<sale.itemCount {
                let item = sale.items[index]
                #expect(item.quantity <= 100 && item.unitPrice <= 1_000_000)
                let ratio = item.unitPrice / SalesCatalog.products[item.product].price
                #expect(item.quantity >= 10 || ratio >= 7)
                highest = max(highest, item.quantity >= 10 ? item.quantity : 0)
                if item.quantity == 5 || item.quantity < 10 { factors.insert(ratio) }
            }
        }
        #expect(factors.contains { $0 >= 45 })
    }

    @Test func momentsAreSpreadOverTheDays() {
        let plan = SalesPlan(start: CalendarDay(year: 2024, month: 2, day: 20), days: 12)
        var perDay = [Int](repeating: 0, count: 12)
        draw(24_000, plan) { sale in perDay[(sale.second - plan.firstSecond) / 86_400] += 1 }
        for count in perDay { #expect(isAbout(count, of: 24_000, 1 / 12)) }
    }

    @Test func idsAreOfVersionFour() {
        var ids = Set<String>()
        draw(20_000) { sale in
            let id = Array(sale.id)
            ids.insert(sale.id)
            #expect(id.count == 36 && id[14] == "4" && "89ab".contains(id[19]))
            #expect([8, 13, 18, 23].allSatisfy { id[$0] == "-" })
        }
        #expect(ids.count == 20_000)
    }

    @Test func aCustomerIsAlwaysTheSamePerson() {
        let one = SaleSource(SalesPlan(seed: 1))
        let two = SaleSource(SalesPlan(seed: 2, start: CalendarDay(year: 1999, month: 1, day: 1)))
        var perCountry = [Int](repeating: 0, count: SalesCatalog.countries.count)
        for number in Customer.numbers {
            let person = one.customer(number)
            let again = two.customer(number)
            #expect(
                (person.country, person.state, person.firstName, person.lastName)
                    == (again.country, again.state, again.firstName, again.lastName))
            let country = SalesCatalog.countries[person.country]
            #expect(person.state < max(1, country.states.count))
            #expect(person.firstName < country.firstNames.count && person.lastName < country.lastNames.count)
            perCountry[person.country] += 1
        }
        for (count, country) in zip(perCountry, SalesCatalog.countries) {
            #expect(isAbout(count, of: Customer.numbers.count, Double(country.share) / 100))
        }
    }

    /// Delivery fits the address: what leaves the USA goes abroad.
    @Test func deliveryFitsTheCountry() {
        draw(10_000) { sale in
            let isHome = SalesCatalog.countries[sale.customer.country].name == "USA"
            #expect(isHome == (sale.shippingMethod < 3))
            #expect(sale.shipping == SalesCatalog.shippingMethods[sale.shippingMethod].cents)
        }
    }

    @Test(arguments: [0, 0.01, 0.5, 1])
    func ratesHold(rate: Double) {
        let count = 20_000
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
