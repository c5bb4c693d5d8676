public import Settings
public import Support
import Synchronization

/// Azure as a project sees it, from the moment when it is needed: a project that never asks never finds out that a setting is
/// wrong, or who it would be.
public final class AzureAccess: Sendable {
    private let environment: [String: String]
    private let section: Section?
    private let made = Mutex<AzureClient?>(nil)

    /// Azure as `environment` and the project's `azure:` section describe it.
    public init(environment: [String: String], section: Section? = nil) {
        self.environment = environment
        self.section = section
    }

    /// The one client of the project, with its tokens.
    ///
    /// - throws: `SluiceError` that names the setting that is wrong.
    public func client() throws(SluiceError) -> AzureClient {
        let result = made.withLock { made -> Result<AzureClient, SluiceError> in
            if let made { return .success(made) }
            do throws(SluiceError) {
                let new = AzureClient(try AzureSettings(environment: environment, section: section))
                made = new
                return .success(new)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
