import Sales

/// Columns over time: one for each day or month that has orders, and a gap where there were none.
///
/// Places are in percent of the drawing, so that it fits any width while its text keeps its size.
struct ColumnChart {
    let id: String
    let title: String
    let periods: [SalesReport.Period]
    let figures: Figures

    /// As many places on the axis as are worth drawing.
    static let most = 400

    private let dates: [CalendarDate]
    /// How many days or months lie between the first and the last, both included.
    let span: Int

    /// A chart of `periods`, which are in order; nil when there is nothing to draw, or more than can be told apart.
    init?(id: String, title: String, periods: [SalesReport.Period], figures: Figures) {
        let dates = periods.compactMap { CalendarDate($0.name) }
        guard dates.count == periods.count, let first = dates.first, let last = dates.last else { return nil }
        span = last.ordinal - first.ordinal + 1
        guard span >= periods.count, span <= ColumnChart.most else { return nil }
        self.id = id
        self.title = title
        self.periods = periods
        self.figures = figures
        self.dates = dates
    }

    func draw() -> Markup {
        let values = periods.map(\.revenue.double)
        let scale = Scale(from: values.min() ?? 0, to: values.max() ?? 0)
        let first = dates.first?.ordinal ?? 0
        let slot = 100 / Double(span)
        let width = min(slot * (span > 120 ? 0.86 : 0.72), 9)
        var drawing: Markup = """
            <svg class="plot" role="img" aria-labelledby="\(id)-t \(id)-d"><title id="\(id)-t">\(title)</title>\
            <desc id="\(id)-d">\(description)</desc>
            """
        for tick in scale.ticks {
            let y = 100 - scale.place(tick)
            drawing += """
                <line class="\(tick == 0 ? "zero" : "grid")" x1="0" x2="100%" y1="\(percent: y)" y2="\(percent: y)"/>\
                <text class="y" x="0" y="\(percent: y)" dx="-8" dy="4">\(scale.label(tick))</text>
                """
        }
        let zero = 100 - scale.place(0)
        for (period, date) in zip(periods, dates) {
            let left = Double(date.ordinal - first) * slot
            let y = 100 - scale.place(period.revenue.double)
            // What was sold is never drawn as nothing.
            let height = max(abs(zero - y), period.revenue.raw == 0 ? 0 : 0.4)
            let orders = Figures.counted(period.orders, "order")
            drawing += """
                <g><title>\(Figures.date(period.name)): \(figures.priced(period.revenue)), \(orders)</title>\
                <rect class="hit" x="\(percent: left)" y="0" width="\(percent: slot)" height="100%"/>\
                <rect class="column" x="\(percent: left + (slot - width) / 2)" \
                y="\(percent: period.revenue.raw < 0 ? zero : zero - height)" \
                width="\(percent: width)" height="\(percent: height)"/></g>
                """
        }
        for label in labels(from: first) {
            let place = (Double(label.ordinal - first) + 0.5) * slot
            let anchor: Markup = place < 4 ? "start" : place > 96 ? "end" : "middle"
            let x = place < 4 ? 0 : place > 96 ? 100 : place
            drawing += """
                <text class="\(label.isForWide ? "x wide" : "x")" x="\(percent: x)" y="100%" dy="20" \
                text-anchor="\(anchor)">\(label.text)</text>
                """
        }
        drawing += "</svg>\n"
        return drawing
    }

    /// What the drawing shows, in words.
    private var description: String {
        guard let first = periods.first, let last = periods.last else { return "" }
        var text = "\(Figures.date(first.name)) to \(Figures.date(last.name))"
        if let best {
            text += "; the highest is \(Figures.date(best.name)) with \(figures.priced(best.revenue))"
        }
        return text + ". All figures are in the table below the chart."
    }

    /// The day or month that brought most.
    var best: SalesReport.Period? {
        periods.reduce(nil) { best, period in
            best.map { $0.revenue < period.revenue ? period : $0 } ?? period
        }
    }

    private struct Label {
        let ordinal: Int
        let text: String
        /// Whether there is room for it on wide screens only.
        let isForWide: Bool
    }

    private func labels(from first: Int) -> [Label] {
        dates.first?.day == nil ? monthLabels(first) : span <= 100 ? dayLabels(first) : monthStarts(first)
    }

    /// Every so many days.
    private func dayLabels(_ first: Int) -> [Label] {
        let step = span <= 10 ? 1 : span <= 21 ? 2 : span <= 62 ? 7 : 14
        let shown = (span - 1) / step + 1
        let narrow = (shown - 1) / 5 + 1
        return stride(from: 0, to: span, by: step).enumerated().map { place, offset in
            let date = CalendarDate(day: first + offset)
            return Label(
                ordinal: first + offset, text: "\(date.day ?? 1) \(date.monthName)", isForWide: place % narrow != 0)
        }
    }

    /// The months that begin within, where they begin.
    private func monthStarts(_ first: Int) -> [Label] {
        let days = (0..<span).map { CalendarDate(day: first + $0) }
        let starts = days.indices.filter { days[$0].day == 1 }
        let narrow = (starts.count - 1) / 3 + 1
        return starts.enumerated().map { place, offset in
            let date = days[offset]
            let isFirst = place == 0 || date.month == 1
            return Label(
                ordinal: first + offset, text: isFirst ? "\(date.monthName) \(date.year)" : date.monthName,
                isForWide: place % narrow != 0)
        }
    }

    /// Months, or years when there are many.
    private func monthLabels(_ first: Int) -> [Label] {
        let months = (0..<span).map { CalendarDate(month: first + $0) }
        let step = span <= 14 ? 1 : span <= 30 ? 3 : 12
        let years = (span - 1) / 12 + 1
        let thin = years > 12 ? (years - 1) / 10 + 1 : 1
        let starts = months.indices.filter {
            step == 12
                ? months[$0].month == 1 && months[$0].year % thin == 0 : (months[$0].month - 1) % step == 0 || step == 1
        }
        let narrow = (starts.count - 1) / 5 + 1
        return starts.enumerated().map { place, offset in
            let date = months[offset]
            let withYear = place == 0 || date.month == 1
            let text = step == 12 ? "\(date.year)" : withYear ? "\(date.monthName) \(date.year)" : date.monthName
            return Label(ordinal: first + offset, text: text, isForWide: place % narrow != 0)
        }
    }
}
