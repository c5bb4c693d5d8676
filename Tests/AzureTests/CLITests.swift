import Support
import Testing

@testable import Azure

private let storage = "https://storage.azure.com/.default"

/// A stand-in for `az` in a folder of its own.
private func link(_ script: String, in folder: Scratch) throws -> CLILink {
    folder.write("az", "#!/bin/sh\n\(script)\n", isProgram: true)
    return CLILink(
        settings: try AzureSettings(environment: ["PATH": "relative:\(folder.path)", "AZURE_TENANT_ID": "contoso.com"]),
        limit: .seconds(2))
}

@Suite struct CLITests {
    @Test func whoeverSignedInGivesAToken() async throws {
        let folder = Scratch()
        let link = try link(
            """
            pwd > \(folder.path)/folder
            echo "$@" > \(folder.path)/words
            echo '{"accessToken": "marked-cli-token", "expires_on": 4102444800, "tokenType": "Bearer"}'
            """, in: folder)
        guard case .token(let token, let detail) = try await link.token(for: storage, tenant: nil) else {
            return #expect(Bool(false), "a token was expected")
        }
        #expect(token.value == "marked-cli-token" && detail == "az login")
        #expect(token.expiresAt.seconds == 4_102_444_800)
        #expect(
            String(decoding: try readSmallFile("\(folder.path)/folder", limit: 100, what: "x"), as: UTF8.self)
                .hasSuffix("/bin\n"))
        #expect(
            String(decoding: try readSmallFile("\(folder.path)/words", limit: 1000, what: "x"), as: UTF8.self)
                == "account get-access-token --output json --resource https://storage.azure.com --tenant contoso.com\n")
    }

    @Test func olderProgramsTellTheLocalTime() async throws {
        let folder = Scratch()
        let link = try link(
            "echo '{\"accessToken\": \"marked-cli-token\", \"expiresOn\": \"2100-01-01 12:00:00.123456\"}'", in: folder)
        guard case .token(let token, _) = try await link.token(for: storage, tenant: nil) else {
            return #expect(Bool(false), "a token was expected")
        }
        #expect(abs(token.expiresAt.seconds - 4_102_488_000) <= 14 * 3600)
    }

    @Test func whoHasNotSignedInIsPassedOver() async throws {
        let folder = Scratch()
        let link = try link("echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1", in: folder)
        guard case .absent(let reason) = try await link.token(for: storage, tenant: nil) else {
            return #expect(Bool(false), "it should have been passed over")
        }
        #expect(reason == "nobody has signed in: az login")
        let none = CLILink(settings: try AzureSettings(environment: ["PATH": "bin:."]))
        guard case .absent = try await none.token(for: storage, tenant: nil) else {
            return #expect(Bool(false), "it should have been passed over")
        }
    }

    @Test func whatFailsOtherwiseIsAnErrorWithoutWhatWasPrinted() async throws {
        let folder = Scratch()
        let link = try link(
            "echo marked-cli-token; echo 'ERROR: AADSTS50076: use multi-factor' >&2; exit 1", in: folder)
        let error = await #expect(throws: SluiceError.self) { try await link.token(for: storage, tenant: nil) }
        #expect(error?.message == "az: ERROR: AADSTS50076: use multi-factor")
        #expect(error?.hint == "az login --tenant contoso.com")
    }

    @Test func oneThatHangsIsKilledWithItsChildren() async throws {
        let folder = Scratch()
        let link = try link("/bin/sleep 60 & echo $! > \(folder.path)/child; wait", in: folder)
        let error = await #expect(throws: SluiceError.self) { try await link.token(for: storage, tenant: nil) }
        #expect(error?.code == .timedOut)
    }
}
