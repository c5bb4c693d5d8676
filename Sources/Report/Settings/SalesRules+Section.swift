public import Sales
public import Settings
import Support

extension SalesRules {
    /// The rules that `section` describes; it has passed the check of `RuleKeys`.
    public init(_ section: Section?) {
        self.init()
        guard let section else { return }
        func set(_ target: inout Amount, _ key: String) { if let value = section.amount(key) { target = value } }
        set(&maxUnitPrice, "max_unit_price")
        set(&maxQuantity, "max_quantity")
        set(&maxTotal, "max_total")
        set(&anomalyThreshold, "anomaly_threshold")
        set(&highQuantity, "high_quantity")
        set(&percentile, "percentile")
        set(&tolerance, "tolerance")
        taxRate = section.amount("tax_rate")
        frequentAbove = section.integer("frequent_above") ?? frequentAbove
        window = section.duration("window")?.microseconds ?? window
        windowCount = section.integer("window_count") ?? windowCount
        revenueStatuses = section.texts("revenue_statuses") ?? revenueStatuses
        currency = section.text("currency") ?? currency
        decimals = section.integer("decimals") ?? decimals
        if let text = section.text("not_before") { notBefore = text == "none" ? nil : RuleValue.time(text) }
        if let latest = section.text("not_after").flatMap(RuleValue.latest) { notAfter = latest }
        if let names = section.texts("required") {
            required = SalesField.alwaysRequired.union(names.compactMap(SalesField.init(rawValue:)))
        }
        maxInvalidRate = section.text("max_invalid_rate").flatMap(RuleValue.rate)
        if let caps = section.section("caps") {
            self.caps.errors = caps.integer("errors") ?? self.caps.errors
            self.caps.top = caps.integer("top") ?? self.caps.top
            self.caps.anomalies = caps.integer("anomalies") ?? self.caps.anomalies
            self.caps.details = caps.integer("details") ?? self.caps.details
        }
        layout = SalesLayout(section)
        let items = layout.paths[.lineItems] ?? []
        checks = section.checks.flatMap { SalesCheck.checks($0, items: items, tolerance: tolerance) }
    }
}

extension SalesLayout {
    /// The layout that `rules` describe.
    fileprivate init(_ rules: Section) {
        self.init()
        if let path = rules.text("transactions").flatMap(FieldPath.parse) { transactions = path }
        if let path = rules.text("batch_id").flatMap(FieldPath.parse) { batchID = path }
        guard let fields = rules.section("fields") else { return }
        let items = rules.itemPaths
        for field in SalesField.allCases {
            guard let written = fields.texts(field.rawValue)?.compactMap(FieldPath.parse), !written.isEmpty else {
                continue
            }
            paths[field] = field.isInItem ? written.map { FieldPath.inItem($0, items) ?? $0 } : written
        }
    }
}

extension SalesCheck {
    /// What one entry under `checks` asks for, one thing at a time.
    fileprivate static func checks(_ section: Section, items: [[String]], tolerance: Amount) -> [SalesCheck] {
        guard let keys = section.text("path").flatMap(FieldPath.parse) else { return [] }
        let inItem = FieldPath.inItem(keys, items)
        var kinds: [Kind] = []
        if section.boolean("required") == true { kinds.append(.required) }
        let (least, greatest) = (section.amount("min"), section.amount("max"))
        if least != nil || greatest != nil { kinds.append(.range(min: least, max: greatest)) }
        if let words = section.texts("one_of") { kinds.append(.oneOf(words)) }
        if let pattern = section.text("pattern") { kinds.append(.pattern(pattern)) }
        if let places = section.texts("equals")?.compactMap(FieldPath.parse) {
            let sum = inItem == nil ? places : places.map { FieldPath.inItem($0, items) ?? $0 }
            kinds.append(.equals(sum: sum, tolerance: section.amount("tolerance") ?? tolerance))
        }
        return kinds.map { SalesCheck(path: inItem ?? keys, isInItems: inItem != nil, kind: $0) }
    }
}
