/// Why Python would have stopped.
enum PythonFailure: Error, Equatable {
    /// A `json.JSONDecodeError`: its message, and the byte at which it stands.
    case syntax(String, at: Int)
    /// Any other exception: what `str()` says of it.
    case exception(String)

    /// What is said of it, without a place.
    var text: String {
        switch self {
        case .syntax(let text, _), .exception(let text): text
        }
    }

    /// The same, in a text that begins so many bytes earlier.
    func moved(by distance: Int) -> PythonFailure {
        switch self {
        case .syntax(let text, let offset): .syntax(text, at: offset + distance)
        case .exception: self
        }
    }

    /// Whether it says where it was noticed, and not only where something began that has no end yet.
    var isWhole: Bool {
        if case .syntax(Scanner.unterminated, _) = self { return false }
        return true
    }
}
