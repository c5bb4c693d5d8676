import Glibc
import Support

/// A run of bytes that is written often.
struct Piece: BitwiseCopyable {
    let start: UnsafePointer<UInt8>
    let count: Int
}

/// The bytes of pieces, kept as long as whoever writes them.
final class PieceStore {
    private var blocks: [UnsafeMutablePointer<UInt8>] = []
    private let isCompact: Bool

    /// A store whose pieces lose their white space when `isCompact`.
    init(isCompact: Bool) { self.isCompact = isCompact }

    deinit { for block in blocks { block.deallocate() } }

    /// A piece of JSON, as it is written with an indent of two.
    func piece(_ text: String) -> Piece { store(isCompact ? PieceStore.squeezed(text) : text) }

    /// A piece of a string, which is never changed.
    func verbatim(_ text: String) -> Piece { store(text) }

    private func store(_ text: String) -> Piece {
        let bytes = Array(text.utf8)
        let block = UnsafeMutablePointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        block.initialize(from: bytes, count: bytes.count)
        blocks.append(block)
        return Piece(start: block, count: bytes.count)
    }

    /// `text` without what pretty JSON has and compact JSON has not: line ends with the blanks behind them, and the blank
    /// behind a key.
    static func squeezed(_ text: String) -> String {
        var result = ""
        var isIndent = false
        for character in text {
            if character == "\n" { isIndent = true; continue }
            if isIndent, character == " " { continue }
            isIndent = false
            result.append(character)
        }
        return result.replacing("\": ", with: "\":")
    }
}

/// Writes sales as JSON. All that does not change from one to the next lies ready, so that most of the work is copying.
final class SaleWriter {
    /// The most bytes that a sale takes, the comma and line end around it included.
    static let mostBytes = 8192

    private let store: PieceStore
    private let opening, timestamp, customer, name, email, subtotal, tax, shipping, total, payment: Piece
    private let domain, unitPrice, discount, itemSubtotal, itemEnd, itemNext: Piece
    private let genuine, anomalous: Piece
    /// Everything of an item up to its quantity, by product.
    private let products: UnsafeMutablePointer<Piece>
    /// Everything between e-mail address and items, by country and state.
    private let places: UnsafeMutablePointer<Piece>
    private let firstNames, lastNames, firstAddresses, lastAddresses: UnsafeMutablePointer<Piece>
    private let payments, shippings: UnsafeMutablePointer<Piece>
    private let statuses: UnsafeMutablePointer<Piece>
    /// Two bytes for each of `00` … `99`, and for each of `00` … `ff`.
    private let decimal, hexadecimal: UnsafeMutablePointer<UInt16>
    /// How many entries a country has in the tables of states and names.
    private static let perCountry = 16

