extension String {
    /// This text with everything but letters, digits and `-._~` as `%XX`: one segment of a path, or one value of a query.
    public var percentEncoded: String { percentEncoded { _ in false } }

    /// This path with its slashes kept and all else encoded as one segment would be.
    public var percentEncodedPath: String { percentEncoded { $0 == UInt8(ascii: "/") } }

    /// What `%XX` stands for put in its place; nil when a `%` is not followed by two hexadecimal digits, or the bytes are
    /// not UTF-8.
    public func percentDecoded(plusIsSpace: Bool = false) -> String? {
        if !utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) { return self }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(utf8.count)
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.popFirst().flatMap(hexadecimalValue),
                    let low = rest.popFirst().flatMap(hexadecimalValue)
                else { return nil }
                bytes.append(high << 4 | low)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private func percentEncoded(keeping isKept: (UInt8) -> Bool) -> String {
        if utf8.allSatisfy({ isUnreserved($0) || isKept($0) }) { return self }
        let digits = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(utf8.count * 2)
        for byte in utf8 {
            if isUnreserved(byte) || isKept(byte) {
                text.append(byte)
            } else {
                text.append(UInt8(ascii: "%"))
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Whether RFC 3986 lets this byte stand anywhere in a URL as itself.
private func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        true
    default: false
    }
}

/// What a hexadecimal digit is worth.
func hexadecimalValue(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
}
