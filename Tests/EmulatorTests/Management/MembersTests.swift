import Support
import Testing

@testable import Emulator

@Suite struct MembersTests {
    private let document: JSONText = ["Properties": ["a": ["b": 1, "c": nil]], "x": [1]]

    @Test func membersAreFoundWhateverTheirCase() {
        #expect(document.at("properties.A.B") == 1)
        #expect(document.at("properties.a.c") == nil && document.at("properties.z") == nil && document.at("x.y") == nil)
    }

    @Test func membersAreSetAndTakenAway() {
        #expect(document.setting("properties.a.b", nil).text() == #"{"Properties":{"a":{"c":null}},"x":[1]}"#)
        #expect(document.setting("properties.new.deep", 2).at("Properties.new.deep") == 2)
        #expect(document.setting("properties.no.such", nil).at("properties.a.b") == 1)
        #expect(document.setting("x", .null).text() == #"{"Properties":{"a":{"b":1,"c":null}},"x":null}"#)
    }

    @Test func patchesMerge() {
        let patch: JSONText = ["properties": ["A": ["b": nil, "d": [1, nil]]], "X": ["y": ["z": nil]]]
        #expect(document.merged(patch).text() == #"{"Properties":{"a":{"c":null,"d":[1,null]}},"x":{"y":{}}}"#)
    }
}
