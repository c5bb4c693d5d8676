import Testing

@testable import Emulator

@Suite struct RegistryTargetTests {
    @Test(
        arguments: [
            ("/v2/", .root), ("/v2", .root), ("/v2/_catalog", .catalog(isAzure: false)),
            ("/acr/v1/_catalog", .catalog(isAzure: true)), ("/v2/a/b/c/manifests/latest", .manifest("a/b/c", "latest")),
            ("/v2/a/blobs/sha256:00", .blob("a", "sha256:00")), ("/v2/a/b/blobs/uploads/", .uploads("a/b")),
            ("/v2/a/blobs/uploads/1-2", .upload("a", "1-2")), ("/v2/a/tags/list", .tagList("a")),
            ("/acr/v1/a/b", .repository("a/b")), ("/acr/v1/a/b/_tags", .tags("a/b")),
            ("/acr/v1/a/_tags/x", .tag("a", "x")), ("/acr/v1/a/_manifests", .manifests("a")),
            ("/acr/v1/a/_manifests/sha256:0", .manifestFacts("a", "sha256:0")),
            // Names that look like the words between which they stand.
            ("/v2/blobs/blobs/sha256:0", .blob("blobs", "sha256:0")), ("/v2/tags/tags/list", .tagList("tags")),
        ] as [(String, RegistryTarget)])
    func pathsAreUnderstood(_ path: String, _ target: RegistryTarget) {
        #expect(RegistryTarget(path) == target)
    }

    @Test(arguments: [
        "", "/", "/v1/", "/v2/a", "/v2/A/tags/list", "/v2/../blobs/x", "/v2/a..b/blobs/x", "/v2/./manifests/x",
        "/v2/manifests/x", "/v2/blobs/uploads/x", "/v2/-a/tags/list", "/v2/a%2Fb/tags/list", "/acr/v1", "/acr/v1/_tags",
        "/acr/v1/..", "/v2/\u{0}/tags/list",
    ])
    func whatIsNoPathOfARegistryIsRefused(_ path: String) {
        #expect(RegistryTarget(path) == nil)
    }

    @Test func eachRequestNeedsItsRight() {
        #expect(RegistryTarget("/v2/")?.need(method: "GET") == nil)
        #expect(RegistryTarget("/v2/a/b/blobs/x")?.need(method: "HEAD") == "repository:a/b:pull")
        #expect(RegistryTarget("/v2/a/blobs/uploads/")?.need(method: "POST") == "repository:a:push")
        #expect(RegistryTarget("/v2/a/manifests/x")?.need(method: "DELETE") == "repository:a:delete")
        #expect(RegistryTarget("/acr/v1/a/_tags/x")?.need(method: "PATCH") == "repository:a:metadata_write")
    }
}
