public import Support

/// What an ODBC driver is told to connect: keys and values, in order.
///
///     var string = ConnectionString(["Driver": …])
///     string["PWD"] = "any;thing}"
///     string.text  // Driver=…;PWD={any;thing}}}
public struct ConnectionString: Sendable {
    private var pairs: [(key: String, value: String)] = []

    /// One that says nothing.
    public init() {}

    /// Takes `text` apart, as drivers do: `key=value;key={any; value}}}`.
    ///
    /// - throws: `SluiceError` that names the place and shows no value, since any may be a password.
    public init(parsing text: String) throws(SluiceError) {
        // By scalars: a combining sign behind a brace would make another character of the two.
        let characters = Array(text.unicodeScalars)
        var position = 0
        func malformed(_ what: String) -> SluiceError {
            SluiceError(
                .invalidConfiguration, "the connection string is not one: \(what)",
                hint: "write KEY=value;KEY={a value with ; or spaces}, with } written twice in braces")
        }
        while position < characters.count {
            while position < characters.count,
                characters[position] == ";" || characters[position].properties.isWhitespace
            {
                position += 1
            }
            if position == characters.count { break }
            guard let equals = characters[position...].firstIndex(of: "=") else {
                throw malformed("something behind the key number \(pairs.count) has no '='")
            }
            let key = ConnectionString.trimmed(characters[position..<equals])
            guard !key.isEmpty, !key.contains(";") else {
                throw malformed("something behind the key number \(pairs.count) has no '='")
            }
            position = equals + 1
            while position < characters.count, characters[position] == " " { position += 1 }
            var value: [Unicode.Scalar] = []
            if position < characters.count, characters[position] == "{" {
                position += 1
                var isClosed = false
                while position < characters.count {
                    if characters[position] != "}" {
                        value.append(characters[position])
                        position += 1
                    } else if position + 1 < characters.count, characters[position + 1] == "}" {
                        value.append("}")
                        position += 2
                    } else {
                        position += 1
                        isClosed = true
                        break
                    }
                }
                guard isClosed else { throw malformed("the value of \(key) begins with '{' and has no '}'") }
                while position < characters.count, characters[position].properties.isWhitespace { position += 1 }
                guard position == characters.count || characters[position] == ";" else {
                    throw malformed("something stands behind the '}' of \(key)")
                }
            } else {
                let end = characters[position...].firstIndex(of: ";") ?? characters.count
                value = Array(ConnectionString.trimmed(characters[position..<end]).unicodeScalars)
                position = end
            }
            self[key] = String(String.UnicodeScalarView(value))
        }
    }

    private static func trimmed(_ characters: ArraySlice<Unicode.Scalar>) -> String {
        var rest = characters
        while rest.first?.properties.isWhitespace ?? false { rest.removeFirst() }
        while rest.last?.properties.isWhitespace ?? false { rest.removeLast() }
        return String(String.UnicodeScalarView(rest))
    }

    /// The value of `key`, whose case does not count; nil where there is none.
    public subscript(key: String) -> String? {
        get { pairs.first { $0.key.lowercased() == key.lowercased() }?.value }
        set {
            let place = pairs.firstIndex { $0.key.lowercased() == key.lowercased() }
            if let newValue {
                if let place { pairs[place].value = newValue } else { pairs.append((key, newValue)) }
            } else if let place {
                pairs.remove(at: place)
            }
        }
    }

    /// Everything that it says, in order.
    public var entries: [(key: String, value: String)] { pairs }

    /// The first of `keys` that has a value.
    public func first(of keys: String...) -> String? {
        for key in keys { if let value = self[key], !value.isEmpty { return value } }
        return nil
    }

    /// Hands every value that is a secret, by its key, to the redactor: a driver may repeat it in a message.
    public func protectSecrets() {
        for (key, value) in pairs where ConnectionString.isSecret(key) { Redactor.shared.protect(value) }
    }

    private static func isSecret(_ key: String) -> Bool {
        Redactor.isSecret(key: key) || ["pwd", "pass", "passwd", "sslpwd"].contains(key.lowercased())
    }

    /// The text for the driver.
    public var text: String { pairs.map { "\($0.key)=\(ConnectionString.quoted($0.value))" }.joined(separator: ";") }

    /// The text for a message: secrets masked.
    public var shown: String {
        pairs.map {
            "\($0.key)=\(ConnectionString.isSecret($0.key) ? Redactor.mask : ConnectionString.quoted($0.value))"
        }
        .joined(separator: ";")
    }

    /// `value` so that no character of it ends it: in braces, with each right brace written twice.
    static func quoted(_ value: String) -> String {
        // By scalars: a combining sign behind a brace would make another character of the two.
        let isPlain = value.unicodeScalars.allSatisfy { scalar in
            (scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)))
                || "_-./:,\\".unicodeScalars.contains(scalar)
        }
        if isPlain { return value }
        var text = "{"
        for scalar in value.unicodeScalars {
            text.unicodeScalars.append(scalar)
            if scalar == "}" { text.unicodeScalars.append(scalar) }
        }
        return text + "}"
    }
}
