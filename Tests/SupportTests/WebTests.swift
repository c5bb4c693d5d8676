import Support
import Testing

@Suite struct WebAddressTests {
    @Test func partsAreKeptAsTheyAreWritten() throws {
        let address = try WebAddress("HTTPS://Example.COM:8443/a%2Fb/c?x=1%202&sig=abc#part")
        #expect(address.scheme == "https" && address.host == "example.com" && address.port == 8443)
        #expect(address.path == "/a%2Fb/c")
        #expect(address.query == "x=1%202&sig=abc")
        #expect(address.origin == "https://example.com:8443")
        #expect(address.text == "https://example.com:8443/a%2Fb/c?x=1%202&sig=abc")
        #expect(address.queryItems.map(\.name) == ["x", "sig"] && address.queryItems.map(\.value) == ["1 2", "abc"])
    }

    @Test func whatIsShownHasNoSignature() throws {
        let address = try WebAddress("https://a.blob.core.windows.net/c/b?sp=r&sig=SECRET%2Bx&se=2030")
        #expect(address.description == "https://a.blob.core.windows.net/c/b?sp=r&sig=***&se=2030")
        #expect("\(address)".contains("SECRET") == false)
    }

    @Test(arguments: [
        "ftp://host/x", "host/x", "https://user:pass@host/", "https:///x", "https://host:0/", "https://host:99999/",
        "https://host:1x/", "https://ho st/", "https://host/ä", "https://host\\x", "https://host/a\nb", "",
    ])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(throws: SluiceError.self) { try WebAddress(text) }
    }

    @Test func anAddressOfSixteenBytesKeepsItsBrackets() throws {
        let address = try WebAddress("http://[::1]:10000")
        #expect(address.host == "[::1]" && address.port == 10_000 && address.path == "/")
        #expect(try WebAddress("http://[::1]/x").effectivePort == 80)
    }

    @Test func segmentsAndItemsAreEncoded() throws {
        let address = try WebAddress("https://h/base").appending(path: "ein ordner/50%.txt").with(query: [
            ("a b", "ü&="), ("none", nil), ("empty", ""),
        ])
        #expect(address.text == "https://h/base/ein%20ordner/50%25.txt?a%20b=%C3%BC%26%3D&empty=")
    }

    @Test(arguments: [
        ("https://other/x?y=1", "https://other/x?y=1"), ("//other/x", "https://other/x"), ("/x", "https://h:1/x"),
        ("?z", "https://h:1/a/b/c?z"), ("d", "https://h:1/a/b/d"), ("../d", "https://h:1/a/d"),
        ("../../../../d", "https://h:1/d"), ("./d/./e/..", "https://h:1/a/b/d/"),
        ("/back?to=https://x/", "https://h:1/back?to=https://x/"),
    ])
    func locationsAreResolved(location: String, expected: String) throws {
        #expect(try WebAddress("https://h:1/a/b/c?q").resolved(location).text == expected)
    }

    @Test func percentCodingGoesBothWays() {
        let text = "a/b c+ü~%\u{0}"
        #expect(text.percentEncoded == "a%2Fb%20c%2B%C3%BC~%25%00")
        #expect(text.percentEncodedPath == "a/b%20c%2B%C3%BC~%25%00")
        #expect(text.percentEncoded.percentDecoded() == text)
        #expect("a+b".percentDecoded(plusIsSpace: true) == "a b" && "a+b".percentDecoded() == "a+b")
        #expect("%4".percentDecoded() == nil && "%zz".percentDecoded() == nil && "%ff".percentDecoded() == nil)
    }
}

@Suite struct HTTPHeadersTests {
    @Test func namesCompareWithoutCase() {
        var headers: HTTPHeaders = ["Content-Type": "a", "ETag": "b", "content-type": "c"]
        #expect(headers["CONTENT-TYPE"] == "a" && headers.all("content-type") == ["a", "c"])
        headers["content-TYPE"] = "d"
        #expect(headers.all("Content-Type") == ["d"] && headers.count == 2)
        headers["etag"] = nil
        #expect(headers.map(\.name) == ["content-TYPE"])
        headers.add("X", "1")
        headers.add("x", "2")
        #expect(headers.all("X") == ["1", "2"])
        #expect(headers["missing"] == nil)
    }
}

