/// The files of a project that begins: a job or two that run at once on data that comes with them.
enum Scaffold {
    /// Where the schema for editors lies.
    static let schemaFile = ".sluice/schema.json"

    /// The files by path, in the order in which they are told.
    static func files(project: String) -> [(path: String, text: String)] {
        [
            ("sluice.yaml", settings(project)), ("data/orders-1.csv", orders), ("data/customers.ndjson", customers),
        ]
    }

    /// What has no place in a repository: data, local state, secrets.
    static let ignored = ["lake/", ".sluice/", ".env", "*.db", "*.db-shm", "*.db-wal"]

    private static func settings(_ project: String) -> String {
        """
        # yaml-language-server: $schema=\(schemaFile)
        project: \(project)
        connections:
          inbox: { protocol: file, path: ./data }
        jobs:
          orders: # each file is loaded once; an order that is there already is updated
            kind: ingest
            from: inbox
            files: orders-*.csv
            mode: merge
            key: order_id
          customers: { kind: ingest, from: inbox, files: customers.ndjson, mode: merge, key: id }

        """
    }

    private static let orders = """
        order_id,customer_id,placed_at,amount,note
        1001,1,2026-01-03T09:15:00Z,49.90,
        1002,2,2026-01-04T17:40:12Z,120.00,"gift, wrap it"
        1003,1,2026-01-09T08:05:59Z,7.25,
        1004,3,2026-02-01T12:00:00Z,310.00,call first

        """

    private static let customers = """
        {"id": 1, "name": "Ada Lovelace", "country": "GB", "since": "2024-05-01"}
        {"id": 2, "name": "李雷", "country": "CN", "since": "2025-11-20"}
        {"id": 3, "name": "Grace Hopper", "country": "US", "since": "2026-01-31", "vip": true}

        """

    /// A project's name from its folder's: what others can use in names of their own.
    static func projectName(_ folder: String) -> String {
        let base = folder.split(separator: "/").last.map(String.init) ?? ""
        var name = ""
        for letter in base.lowercased() {
            if letter.isASCII, letter.isLetter || letter.isNumber { name.append(letter) } else { name.append("-") }
        }
        let trimmed = name.split(separator: "-").joined(separator: "-")
        // A name of digits only would be a number to other readers of YAML, and "true" no text.
        guard let first = trimmed.first, first.isLetter,
            !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(trimmed)
        else { return trimmed.isEmpty ? "shop" : "project-\(trimmed)" }
        return trimmed
    }
}
