/// The first so many of all that were offered, in order. What it holds does not depend on the order of the offers.
struct TopList<Element: Sendable>: Sendable {
    private(set) var elements: [Element] = []
    private let limit: Int
    private let comesFirst: @Sendable (Element, Element) -> Bool

    init(_ limit: Int, _ comesFirst: @escaping @Sendable (Element, Element) -> Bool) {
        self.limit = limit
        self.comesFirst = comesFirst
    }

    var isFull: Bool { elements.count >= limit }

    mutating func offer(_ element: Element) {
        if isFull {
            guard let last = elements.last, comesFirst(element, last) else { return }
            elements.removeLast()
        }
        var low = 0
        var high = elements.count
        while low < high {
            let middle = (low + high) / 2
            if comesFirst(elements[middle], element) { low = middle + 1 } else { high = middle }
        }
        elements.insert(element, at: low)
    }

    mutating func merge(_ other: TopList) {
        for element in other.elements { offer(element) }
    }
}
