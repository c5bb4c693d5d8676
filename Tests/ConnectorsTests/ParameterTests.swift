import Support
import Testing

@testable import Connectors

/// Parameters of queries: found where they are meant, and bound so that no value leaves its literal.
struct ParameterTests {
    @Test(arguments: [
        ("SELECT :a", "SELECT ('1')"), ("SELECT :a::int", "SELECT ('1')::int"), ("SELECT x:::a", "SELECT x::('1')"),
        ("SELECT ':a', \":a\", :a", "SELECT ':a', \":a\", ('1')"),
        ("SELECT 'it''s :a', :a", "SELECT 'it''s :a', ('1')"),
        ("SELECT E'\\':a', :a", "SELECT E'\\':a', ('1')"), ("SELECT E'''\\':a', :a", "SELECT E'''\\':a', ('1')"),
        ("SELECT 'a\\', :a", "SELECT 'a\\', ('1')"), ("SELECT $$:a$$, :a", "SELECT $$:a$$, ('1')"),
        ("SELECT $q$ $$ :a $q$, :a", "SELECT $q$ $$ :a $q$, ('1')"), ("-- :a\nSELECT :a", "-- :a\nSELECT ('1')"),
        ("/* :a /* :a */ :a */ SELECT :a", "/* :a /* :a */ :a */ SELECT ('1')"),
        ("SELECT x[1:b], :a", "SELECT x[1:b], ('1')"), ("SELECT x[1:a], :a", "SELECT x[1:a], ('1')"),
        ("SELECT x[:a]", "SELECT x[('1')]"), ("SELECT x[1: :a]", "SELECT x[1: ('1')]"),
        ("SELECT :a; ; -- ;", "SELECT ('1')    -- ;"),
        ("SELECT :a; SELECT 2;", "SELECT ('1'); SELECT 2 "), ("SELECT ';', :a", "SELECT ';', ('1')"),
        ("SELECT f(x := :a)", "SELECT f(x := ('1'))"), ("SELECT :a+:a", "SELECT ('1')+('1')"),
        ("SELECT a$1$:a$1$, :a", "SELECT a$1$('1')$1$, ('1')"),
    ])
    func parametersAreFoundWhereTheyAreMeant(_ sql: String, _ expected: String) throws {
        let bound = try SQLParameters.bind(["a": "1"], into: sql)
        #expect(bound == expected)
    }

    @Test(arguments: [
        ("it's", "'it''s'"), ("a\\'b", " E'a\\\\''b'"), ("'; DROP TABLE x; --", "'''; DROP TABLE x; --'"), ("", "''"),
        ("'\u{301}", "'''\u{301}'"),
    ])
    func aValueStaysALiteral(_ value: String, _ expected: String) throws {
        #expect(try SQLParameters.literal(value) == expected)
    }

    @Test func whatIsMissingOrTooMuchIsTold() {
        let missing = #expect(throws: SluiceError.self) { try SQLParameters.bind(["since": "1"], into: "SELECT :sinc") }
        #expect(missing?.hint == "Did you mean :since?")
        let unused = #expect(throws: SluiceError.self) {
            try SQLParameters.bind(["since": "1", "sinse": "2"], into: "SELECT :since")
        }
        #expect(unused?.message.contains(":sinse") == true)
        #expect(throws: SluiceError.self) { try SQLParameters.bind(["a": "x\0y"], into: "SELECT :a") }
    }

    @Test(arguments: ["SELECT 'x", "SELECT $$x", "/* x", "SELECT \"x", ":", "'", "$", "[:", "E'\\"])
    func brokenTextEndsSomehow(_ sql: String) throws { #expect(try SQLParameters.bind([:], into: sql) == sql) }
}
