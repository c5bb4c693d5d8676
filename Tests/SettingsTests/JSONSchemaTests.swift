import Settings
import Support
import Testing

@Suite struct JSONSchemaTests {
    private let server = ObjectShape(
        "server",
        keys: [
            KeyShape("port", .integer(1...9), "Its port", standard: "5"), KeyShape("on", .boolean, "Whether it is on"),
        ])

    private func schema(_ shape: Shape) -> String { shape.jsonSchema(title: "T", description: "D").text() }

    @Test func everyKeyCarriesWhatAnEditorShows() {
        let text = schema(.object(server))
        #expect(text.hasPrefix(#"{"$schema":"http://json-schema.org/draft-07/schema#","title":"T","description":"D""#))
        #expect(
            text.contains(
                #""port":{"description":"Its port","default":5,"anyOf":[{"type":"integer","minimum":1,"maximum":9}"#))
        #expect(text.contains(#""additionalProperties":false"#))
    }

    /// Editors insert defaults.
    @Test func aDefaultThatIsNoValueIsToldInWords() {
        let text = schema(
            .object(ObjectShape("server", keys: [KeyShape("user", .text, "Who logs in", standard: "who asks")])))
        #expect(text.contains(#""user":{"description":"Who logs in. Default: who asks","type":"#))
    }

    @Test func aReferenceMayStandForANumber() {
        #expect(schema(.object(server)).contains(#"{"type":"string","pattern":"^[+-]?[0-9]+$|\\$\\{"}"#))
        #expect(schema(.object(server)).contains(#"{"type":"string","pattern":"^(true|false)$|\\$\\{"}"#))
    }

    @Test func anObjectIsDefinedOnceHoweverOftenItIsUsed() {
        let house = ObjectShape(
            "house",
            keys: [
                KeyShape("one", .textOr(server), "One"), KeyShape("all", .map(.object(server), of: "servers"), "All"),
            ])
        let text = schema(.object(house))
        #expect(text.split(separator: "\"$ref\":\"#/definitions/server\"").count == 3)
        #expect(text.split(separator: "\"Its port\"").count == 2)
    }

    /// Two objects may be called the same and be different.
    @Test func objectsOfOneTitleStayApart() {
        let other = ObjectShape("server", keys: [KeyShape("name", .text, "Its name")])
        let text = schema(
            .object(
                ObjectShape(
                    "house", keys: [KeyShape("a", .object(server), "A"), KeyShape("b", .object(other), "B")])))
        #expect(text.contains("#/definitions/server\""))
        #expect(text.contains("#/definitions/server-2\""))
    }

    @Test func keysOfAVariantHoldWhereItsWordIsWritten() {
        let shape = ObjectShape(
            "source", keys: [KeyShape("note", .text, "A note")],
            variants: .init(
                by: "protocol", summary: "Which",
                cases: [("file", [KeyShape("path", .text, "Where", required: true)]), ("none", [])]))
        let text = schema(.object(shape))
        #expect(text.contains(#""required":["protocol"],"allOf":["#))
        #expect(
            text.contains(
                #"{"if":{"properties":{"protocol":{"const":"file"}},"required":["protocol"]},"then":{"properties":{"protocol":true,"note":true,"path":"#
            ))
        #expect(text.contains(#""required":["path"],"additionalProperties":false}"#))
    }
}