    /// A writer; a `document` has each sale indented, unless it is compact.
    init(isCompact: Bool) {
        let store = PieceStore(isCompact: isCompact)
        self.store = store
        let field = "\n      "
        opening = store.piece("{\(field)\"transaction_id\": \"")
        timestamp = store.piece("\",\(field)\"timestamp\": \"")
        customer = store.piece("Z\",\(field)\"customer\": {\(field)  \"customer_id\": \"CUST-")
        name = store.piece("\",\(field)  \"name\": \"")
        email = store.piece("\",\(field)  \"email\": \"")
        domain = store.verbatim("@example.com")
        unitPrice = store.piece(",\n          \"unit_price\": ")
        discount = store.piece(",\n          \"discount\": ")
        itemSubtotal = store.piece(",\n          \"subtotal\": ")
        itemEnd = store.piece("\n        }")
        itemNext = store.piece("\n        },\n        ")
        subtotal = store.piece("\(field)],\(field)\"subtotal\": ")
        tax = store.piece(",\(field)\"tax\": ")
        shipping = store.piece(",\(field)\"shipping_cost\": ")
        total = store.piece(",\(field)\"total\": ")
        payment = store.piece(",\(field)\"payment_method\": \"")
        genuine = store.piece("\",\(field)\"_is_synthetic_anomaly\": false\n    }")
        anomalous = store.piece("\",\(field)\"_is_synthetic_anomaly\": true\n    }")

        func table(_ pieces: [Piece]) -> UnsafeMutablePointer<Piece> {
            let table = UnsafeMutablePointer<Piece>.allocate(capacity: pieces.count)
            table.initialize(from: pieces, count: pieces.count)
            return table
        }
        /// A table with room for `perCountry` entries of each country.
        func table(_ entries: (SalesCatalog.Country) -> [Piece]) -> UnsafeMutablePointer<Piece> {
            let none = store.verbatim("")
            return table(
                SalesCatalog.countries.flatMap { country in
                    let found = entries(country)
                    precondition(found.count <= SaleWriter.perCountry, "\(country.name) has too many entries")
                    return found + Array(repeating: none, count: SaleWriter.perCountry - found.count)
                })
        }
        products = table(
            SalesCatalog.products.map { product in
                store.piece(
                    "{\(field)    \"product_id\": \"\(product.id)\",\(field)    \"product_name\": \"\(product.name)\","
                        + "\(field)    \"category\": \"\(product.category)\",\(field)    \"quantity\": ")
            })
        places = table { country in
            (country.states.isEmpty ? ["null"] : country.states.map { "\"\($0)\"" }).map { state in
                store.piece(
                    "\",\(field)  \"country\": \"\(country.name)\",\(field)  \"state\": \(state)"
                        + "\(field)},\(field)\"line_items\": [\n        ")
            }
        }
        firstNames = table { country in country.firstNames.map { store.verbatim($0.text + " ") } }
        lastNames = table { country in country.lastNames.map { store.verbatim($0.text) } }
        firstAddresses = table { country in country.firstNames.map { store.verbatim($0.address + ".") } }
        lastAddresses = table { country in country.lastNames.map { store.verbatim($0.address) } }
        payments = table(
            SalesCatalog.paymentMethods.map { store.piece("\($0)\",\(field)\"shipping_method\": \"") })
        shippings = table(SalesCatalog.shippingMethods.map { store.piece("\($0.name)\",\(field)\"status\": \"") })
        statuses = table(SalesCatalog.statuses.map { store.verbatim($0) })

        func pairs(_ digits: String) -> UnsafeMutablePointer<UInt16> {
            let digits = Array(digits.utf8)
            let table = UnsafeMutablePointer<UInt16>.allocate(capacity: digits.count * digits.count)
            for (index, first) in digits.enumerated() {
                for (offset, second) in digits.enumerated() {
                    // The first digit is the first byte in memory, whatever the machine's order.
                    let pair = UInt16(littleEndian: UInt16(first) | UInt16(second) << 8)
                    (table + index * digits.count + offset).initialize(to: pair)
                }
            }
            return table
        }
        decimal = pairs("0123456789")
        hexadecimal = pairs("0123456789abcdef")
    }

    deinit {
        for table in [
            products, places, firstNames, lastNames, firstAddresses, lastAddresses, payments, shippings, statuses,
        ] { table.deallocate() }
        decimal.deallocate()
        hexadecimal.deallocate()
    }

    /// Writes `sale` to `start`, which has room for `mostBytes`, and returns where it ends.
    func write(_ sale: borrowing Sale, to start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        var cursor = start
        put(opening, &cursor)
        putID(sale.idHigh, sale.idLow, &cursor)
        put(timestamp, &cursor)
        putTime(sale.second, &cursor)
        put(customer, &cursor)
        putCustomer(sale.customer, &cursor)
        for index in 0..<sale.itemCount {
            if index > 0 { put(itemNext, &cursor) }
            let item = sale.items[index]
            put(products[item.product], &cursor)
            putNumber(item.quantity, &cursor)
            put(unitPrice, &cursor)
            putMoney(item.unitPrice, &cursor)
            put(discount, &cursor)
            putMoney(item.discount, &cursor)
            put(itemSubtotal, &cursor)
            putMoney(item.subtotal, &cursor)
        }
        put(itemEnd, &cursor)
        put(subtotal, &cursor)
        putMoney(sale.subtotal, &cursor)
        put(tax, &cursor)
        putMoney(sale.tax, &cursor)
        put(shipping, &cursor)
        putMoney(sale.shipping, &cursor)
        put(total, &cursor)
        putMoney(sale.total, &cursor)
        put(payment, &cursor)
        put(payments[sale.paymentMethod], &cursor)
        put(shippings[sale.shippingMethod], &cursor)
        put(statuses[sale.status], &cursor)
        put(sale.isAnomaly ? anomalous : genuine, &cursor)
        return cursor
    }

    // MARK: - Parts of a sale

