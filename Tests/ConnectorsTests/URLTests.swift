import Settings
import Support
import Testing

@testable import Connectors

/// A URL taken apart, against what it stands for.
struct URLTests {
    @Test(arguments: [
        (
            "postgres://reader:pw@db.example:5433/shop",
            ["username": "reader", "password": "pw", "host": "db.example", "port": "5433", "path": "/shop"]
        ),
        (
            "POSTGRES://u:p%40ss%3Aw%2Frd%23%25%3F@h/d",
            ["username": "u", "password": "p@ss:w/rd#%?", "host": "h", "path": "/d"]
        ),
        // The last '@' ends the password, and only the first ':' begins it.
        ("postgres://u:a@b:c@h/d", ["username": "u", "password": "a@b:c", "host": "h", "path": "/d"]),
        ("postgres://[::1]:5432/d", ["host": "::1", "port": "5432", "path": "/d"]),
        ("postgres://u@[fe80::1%25eth0]/d", ["username": "u", "host": "fe80::1%eth0", "path": "/d"]),
        ("postgres:///d?host=%2Fvar%2Frun", ["path": "/d", "?host": "/var/run"]),
        (
            "postgres://h/d%20b?sslmode=require&schema=a%26b",
            [
                "host": "h", "path": "/d b", "?sslmode": "require", "?schema": "a&b",
            ]
        ),
        ("postgres://h", ["host": "h"]), ("postgres://h:/d", ["host": "h", "path": "/d"]),
        ("sqlite:shop.db", ["path": "shop.db"]), ("sqlite:///var/shop.db", ["path": "/var/shop.db"]),
        ("sqlite:/var/shop.db", ["path": "/var/shop.db"]), ("sqlite:a%20b.db", ["path": "a b.db"]),
        ("file:data/in", ["path": "data/in"]), ("file:///data/in", ["path": "/data/in"]),
        ("./data/50%.csv", ["path": "./data/50%.csv"]), ("data/*.csv", ["path": "data/*.csv"]),
        ("postgres://ü%C3%BC@h/d", ["username": "üü", "host": "h", "path": "/d"]),
    ])
    func aURLIsTakenApart(_ text: String, _ expected: [String: String]) throws {
        let url = try ConnectionURL(Scalar(text))
        var found: [String: String] = [:]
        found["username"] = url.username?.literal
        found["password"] = url.password?.literal
        found["host"] = url.host?.literal
        found["port"] = url.port?.literal
        found["path"] = url.path?.literal
        for (name, value) in url.query { found["?" + name] = value.literal }
        #expect(found == expected)
    }

    @Test(arguments: [
        "postgres://u:p%zz@h/d", "postgres://u:p%4@h/d", "postgres://u:%ff@h/d", "postgres://u:a%00b@h/d",
        "postgres://[::1/d", "postgres://[::1]x/d", "postgres://h1,h2/d", "postgres://h/d?a", "postgres://h/d?a=1&a=2",
        "postgres://u:hunter77#x@h/d", "postgres://u:hunter77/x@h/d", "postgres://u:hunter77?x@h/d",
    ])
    func aMalformedURLIsRefusedWithoutShowingItsPassword(_ text: String) {
        let error = #expect(throws: SluiceError.self) { try ConnectionURL(Scalar(text)) }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.description.contains("hunter77") == false)
        #expect(error?.hint?.contains("hunter77") != true)
    }

    @Test func aSecretInAURLIsNeitherDecodedNorTakenApart() throws {
        let secret = SecretReference(name: "pw")
        let url = try ConnectionURL(
            Scalar(
                parts: [
                    .literal("postgres://u:x%20"), .secret(secret), .literal("@h/"),
                    .secret(SecretReference(name: "db")),
                ],
                isPlain: true))
        #expect(url.password?.parts == [.literal("x "), .secret(secret)])
        #expect(url.path?.parts == [.literal("/"), .secret(SecretReference(name: "db"))])
        #expect(url.host?.literal == "h")
    }

    @Test func noEncodedCharacterPassesForASecret() {
        #expect(throws: SluiceError.self) {
            try ConnectionURL(
                Scalar(
                    parts: [
                        .literal("postgres://%F4%80%80%80:"), .secret(SecretReference(name: "pw")), .literal("@h/d"),
                    ],
                    isPlain: true))
        }
    }
}
