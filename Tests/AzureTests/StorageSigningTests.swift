import Azure
import Glibc
import Support
import Testing

/// What the official SDKs signed: see Vectors/make_storage.py.
struct StorageVectors {
    let document: JSONText

    init() throws {
        let path =
            "\(String(#filePath.prefix(upTo: #filePath.lastIndex(of: "/") ?? #filePath.endIndex)))/Vectors/storage.json"
        let file = try #require(fopen(path, "re"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        document = try JSONText.parse(String(decoding: bytes[..<count], as: UTF8.self))
    }

    var key: String { document["key"]?.text ?? "" }
    var requests: [JSONText] { document["requests"]?.items ?? [] }
    var signatures: [JSONText] { document["signatures"]?.items ?? [] }
    var order: [String] { (document["order"]?.items ?? []).compactMap(\.text) }

    static func headers(_ value: JSONText?) -> HTTPHeaders {
        var headers = HTTPHeaders()
        for pair in value?.items ?? [] { headers.add(pair.items?[0].text ?? "", pair.items?[1].text ?? "") }
        return headers
    }
}

@Suite struct StorageSigningTests {
    let vectors: StorageVectors

    init() throws { vectors = try StorageVectors() }

    @Test func requestsAreSignedAsTheOfficialClientsDo() throws {
        #expect(vectors.requests.count >= 8)
        for vector in vectors.requests {
            let account = try #require(vector["account"]?.text)
            let url = try WebAddress(vector["url"]?.text ?? "")
            let headers = StorageVectors.headers(vector["headers"])
            let method = try #require(vector["method"]?.text)
            let text = SharedKey.stringToSign(
                method: method, account: account, path: url.path, query: url.query, headers: headers)
            #expect(text == vector["text"]?.text)
            let authorization = try SharedKey.authorization(
                try StorageAccountKey(account: account, key: vectors.key), method: method, path: url.path,
                query: url.query, headers: headers, contentLength: headers["Content-Length"].flatMap { Int($0) })
            #expect(authorization == vector["authorization"]?.text)
            let parsed = try #require(SharedKey.parse(authorization: authorization))
            #expect(parsed.account == account)
            #expect(try StorageAccountKey(account: account, key: vectors.key).isSignature(parsed.signature, of: text))
        }
    }

    @Test func headersAreSortedAsTheServiceSortsThem() {
        var headers = HTTPHeaders()
        for name in vectors.order.sorted() { headers.add(name, "") }
        let text = SharedKey.stringToSign(method: "GET", account: "a", path: "/", query: nil, headers: headers)
        let sorted = text.split(separator: "\n").filter { $0.hasPrefix("x-ms-") }.map { String($0.dropLast()) }
        #expect(sorted == vectors.order)
    }

    @Test func signaturesOfTheOfficialClientsAreUnderstood() throws {
        let delegated = try #require(Base64.decode(vectors.document["delegated"]?.text ?? ""))
        let key = try #require(Base64.decode(vectors.key))
        #expect(vectors.signatures.count >= 12)
        for vector in vectors.signatures {
            let sas = try SharedAccessSignature(vector["token"]?.text ?? "")
            var resource = SharedAccessSignature.Resource(
                account: "lake1", service: vector["service"]?.text ?? "", container: vector["container"]?.text ?? "",
                path: vector["path"]?.text ?? "", snapshot: vector["snapshot"]?.text)
            resource.headers = StorageVectors.headers(vector["headers"])
            resource.query = (vector["query"]?.items ?? []).map { ($0.items?[0].text ?? "", $0.items?[1].text ?? "") }
            let name = vector["name"]?.text ?? ""
            #expect(sas.stringToSign(for: resource) == vector["text"]?.text, "\(name)")
            let isDelegated = vector["key"]?.text == "delegated"
            #expect(try sas.isSigned(with: isDelegated ? delegated : key, for: resource), "\(name)")
            #expect(try !sas.isSigned(with: isDelegated ? key : delegated, for: resource), "\(name)")
            // What goes into a URL is read back as the same.
            #expect(try SharedAccessSignature(sas.query).stringToSign(for: resource) == vector["text"]?.text)
            resource.container += "x"
            if name != "account" { #expect(try !sas.isSigned(with: isDelegated ? delegated : key, for: resource)) }
        }
    }

    @Test func signaturesThatAreMadeAreReadBack() throws {
        let key = try StorageAccountKey(account: "lake1", key: vectors.key)
        let grant = SharedAccessSignature.Grant("lwr", until: try #require(Moment(iso: "2026-12-01T00:00:00Z")))
        let file = SharedAccessSignature.Resource(account: "lake1", container: "raw", path: "a/b/c d.csv")
        let blob = try SharedAccessSignature.service(key, file, grant)
        #expect(blob.permissions == "rwl")
        #expect(blob.kind == .service)
        #expect(try SharedAccessSignature(blob.query).isSigned(with: key, for: file))
        let folder = try SharedAccessSignature.service(
            key, .init(account: "lake1", container: "raw", path: "a/b"), grant, isDirectory: true)
        #expect(folder["sdd"] == "2")
        #expect(try folder.isSigned(with: key, for: file))
        #expect(try !folder.isSigned(with: key, for: .init(account: "lake1", container: "raw", path: "a/bb/c")))
        let account = try SharedAccessSignature.account(key, services: "bq", resourceTypes: "sco", grant)
        #expect(account.kind == .account)
        #expect(try account.isSigned(with: key, for: .init(account: "lake1")))
        #expect(throws: SluiceError.self) {
            try SharedAccessSignature.service(key, file, .init("rq", until: grant.expiry))
        }
    }

    @Test(arguments: [
        ("sv=2023-11-03&sp=r&se=2026-12-01T00:00:00Z&sr=c", "no \"sig\""),
        ("sv=2023-11-03", "no \"sig\""),
        ("https://a.blob.core.windows.net/c?sig=x", "a URL stands"),
        ("sv=2023-11-03&sr=c&sig=aGVsbG8%3D&se=2026-12-01T00:00:00Z&sp=r", "not 32 bytes"),
        ("sv=latest&sr=c&sig=CWcuHvX%2BE8a%2FChLgc%2BdoioUDqUsUm2MzDv70D6yPNQI%3D", "version \"latest\""),
        ("sv=2023-11-03&sr=c&sig=CWcuHvX%2BE8a%2FChLgc%2BdoioUDqUsUm2MzDv70D6yPNQI%3D&sp=r", "neither \"se\""),
        ("sv=2023-11-03&sr=c&sig=CWcuHvX%2BE8a%2FChLgc%2BdoioUDqUsUm2MzDv70D6yPNQI%3D&sp=r&se=soon", "se=soon"),
    ])
    func whatIsNoSignatureIsToldApart(_ text: String, _ reason: String) {
        let error = #expect(throws: SluiceError.self) { try SharedAccessSignature(text) }
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error.map { "\($0) \($0.hint ?? "")" }?.contains("CWcuHvX") == false)
    }

