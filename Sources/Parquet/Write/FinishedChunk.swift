import Support

/// One data page of a chunk.
struct FinishedPage {
    /// Where it begins among the chunk's data pages.
    var offset: Int
    /// How long it is, with its header.
    var size: Int
    /// The row of the row group with which it begins.
    var firstRow: Int
    var rows: Int
    /// Values and nulls.
    var slots: Int
    var values: Int
}

/// One leaf's encoded values in one row group, and all that the footer and the page index say about them.
struct FinishedChunk {
    private let leaf: LeafPlan
    /// The dictionary page, if there is one.
    let dictionary = MutableBuffer()
    /// The data pages.
    let data = MutableBuffer()
    private(set) var pages: [FinishedPage] = []
    private(set) var rowCount = 0
    private(set) var slotCount = 0
    private(set) var valueCount = 0
    /// Bytes of all pages before compression, with their headers.
    var uncompressedSize = 0
    /// How many different values there are, when that is known.
    var distinctCount: Int?
    private var range: ValueRange
    private var encodingStats: [PageEncodingStats] = []

    // The column index, filled page by page.
    private var index = ColumnIndex()
    private var hasIndex: Bool
    private var lastRange: ValueRange?
    private var isAscending = true
    private var isDescending = true

    init(_ leaf: LeafPlan) {
        self.leaf = leaf
        range = ValueRange(ValueRange.order(of: leaf.type))
        hasIndex = range.order != .none
        index.nullCounts = []
    }

    /// Whether any page holds indices into the dictionary.
    var hasDictionaryPages: Bool { encodingStats.contains { $0.encoding.isDictionary } }

    /// Bytes of all pages in the file.
    var size: Int { dictionary.count + data.count }

    mutating func add(_ page: FinishedPage, encoding: Encoding, type: PageType, _ pageRange: ValueRange) {
        pages.append(page)
        rowCount += page.rows
        slotCount += page.slots
        valueCount += page.values
        if let known = encodingStats.firstIndex(where: { $0.encoding == encoding }) {
            encodingStats[known].count += 1
        } else {
            encodingStats.append(PageEncodingStats(pageType: type.rawValue, encoding: encoding, count: 1))
        }
        range.add(pageRange)
        addToIndex(page, pageRange)
    }

    private mutating func addToIndex(_ page: FinishedPage, _ pageRange: ValueRange) {
        index.nullCounts?.append(Int64(page.slots - page.values))
        index.nullPages.append(page.values == 0)
        guard page.values > 0 else {
            index.minValues.append([])
            index.maxValues.append([])
            return
        }
        guard let low = pageRange.low(as: leaf.storage, type: leaf.type),
            let high = pageRange.high(as: leaf.storage, type: leaf.type)
        else {
            // A page of NaNs has no bounds, and an index without bounds for a page that has values is no index.
            hasIndex = false
            return
        }
        index.minValues.append(low.bytes)
        index.maxValues.append(high.bytes)
        if let lastRange {
            isAscending = isAscending && pageRange.isAtOrAbove(lastRange)
            isDescending = isDescending && lastRange.isAtOrAbove(pageRange)
        }
        lastRange = pageRange
    }

    /// The bounds of each page, unless some page has none.
    var columnIndex: ColumnIndex? {
        guard hasIndex, !pages.isEmpty else { return nil }
        var index = index
        index.boundaryOrder = isAscending ? .ascending : isDescending ? .descending : .unordered
        return index
    }

    /// Where each page is, in a file where the chunk begins at `start`.
    func offsetIndex(at start: Int) -> OffsetIndex {
        var index = OffsetIndex()
        index.pageLocations = pages.map { page in
            PageLocation(
                offset: Int64(start + dictionary.count + page.offset), compressedPageSize: Int32(page.size),
                firstRowIndex: Int64(page.firstRow))
        }
        return index
    }

    /// What the footer says about the chunk, in a file where it begins at `start`.
    func metadata(at start: Int, codec: Codec, withStatistics: Bool) -> ColumnMetadata {
        var metadata = ColumnMetadata()
        metadata.type = leaf.storage.physicalType
        metadata.path = leaf.path
        metadata.codec = codec
        metadata.valueCount = Int64(slotCount)
        metadata.totalUncompressedSize = Int64(uncompressedSize)
        metadata.totalCompressedSize = Int64(size)
        metadata.dataPageOffset = Int64(start + dictionary.count)
        var stats = encodingStats
        if dictionary.count > 0 {
            metadata.dictionaryPageOffset = Int64(start)
            stats.insert(PageEncodingStats(pageType: PageType.dictionary.rawValue, encoding: .plain, count: 1), at: 0)
        }
        metadata.encodingStats = stats
        var encodings = Set(stats.map(\.encoding))
        if leaf.maxDefinition > 0 || leaf.maxRepetition > 0 { encodings.insert(.rle) }
        metadata.encodings = encodings.sorted { $0.rawValue < $1.rawValue }
        if withStatistics { metadata.statistics = statistics }
        return metadata
    }

    private var statistics: Statistics {
        var statistics = Statistics()
        statistics.nullCount = Int64(slotCount - valueCount)
        // Floats that differ in bits may be equal: two zeros, many NaNs.
        if range.order != .float { statistics.distinctCount = distinctCount.map { Int64($0) } }
        if let low = range.low(as: leaf.storage, type: leaf.type) {
            statistics.minValue = low.bytes
            statistics.isMinExact = low.isExact
        }
        if let high = range.high(as: leaf.storage, type: leaf.type) {
            statistics.maxValue = high.bytes
            statistics.isMaxExact = high.isExact
        }
        return statistics
    }
}
