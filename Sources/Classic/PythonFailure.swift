/// Why Python would have stopped.
enum PythonFailure: Error {
    /// A `json.JSONDecodeError`: its message, and the byte at which it stands.
    case syntax(StaticString, at: Int)
    /// Any other exception: what `str()` says of it.
    case exception(String)

    /// What is said of it, without a place.
    var text: String {
        switch self {
        case .syntax(let message, _): "\(message)"
        case .exception(let text): text
        }
    }
}