    @Test func signaturesAndKeysAreNeverShown() throws {
        let secret = Base64.encode(Array("a key that nobody may ever see".utf8))
        let key = try StorageAccountKey(account: "lake1", key: secret)
        #expect("\(key) \(String(reflecting: key))" == "key of storage account lake1 key of storage account lake1")
        var dumped = ""
        dump(key, to: &dumped)
        #expect(!dumped.contains("97"))
        let sas = try SharedAccessSignature(
            "sv=2023-11-03&sr=c&sp=r&se=2026-12-01T00:00:00Z&sig=CWcuHvX%2BE8a%2FChLgc%2BdoioUDqUsUm2MzDv70D6yPNQI%3D")
        #expect("\(sas)" == "sv=2023-11-03&sr=c&sp=r&se=2026-12-01T00:00:00Z&sig=***")
        #expect(Redactor.shared.redact("key \(secret), \(sas.query)").contains("CWcu") == false)
        let error = #expect(throws: SluiceError.self) {
            try StorageAccountKey(account: "lake1", key: "not*base64*at*all")
        }
        #expect(error.map { "\($0)" }?.contains("base64*at") == false)
    }

    @Test func connectionStringsSayWhereAndWithWhatRight() throws {
        let plain = try StorageConnectionString(
            "DefaultEndpointsProtocol=https;AccountName=lake1;AccountKey=\(vectors.key);EndpointSuffix=core.windows.net"
        )
        #expect(plain.blobEndpoint?.text == "https://lake1.blob.core.windows.net/")
        #expect(plain.dfsEndpoint?.host == "lake1.dfs.core.windows.net")
        guard case .key(let key) = plain.right else { return #expect(Bool(false), "a key was expected") }
        #expect(key.account == "lake1")

        let signed = try StorageConnectionString(
            "BlobEndpoint=https://lake1.blob.core.windows.net/;SharedAccessSignature="
                + "sv=2023-11-03&sr=c&sp=r&se=2026-12-01T00:00:00Z&sig=CWcuHvX%2BE8a%2FChLgc%2BdoioUDqUsUm2MzDv70D6yPNQI%3D"
        )
        #expect(signed.account == "lake1")
        #expect(signed.dfsEndpoint?.host == "lake1.dfs.core.windows.net")
        guard case .signature = signed.right else { return #expect(Bool(false), "a signature was expected") }

        let local = try StorageConnectionString("UseDevelopmentStorage=true")
        #expect(local.blobEndpoint?.text == "http://127.0.0.1:10000/devstoreaccount1")
        #expect(local.queueEndpoint?.text == "http://127.0.0.1:10001/devstoreaccount1")
    }

    @Test(arguments: [
        ("", "is empty"), ("AccountKey=c2VjcmV0c2VjcmV0", "no AccountName"), ("nonsense", "number 1"),
        ("AccountName=a;DefaultEndpointsProtocol=ftp", "ftp"), ("EndpointSuffix=core.windows.net", "neither"),
    ])
    func whatIsNoConnectionStringIsToldApart(_ text: String, _ reason: String) {
        let error = #expect(throws: SluiceError.self) { try StorageConnectionString(text) }
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error.map { "\($0)" }?.contains("c2Vj") == false)
    }
}
