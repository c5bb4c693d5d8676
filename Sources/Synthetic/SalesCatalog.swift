/// What is sold, and to whom: the same in every batch, whatever its seed.
enum SalesCatalog {
    struct Product {
        let id: String
        let name: String
        let category: String
        /// What it costs before it varies, in cents.
        let price: Int
    }

    static let products = [
        Product(id: "PROD-1001", name: "Wireless Headphones", category: "Electronics", price: 7999),
        Product(id: "PROD-1002", name: "USB-C Cable", category: "Electronics", price: 1299),
        Product(id: "PROD-2001", name: "Mechanical Keyboard", category: "Electronics", price: 12999),
        Product(id: "PROD-3001", name: "Laptop Stand", category: "Office", price: 4500),
        Product(id: "PROD-3002", name: "Ergonomic Mouse", category: "Electronics", price: 5999),
        Product(id: "PROD-3003", name: "Desk Lamp", category: "Office", price: 3999),
        Product(id: "PROD-4001", name: "Running Shoes", category: "Sports", price: 8999),
        Product(id: "PROD-4002", name: "Yoga Mat", category: "Sports", price: 2999),
        Product(id: "PROD-5001", name: "Coffee Maker", category: "Kitchen", price: 14999),
        Product(id: "PROD-5002", name: "Chef's Knife", category: "Kitchen", price: 6450),
        Product(id: "PROD-6001", name: "Cotton T-Shirt", category: "Clothing", price: 1999),
        Product(id: "PROD-6002", name: "Rain Jacket", category: "Clothing", price: 11900),
        Product(id: "PROD-7001", name: "Crème Brûlée at Home", category: "Books", price: 3495),
        Product(id: "PROD-7002", name: "Data by Hand", category: "Books", price: 4200),
        Product(id: "PROD-8001", name: "Wooden Train Set", category: "Toys", price: 3450),
    ]

    struct Country {
        let name: String
        /// The states that an address there names; none where addresses have no state.
        let states: [String]
        /// How many customers of a hundred live there.
        let share: Int
        let firstNames: [Name]
        let lastNames: [Name]
    }

    /// A name, and how an e-mail address writes it.
    struct Name: ExpressibleByStringLiteral {
        let text: String
        let address: String

        /// `Jürgen/juergen`, or a name whose letters do for an address.
        init(stringLiteral literal: String) {
            let parts = literal.split(separator: "/")
            text = parts.first.map(String.init) ?? ""
            address = parts.count > 1 ? String(parts[1]) : text.lowercased()
        }
    }

    private static let englishFirst: [Name] = [
        "John", "Mary", "David", "Sarah", "Michael", "Emma", "James", "Olivia", "Robert", "Sophia", "Daniel", "Grace",
        "Thomas", "Alice", "Samuel", "Zoë/zoe",
    ]
    private static let englishLast: [Name] = [
        "Smith", "Johnson", "Williams", "Brown", "Jones", "Miller", "Davis", "Wilson", "Taylor", "Clark", "Walker",
        "O'Neill/oneill", "Baker", "Green", "Turner", "Cooper",
    ]

    static let countries = [
        Country(
            name: "USA", states: ["CA", "NY", "TX", "FL", "IL", "WA", "PA", "OH", "GA", "MA", "CO", "OR"], share: 60,
            firstNames: englishFirst, lastNames: englishLast),
        Country(name: "Canada", states: [], share: 10, firstNames: englishFirst, lastNames: englishLast),
        Country(name: "United Kingdom", states: [], share: 10, firstNames: englishFirst, lastNames: englishLast),
        Country(
            name: "Germany", states: [], share: 8,
            firstNames: [
                "Anna", "Lukas", "Jürgen/juergen", "Käthe/kaethe", "Felix", "Clara", "Jonas", "Sören/soeren",
            ],
            lastNames: [
                "Müller/mueller", "Schmidt", "Weber", "Köhler/koehler", "Wagner", "Groß/gross", "Becker", "Vogel",
            ]),
        Country(
            name: "France", states: [], share: 7,
            firstNames: [
                "Camille", "Louis", "Chloé/chloe", "Hugo", "Inès/ines", "Rémi/remi", "Manon", "François/francois",
            ],
            lastNames: [
                "Martin", "Bernard", "Lefèvre/lefevre", "Moreau", "Noël/noel", "Girard", "Béranger/beranger", "Roux",
            ]),
        Country(
            name: "Japan", states: [], share: 5,
            firstNames: ["Yuki", "Haruto", "Sakura", "Ren", "葵/aoi", "Hana", "Sota", "美咲/misaki"],
            lastNames: ["Sato", "Suzuki", "Tanaka", "田中/tanaka", "Ito", "Yamamoto", "Kobayashi", "加藤/kato"]),
    ]

    static let paymentMethods = ["Credit Card", "PayPal", "Debit Card", "Apple Pay", "Bank Transfer"]

    /// A way of delivery and its price in cents. Within the USA it is one of the first three, elsewhere the last.
    static let shippingMethods = [
        (name: "Standard", cents: 599), (name: "Express", cents: 1299), (name: "Next Day", cents: 2499),
        (name: "International", cents: 3599),
    ]

    static let statuses = ["completed", "pending", "cancelled"]
}
