import CPq
import Support

/// Turns what libpq and the server say into errors that name the cause and a remedy.
enum PostgresErrors {
    /// A failed attempt to connect. libpq gives text only, so the cause is told by what is in it; the server's texts
    /// here are stable, being what every client sees before a session exists.
    static func connecting(_ message: String, to server: String) -> SluiceError {
        let text = message.split(separator: "\n").first.map(String.init) ?? "the connection failed"
        let place = SluiceError.Place(file: server)
        if text.contains("authentication failed") || text.contains("no password supplied")
            || text.contains("pg_hba.conf") || text.contains("role \"")
        {
            return SluiceError(
                .permission, text, place: place, hint: "check the user name, its password, and that it may log in")
        }
        if text.contains("could not translate host name") {
            return SluiceError(
                .notFound, text, place: place, hint: "check the host name, and the network that it is known in",
                isTransient: text.contains("Temporary failure"))
        }
        if text.contains("Connection refused") || text.contains("timeout expired") || text.contains("No route to host")
        {
            return SluiceError(
                .inputOutput, text, place: place, hint: "check host and port, and that the server is running",
                isTransient: true)
        }
        if text.contains("database \""), text.contains("does not exist") {
            return SluiceError(.notFound, text, place: place, hint: "check the database's name")
        }
        let isStarting = text.contains("starting up") || text.contains("shutting down") || text.contains("too many")
        return SluiceError(.inputOutput, text, place: place, isTransient: isStarting)
    }

    /// A failed statement: the server's own words, its state deciding the kind.
    static func statement(_ result: OpaquePointer?, _ connection: OpaquePointer, server: String) -> SluiceError {
        let place = SluiceError.Place(file: server)
        func field(_ code: Character) -> String? {
            guard let result, let value = PQresultErrorField(result, Int32(code.asciiValue ?? 0)) else { return nil }
            return String(cString: value)
        }
        guard let state = field("C") else {
            let text = String(cString: PQerrorMessage(connection)).split(separator: "\n").first.map(String.init)
            let isGone = PQstatus(connection) != CONNECTION_OK
            return SluiceError(
                .inputOutput, text ?? "the connection to the server was lost", place: place, isTransient: isGone)
        }
        var message = field("M") ?? "the statement failed"
        if let detail = field("D") { message += " (\(detail))" }
        let (code, isTransient) = kind(state)
        return SluiceError(
            code, "\(message) [\(state)]", place: place.filled(from: copyPlace(field("W"))), hint: field("H"),
            isTransient: isTransient)
    }

    /// The character of the statement, from 1, at which the server found it wrong; nil when it does not say.
    static func position(_ result: OpaquePointer?) -> Int? {
        guard let result, let text = PQresultErrorField(result, Int32(UInt8(ascii: "P"))) else { return nil }
        return Int(String(cString: text)).flatMap { $0 > 0 ? $0 : nil }
    }

    /// Where a COPY failed, by the server's context: `COPY t, line 3, column amount: "x"`.
    private static func copyPlace(_ context: String?) -> SluiceError.Place {
        guard let line = context?.split(separator: "\n").first(where: { $0.hasPrefix("COPY ") }) else {
            return SluiceError.Place()
        }
        var place = SluiceError.Place()
        // A table's name may hold anything, these words included; the last ones count.
        let parts = line.split(separator: ", ", omittingEmptySubsequences: true)
        if let part = parts.last(where: { $0.hasPrefix("line ") }) {
            place.row = Int(part.dropFirst(5).prefix { $0.isNumber })
        }
        if let part = parts.last(where: { $0.hasPrefix("column ") }) {
            place.column = String(part.dropFirst(7).prefix { $0 != ":" })
        }
        return place
    }

    /// What a SQLSTATE means for us.
    private static func kind(_ state: String) -> (SluiceError.Code, isTransient: Bool) {
        switch state {
        case "57014": return (.cancelled, false)
        case "42501": return (.permission, false)
        case "42P01", "42703", "3D000", "3F000", "42883": return (.notFound, false)
        // Serialisation failure, deadlock, lock not available.
        case "40001", "40P01", "55P03": return (.inputOutput, true)
        default: break
        }
        switch state.prefix(2) {
        case "28": return (.permission, false)
        case "08", "57", "53": return (.inputOutput, true)
        case "22": return (.conversion, false)
        // What the rows break: a key, a check, a reference.
        case "23": return (.invalidData, false)
        case "42": return (.invalidConfiguration, false)
        default: return (.inputOutput, false)
        }
    }
}
