/// What a request says about the state that it wants to find: `If-Match` and its kin.
struct Conditions: Sendable, Equatable {
    /// ETags without quotes, or `*`; empty when the header was not sent.
    var matches: [String] = []
    var noneMatches: [String] = []
    /// Seconds since 1970.
    var modifiedSince: Int?
    var unmodifiedSince: Int?

    static let none = Conditions()

    /// Whether nothing may be there: `If-None-Match: *`.
    var isCreateOnly: Bool { noneMatches.contains("*") }

    /// Holds the conditions against what is there.
    ///
    /// - parameter etag: The ETag without quotes; nil when there is nothing.
    /// - parameter modified: Seconds since 1970.
    /// - parameter isRead: A reader is told that it has the newest (304), a writer that it has not (412).
    func check(
        etag: String?, modified: Int, isRead: Bool, otherwise fault: StorageFault = .conditionNotMet
    ) throws(StorageFault) {
        guard let etag else {
            if !matches.isEmpty { throw fault }
            return
        }
        if !matches.isEmpty, !matches.contains("*"), !matches.contains(etag) { throw fault }
        if let unmodifiedSince, matches.isEmpty, modified > unmodifiedSince { throw fault }
        let isNone = !noneMatches.isEmpty && (noneMatches.contains("*") || noneMatches.contains(etag))
        if isNone { throw isRead ? .notModified : fault }
        if let modifiedSince, noneMatches.isEmpty, modified <= modifiedSince { throw isRead ? .notModified : fault }
    }
}
