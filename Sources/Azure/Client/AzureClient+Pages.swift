import Support
import Transport

extension AzureClient {
    /// All of what is listed, page by page, where the answers have `value` and a link to the next page.
    ///
    /// - parameter link: What the answers call that link.
    /// - parameter limit: How many items are wanted at most.
    /// - parameter ours: The address to ask for a link. The token goes nowhere else, whatever host an answer names.
    func list(
        _ first: HTTPRequest, as caller: Caller, link: String, limit: Int,
        ours: (WebAddress) throws(SluiceError) -> WebAddress
    ) async throws(SluiceError) -> [JSONText] {
        var items: [JSONText] = []
        var request = first
        var seen: Set<String> = []
        while items.count < limit {
            let (_, body) = try await fetch(request, as: caller, limit: 64 << 20)
            let page = try JSONText.parse(body)
            items += page["value"]?.items ?? []
            guard let next = page[link]?.text, !next.isEmpty else { break }
            guard seen.insert(next).inserted else {
                throw SluiceError(.invalidData, "\(first.url.host) names a next page that it has named before")
            }
            request.url = try ours(try WebAddress(next))
        }
        return Array(items.prefix(limit))
    }
}