@Suite struct WebDateTests {
    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
    ])
    func datesOfHeadersGoBothWays(seconds: Int, text: String) {
        #expect(Moment(seconds: seconds).httpDate == text)
        #expect(Moment(httpDate: text)?.seconds == seconds)
    }

    @Test(arguments: ["Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])
    func theOldFormsAreRead(text: String) { #expect(Moment(httpDate: text)?.seconds == 784_111_777) }

    @Test(arguments: ["", "soon", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "120"])
    func whatIsNoDateIsNone(text: String) { #expect(Moment(httpDate: text) == nil) }

    @Test(arguments: [
        ("2023-04-22T06:35:00.7812154", 1_682_145_300_781_215), ("2023-04-22T06:35:00Z", 1_682_145_300_000_000),
        ("2023-04-22T08:35:00.5+02:00", 1_682_145_300_500_000), ("2023-04-22 06:35:00", 1_682_145_300_000_000),
        ("2023-04-22", 1_682_121_600_000_000), ("1969-12-31T23:59:59.999999Z", -1),
        ("2023-04-22T06:35:00.123456789Z", 1_682_145_300_123_456),
    ])
    func datesOfServicesAreRead(text: String, microseconds: Int) {
        #expect(Moment(iso: text)?.microseconds == Int64(microseconds))
    }

    @Test(arguments: ["2023-04-22T06:35", "2023-13-01", "2023-02-29", "2023-04-22T06:35:00.Z", "2023-04-22T06:35:00 Z"])
    func whatIsNoMomentIsNone(text: String) { #expect(Moment(iso: text) == nil) }
}

@Suite struct JSONReadingTests {
    @Test(arguments: [
        "null", "true", "[1,-2,3.50,1e9,12345678901234567890]", "{\"a\":{\"b\":[]},\"\":\"x\"}", "\"ü\\\"\\\\\"", "{}",
    ])
    func whatIsReadIsWrittenTheSame(text: String) throws { #expect(try JSONText.parse(text).text() == text) }

    @Test func escapesAreTakenOut() throws {
        #expect(try JSONText.parse(#" "a\u00fc\ud83d\ude00\/\n" "#).text == "aü😀/\n")
    }

    @Test(arguments: [
        "", "nul", "[1,]", "{\"a\" 1}", "{a:1}", "01", "1.", "1e", "\"a", "\"\\x\"", "\"\\ud800\"", "[1] 2",
        "\"\u{1}\"",
        "{\"a\":1,}", "+1", "[", "\"\\u12", "-",
    ])
    func whatIsNotJSONIsRefused(text: String) { #expect(throws: SluiceError.self) { try JSONText.parse(text) } }

    @Test func depthIsLimited() throws {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: SluiceError.self) { try JSONText.parse(deep) }
        #expect(try JSONText.parse("[[1]]", depthLimit: 2).items?.count == 1)
    }

    @Test func valuesAreTakenLeniently() throws {
        let answer = try JSONText.parse(#"{"n":"3599","b":"True","i":7,"i":8,"f":2.0}"#)
        #expect(answer["n"]?.integer == 3599 && answer["b"]?.flag == true && answer["i"]?.integer == 8)
        #expect(answer["f"]?.integer == nil && answer["x"] == nil && answer.members?.count == 5)
    }
}

@Suite struct XMLNodeTests {
    @Test func treesGoBothWays() throws {
        let tree = XMLNode(
            "Blobs", attributes: ["Prefix": "a&\"<ü"],
            children: [XMLNode("Name", text: " x<&>\ny "), XMLNode("Empty"), XMLNode("Name", text: "2")])
        let read = try XMLNode.parse(Buffer(Array(tree.write().utf8)))
        #expect(read == tree)
        #expect(read["Name"]?.text == " x<&>\ny " && read.all("Name").count == 2 && read["None"] == nil)
    }

    @Test func whatOthersWriteIsRead() throws {
        let text = """
            \u{feff}<?xml version='1.0'?><!-- c --><a x='1' y = "2">
              <b>&#x41;&#66;<![CDATA[<&>]]></b> <c/> <!-- d -->
            </a>
            """
        let root = try XMLNode.parse(Buffer(Array(text.utf8)))
        #expect(
            root.attributes == ["x": "1", "y": "2"] && root["b"]?.text == "AB<&>" && root["c"] != nil && root.text == ""
        )
    }

    @Test(arguments: [
        "", "a", "<a>", "<a></b>", "<a", "<a x=1/>", "<a>&lol;</a>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "<a/><b/>",
        "<a>&#xD800;</a>", "<a x='1", "<a><![CDATA[", "<>", "<a>&#;</a>",
    ])
    func whatIsNotXMLIsRefused(text: String) {
        #expect(throws: SluiceError.self) { try XMLNode.parse(Buffer(Array(text.utf8))) }
    }

    @Test func depthIsLimited() {
        let deep = String(repeating: "<a>", count: 10_000)
        #expect(throws: SluiceError.self) { try XMLNode.parse(Buffer(Array(deep.utf8))) }
    }
}

@Suite struct Base64Tests {
    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("\u{3ff}\u{3ff}", "z7/Pvw==")])
    func textsGoBothWays(text: String, encoded: String) {
        #expect(Base64.encode(Array(text.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(text.utf8))
        let inURL = encoded.replacing("/", with: "_").replacing("=", with: "")
        #expect(Base64.encodeURL(Array(text.utf8)) == inURL)
        #expect(Base64.decodeURL(inURL) == Array(text.utf8))
    }

    @Test(arguments: ["Zg=x", "Z", "Zm9v!", "Zm 9v"]) func whatIsNotBase64IsNone(text: String) {
        #expect(Base64.decode(text) == nil)
    }
}