    @inline(__always) private func putCustomer(_ customer: Customer, _ cursor: inout UnsafeMutablePointer<UInt8>) {
        let first = customer.country &* SaleWriter.perCountry &+ customer.firstName
        let last = customer.country &* SaleWriter.perCountry &+ customer.lastName
        let digits = cursor
        put(byte: UInt8(truncatingIfNeeded: 48 &+ customer.number / 10_000), &cursor)
        putPair(customer.number / 100 % 100, &cursor)
        putPair(customer.number % 100, &cursor)
        put(name, &cursor)
        put(firstNames[first], &cursor)
        put(lastNames[last], &cursor)
        put(email, &cursor)
        put(firstAddresses[first], &cursor)
        put(lastAddresses[last], &cursor)
        // The number keeps the addresses of people of the same name apart.
        put(byte: UInt8(ascii: "."), &cursor)
        put(Piece(start: UnsafePointer(digits), count: 5), &cursor)
        put(domain, &cursor)
        put(places[customer.country &* SaleWriter.perCountry &+ customer.state], &cursor)
    }

    @inline(__always) private func putID(_ high: UInt64, _ low: UInt64, _ cursor: inout UnsafeMutablePointer<UInt8>) {
        for index in 0..<16 {
            let half = index < 8 ? high : low
            let byte = Int(truncatingIfNeeded: (half &>> (56 &- UInt64(index & 7) &* 8)) & 0xff)
            if index == 4 || index == 6 || index == 8 || index == 10 { put(byte: UInt8(ascii: "-"), &cursor) }
            put(pair: hexadecimal[byte], &cursor)
        }
    }

    /// `2025-01-31T14:23:45`
    @inline(__always) private func putTime(_ second: Int, _ cursor: inout UnsafeMutablePointer<UInt8>) {
        // Rounded down, for days before 1970.
        let number = second >= 0 ? second / 86_400 : (second &- 86_399) / 86_400
        let rest = second &- number &* 86_400
        let (year, month, day) = CalendarDay(number: number).civil
        putPair(year / 100, &cursor)
        putPair(year % 100, &cursor)
        put(byte: UInt8(ascii: "-"), &cursor)
        putPair(month, &cursor)
        put(byte: UInt8(ascii: "-"), &cursor)
        putPair(day, &cursor)
        put(byte: UInt8(ascii: "T"), &cursor)
        putPair(rest / 3600, &cursor)
        put(byte: UInt8(ascii: ":"), &cursor)
        putPair(rest / 60 % 60, &cursor)
        put(byte: UInt8(ascii: ":"), &cursor)
        putPair(rest % 60, &cursor)
    }

    // MARK: - Bytes

    @inline(__always) private func put(_ piece: Piece, _ cursor: inout UnsafeMutablePointer<UInt8>) {
        memcpy(cursor, piece.start, piece.count)
        cursor += piece.count
    }

    @inline(__always) private func put(byte: UInt8, _ cursor: inout UnsafeMutablePointer<UInt8>) {
        cursor.pointee = byte
        cursor += 1
    }

    @inline(__always) private func put(pair: UInt16, _ cursor: inout UnsafeMutablePointer<UInt8>) {
        UnsafeMutableRawPointer(cursor).storeBytes(of: pair, as: UInt16.self)
        cursor += 2
    }

    @inline(__always) private func putPair(_ number: Int, _ cursor: inout UnsafeMutablePointer<UInt8>) {
        put(pair: decimal[number], &cursor)
    }

    /// A number from 0 on, without zeros in front.
    @inline(__always) private func putNumber(_ number: Int, _ cursor: inout UnsafeMutablePointer<UInt8>) {
        if number < 10 {
            put(byte: UInt8(truncatingIfNeeded: 48 &+ number), &cursor)
        } else if number < 100 {
            putPair(number, &cursor)
        } else {
            putLarge(number, &cursor)
        }
    }

    private func putLarge(_ number: Int, _ cursor: inout UnsafeMutablePointer<UInt8>) {
        let rest = number / 100
        if rest < 10 {
            put(byte: UInt8(truncatingIfNeeded: 48 &+ rest), &cursor)
        } else if rest < 100 {
            putPair(rest, &cursor)
        } else {
            putLarge(rest, &cursor)
        }
        putPair(number % 100, &cursor)
    }

    /// Cents as `12.34`.
    @inline(__always) private func putMoney(_ cents: Int, _ cursor: inout UnsafeMutablePointer<UInt8>) {
        putNumber(cents / 100, &cursor)
        put(byte: UInt8(ascii: "."), &cursor)
        putPair(cents % 100, &cursor)
    }
}
