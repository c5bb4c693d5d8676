extension SharedKey {
    /// The order in which the service sorts headers' names: that of words, in which a hyphen or an apostrophe counts only when
    /// nothing else tells two names apart. It differs from the order of bytes for `x-ms-meta-a-b` and `x-ms-meta-ab`.
    static func comesBefore(_ left: String, _ right: String) -> Bool {
        let left = Array(left.utf8)
        let right = Array(right.utf8)
        var i = 0
        var j = 0
        while true {
            while i < left.count, weight(left[i]) == 0 { i += 1 }
            while j < right.count, weight(right[j]) == 0 { j += 1 }
            guard i < left.count, j < right.count else {
                if i < left.count || j < right.count { return j < right.count }
                return comesBeforeByHyphens(left, right)
            }
            let (a, b) = (weight(left[i]), weight(right[j]))
            if a != b { return a < b }
            i += 1
            j += 1
        }
    }

    /// How a character counts among others; 0 for what does not count. Digits stand before letters, signs before digits.
    private static func weight(_ byte: UInt8) -> Int {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): 0x100 + Int(byte)
        case UInt8(ascii: "a")...UInt8(ascii: "z"): 0x200 + Int(byte)
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): 0x220 + Int(byte)
        default: (signs.firstIndex(of: byte) ?? -1) + 1
        }
    }

    /// The signs that a header's name may have, in their order.
    private static let signs = Array("!#$%&*.^_`|~+".utf8)

    /// The order of names that are the same but for hyphens: where the one has a hyphen and the other goes on, the one without
    /// comes first; a hyphen further to the front weighs more.
    private static func comesBeforeByHyphens(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        var i = 0
        var j = 0
        while i < left.count || j < right.count {
            let a = i < left.count ? minorWeight(left[i]) : 1
            let b = j < right.count ? minorWeight(right[j]) : 1
            if a == b {
                i += 1
                j += 1
            } else if a == 0 {
                i += 1
            } else if b == 0 {
                j += 1
            } else {
                return a < b
            }
            if i != j { return i > j }
        }
        return false
    }

    private static func minorWeight(_ byte: UInt8) -> Int {
        switch byte {
        case UInt8(ascii: "'"): 0x8012
        case UInt8(ascii: "-"): 0x8212
        default: 0
        }
    }
}
