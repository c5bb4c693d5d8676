import Sales

/// Small drawings that stand within tables and panels.
enum Bars {
    /// A bar from zero to `value`, among values of which the outermost are `least` and `most`.
    static func bar(_ value: Double, from least: Double, to most: Double) -> Markup {
        let low = min(least, 0)
        let span = max(most, 0) - low
        guard span > 0 else { return "<svg class=\"bar\" aria-hidden=\"true\"></svg>" }
        let zero = -low / span * 100
        let length = abs(value) / span * 100
        return """
            <svg class="bar" aria-hidden="true"><rect class="\(value < 0 ? "minus" : "plus")" \
            x="\(percent: value < 0 ? zero - length : zero)" y="0" \
            width="\(percent: value == 0 ? 0 : max(length, 0.5))" height="100%"/></svg>
            """
    }

    /// How many parts of a whole have a colour of their own.
    static let colors = 6

    /// One bar of parts side by side: the first ones in colours of their own, and the others as one.
    static func stack(id: String, title: String, _ parts: [SalesReport.Share]) -> Markup {
        let whole = parts.reduce(Amount()) { $0 + Amount($1.count) }
        guard whole.raw > 0 else { return "" }
        let described = parts.prefix(colors).map {
            "\($0.name.isEmpty ? "(empty)" : $0.name): \(Figures.count($0.count))"
        }
        .joined(separator: "; ")
        var drawing: Markup = """
            <svg class="stack" role="img" aria-labelledby="\(id)-t \(id)-d"><title id="\(id)-t">\(title)</title>\
            <desc id="\(id)-d">\(described)</desc>
            """
        var left = 0.0
        for (place, part) in parts.prefix(colors).enumerated() {
            let width = Double(part.count) / whole.double * 100
            let share = Figures.share(Amount(part.count), of: whole) ?? ""
            drawing += """
                <rect class="c\(number: place)" x="\(percent: left)" y="0" width="\(percent: width)" height="100%">\
                <title>\(part.name): \(part.count) (\(share))</title></rect>
                """
            left += width
        }
        if parts.count > colors {
            drawing += """
                <rect class="rest" x="\(percent: left)" y="0" width="\(percent: 100 - left)" height="100%">\
                <title>\(Figures.counted(parts.count - colors, "other"))</title></rect>
                """
        }
        drawing += "</svg>\n"
        return drawing
    }

    /// The square of a part's colour.
    static func swatch(_ place: Int) -> Markup {
        place < colors
            ? "<svg class=\"swatch\" aria-hidden=\"true\"><rect class=\"c\(number: place)\" width=\"100%\" height=\"100%\"/></svg>"
            : "<svg class=\"swatch\" aria-hidden=\"true\"><rect class=\"rest\" width=\"100%\" height=\"100%\"/></svg>"
    }
}

/// The highest totals on a line, with the limits that they are held against.
struct StripChart {
    let anomalies: SalesReport.Anomalies
    let average: Amount?
    let figures: Figures

    func draw() -> Markup {
        let values = anomalies.highValues.map(\.total.double)
        var limits: [(name: String, value: Amount)] = []
        if let average { limits.append(("Average order", average)) }
        if let percentile = anomalies.percentile { limits.append((anomalies.percentileName, percentile)) }
        limits.append(("Threshold", anomalies.threshold))
        limits.sort { $0.value < $1.value }
        let scale = Scale(from: 0, to: (values + limits.map(\.value.double)).max() ?? 0, ticks: 5)
        let described = limits.map { "\($0.name) \(figures.priced($0.value))" }.joined(separator: "; ")
        var drawing: Markup = """
            <svg class="strip" role="img" aria-labelledby="strip-t strip-d"><title id="strip-t">The highest totals and the \
            limits that they are above</title><desc id="strip-d">\(described). The totals are in the table below.</desc>\
            <line class="zero" x1="0" x2="100%" y1="118" y2="118"/>
            """
        for (place, tick) in scale.ticks.enumerated() {
            let x = scale.place(tick)
            let anchor: Markup = x < 2 ? "start" : x > 98 ? "end" : "middle"
            drawing += """
                <line class="grid" x1="\(percent: x)" x2="\(percent: x)" y1="114" y2="118"/>\
                <text class="\(place % 2 == 0 ? "x" : "x wide")" x="\(percent: x)" y="136" \
                text-anchor="\(anchor)">\(scale.label(tick))</text>
                """
        }
        // Each limit has a line of text of its own, so that near ones do not overlap.
        for (row, limit) in limits.enumerated() {
            let x = scale.place(limit.value.double)
            let y = 12 + row * 20
            let isRight = x > 50
            // A longer number would not fit a phone; it is told above the drawing too.
            let value = figures.money(limit.value)
            let told: Markup = "\(if: value.utf8.count <= 16, " <tspan>\(value)</tspan>")"
            drawing += """
                <line class="limit" x1="\(percent: x)" x2="\(percent: x)" y1="\(number: y - 8)" y2="118"/>\
                <text class="name" x="\(percent: x)" y="\(number: y)" dx="\(isRight ? "-6" : "6")" \
                text-anchor="\(isRight ? "end" : "start")">\(limit.name)\(told)</text>
                """
        }
        for value in anomalies.highValues.reversed() {
            drawing += """
                <circle class="\(value.isAboveThreshold ? "far" : "near")" cx="\(percent: scale.place(value.total.double))" \
                cy="96" r="6"><title>\(value.transaction): \(figures.priced(value.total))</title></circle>
                """
        }
        drawing += "</svg>\n"
        return drawing
    }
}

extension SalesReport.Anomalies {
    /// `95th percentile`
    var percentileName: String {
        let rank = rank
        if rank.contains(".") || rank.hasSuffix("11") || rank.hasSuffix("12") || rank.hasSuffix("13") {
            return "\(rank)th percentile"
        }
        let ending =
            switch rank.last {
            case "1": "st"
            case "2": "nd"
            case "3": "rd"
            default: "th"
            }
        return "\(rank)\(ending) percentile"
    }
}
