import Support
import Testing

@testable import Stores

private func location(_ text: String) throws -> AzureLocation {
    guard case .azure(let location) = try StoreURL(text) else {
        Issue.record("\(text) is a path")
        throw SluiceError(.usage, "path")
    }
    return location
}

private func problem(_ text: String) -> SluiceError? {
    do throws(SluiceError) {
        _ = try StoreURL(text)
        return nil
    } catch {
        return error
    }
}

@Suite struct StoreURLTests {
    /// text, dialect, account, container, path, what it is called
    @Test(arguments: [
        (
            "abfss://raw@lake1.dfs.core.windows.net/in/orders.csv", "dfs", "lake1", "raw", "in/orders.csv",
            "abfss://raw@lake1.dfs.core.windows.net/in/orders.csv"
        ),
        ("ABFSS://raw@lake1.dfs.core.windows.net", "dfs", "lake1", "raw", "", "abfss://raw@lake1.dfs.core.windows.net"),
        (
            "abfs://raw@lake1.dfs.core.usgovcloudapi.net/a//b/", "dfs", "lake1", "raw", "a/b",
            "abfs://raw@lake1.dfs.core.usgovcloudapi.net/a/b"
        ),
        (
            "wasbs://raw@lake1.blob.core.chinacloudapi.cn/x", "blob", "lake1", "raw", "x",
            "wasbs://raw@lake1.blob.core.chinacloudapi.cn/x"
        ),
        (
            "https://lake1.blob.core.windows.net/raw/a%20b/c%25.csv", "blob", "lake1", "raw", "a b/c%.csv",
            "https://lake1.blob.core.windows.net/raw/a b/c%25.csv"
        ),
        (
            "https://lake1.dfs.core.windows.net/raw/", "dfs", "lake1", "raw", "",
            "https://lake1.dfs.core.windows.net/raw"
        ),
        (
            "https://lake1.z07.blob.storage.azure.net/raw/x", "blob", "lake1", "raw", "x",
            "https://lake1.z07.blob.storage.azure.net/raw/x"
        ),
        (
            "https://lake1-secondary.blob.core.windows.net/raw/x", "blob", "lake1-secondary", "raw", "x",
            "https://lake1-secondary.blob.core.windows.net/raw/x"
        ),
        ("az://lake1/raw/in/*.csv", "blob", "lake1", "raw", "in/*.csv", "az://lake1/raw/in/*.csv"),
        ("az://lake1/raw/in/order?.csv", "blob", "lake1", "raw", "in/order?.csv", "az://lake1/raw/in/order?.csv"),
        ("az://lake1/$web/index.html", "blob", "lake1", "$web", "index.html", "az://lake1/$web/index.html"),
        (
            "abfss://sales@onelake.dfs.fabric.microsoft.com/lake.Lakehouse/Files/x", "dfs", "onelake", "sales",
            "lake.Lakehouse/Files/x", "abfss://sales@onelake.dfs.fabric.microsoft.com/lake.Lakehouse/Files/x"
        ),
        (
            "https://westeurope-onelake.blob.fabric.microsoft.com/My%20Sales/lake.Lakehouse/Files", "blob", "onelake",
            "My Sales", "lake.Lakehouse/Files",
            "https://westeurope-onelake.blob.fabric.microsoft.com/My Sales/lake.Lakehouse/Files"
        ),
        (
            "http://127.0.0.1:10000/devstoreaccount1/raw/x", "blob", "devstoreaccount1", "raw", "x",
            "http://127.0.0.1:10000/devstoreaccount1/raw/x"
        ),
    ])
    func everyFormIsRead(
        text: String, dialect: String, account: String, container: String, path: String, name: String
    ) throws {
        let found = try location(text)
        #expect(found.dialect.rawValue == dialect)
        #expect(found.account == account)
        #expect(found.container == container)
        #expect(found.path == path)
        #expect(found.name == name)
        // What it is called means the same place, once a percent sign is written as one.
        if !name.contains("%") { #expect(try location(name).path == path) }
    }

    @Test(arguments: [
        "data/orders.csv", "/data/orders.csv", "./a:b", "C:\\data", "-", "a//b", "file.csv?x=1", "1abc://x",
    ])
    func pathsStayPaths(text: String) throws {
        #expect(try StoreURL(text) == .path(text))
        #expect(!StoreURL.isURL(text))
    }

    @Test(arguments: [
        ("file:///data/a%20b", "/data/a b"), ("file:/data/x", "/data/x"), ("FILE://localhost/data", "/data"),
    ])
    func filesAreNamedByURLsToo(text: String, path: String) throws { #expect(try StoreURL(text) == .path(path)) }

    /// text, a part of the message, a part of the hint
    @Test(arguments: [
        (
            "abfss://lake1.dfs.core.windows.net/raw/in/x", "no container",
            "abfss://raw@lake1.dfs.core.windows.net/in/x"
        ),
        ("abfss://raw@lake1/in", "without its host", "abfss://raw@lake1.dfs.core.windows.net/in"),
        ("abfss://raw@lake1.blob.core.windows.net/in", "blob", "wasbs://raw@lake1.blob.core.windows.net/in"),
        ("wasbs://raw@lake1.dfs.core.windows.net/in", "dfs", "abfss://raw@lake1.dfs.core.windows.net/in"),
        ("https://raw@lake1.dfs.core.windows.net/in", "@", "abfss://raw@lake1.dfs.core.windows.net/in"),
        ("https://lake1.file.core.windows.net/raw", "file", "https://lake1.blob.core.windows.net/raw"),
        ("https://lake1.blob.core.windows.com/raw", "not a host", ".core.windows.net"),
        ("http://lake1.blob.core.windows.net/raw", "not encrypted", "https://"),
        ("https://lake1.blob.core.windows.net", "no container", "/CONTAINER/PATH"),
        ("az://lake1", "no container", "az://lake1/CONTAINER/PATH"),
        ("az://lake1.blob.core.windows.net/raw/x", "host", "az://lake1/raw/x"),
        ("az://Lake_1/raw", "3 to 24 lower-case", "az://ACCOUNT"),
        ("az://lake1/Raw/x", "the container \"Raw\" cannot exist", ""),
        ("az://lake1/a--b/x", "single dashes", ""),
        ("az://lake1/raw/../x", "\"..\"", "Write the path out"),
        ("az://lake1/raw/a%2", "%", "%25"),
        ("az://lake1/raw/a%00b", "zero byte", ""),
        (
            "abfs://onelake.dfs.fabric.microsoft.com/ws/x", "no container",
            "abfs://ws@onelake.dfs.fabric.microsoft.com/x"
        ),
        ("s3://bucket/x", "not something Sluice reads", "abfss://"),
        ("abfsss://raw@lake1.dfs.core.windows.net/x", "not known", "abfss://"),
        ("https://lake1.blob.core.windows.net/raw/x?comp=list", "no shared access signature", "%3F"),
        ("file://host/x", "host", "file:///"),
        ("", "is empty", ""),
    ])
    func wrongFormsAreExplained(text: String, message: String, hint: String) throws {
        let error = try #require(problem(text))
        #expect(error.code == .invalidConfiguration || error.code == .unsupported)
        #expect(error.description.contains(message), "\(error)")
        #expect((error.hint ?? "").contains(hint), "\(error.hint ?? "")")
    }

    @Test func signaturesAreNeverShown() throws {
        let signature = "sv=2023-11-03&sr=c&sp=rl&se=2030-01-01T00%3A00%3A00Z&sig=TopSecretMark%2BabcdEFGH%3D"
        let url = "https://lake1.blob.core.windows.net/raw/x?\(signature)"
        let found = try location(url)
        #expect(found.signature == signature)
        #expect(!found.name.contains("Secret"))
        #expect(Redactor.shared.redact("GET \(url)").contains("***"))
        #expect(!Redactor.shared.redact("sig=TopSecretMark+abcdEFGH=").contains("TopSecretMark"))
        let wrong = try #require(problem("https://lake1.bolb.core.windows.net/raw/x?\(signature)"))
        #expect(!"\(wrong) \(wrong.hint ?? "")".contains("TopSecretMark"))
    }

    /// Whatever is typed is a place, a path or an explained error.
    @Test func noTextIsTooOdd() {
        var generator = SystemRandomNumberGenerator()
        let pieces = [
            "abfss", "https", "az", "file", ":", "//", "://", "@", "/", ".", "..", "core.windows.net", "dfs", "blob",
            "?", "sig=", "&", "%", "%2", "%41", "\u{0}", "é", "[", "]", "*", " ", "onelake", ".fabric.microsoft.com",
            "127.0.0.1", ":99999", "-",
        ]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &generator)]
            }.joined()
            do throws(SluiceError) {
                switch try StoreURL(text) {
                case .path(let path): #expect(!path.isEmpty || text.hasPrefix("file"))
                case .azure(let location):
                    #expect(!location.container.isEmpty && !location.account.isEmpty)
                    #expect(!location.path.split(separator: "/").contains(".."))
                    #expect(!location.path.utf8.contains(0))
                }
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
    }
}
