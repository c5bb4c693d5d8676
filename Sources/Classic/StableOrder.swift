/// The order that Python's `sorted(values, reverse=True)` gives.
enum StableOrder {
    /// The places of `values`, largest value first, equal ones in the order in which they stand.
    static func descending(_ values: [Double]) -> [Int] {
        guard values.contains(where: \.isNaN) else {
            return values.indices.sorted { values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1 }
        }
        // Nothing is more or less than NaN, so what comes out is what the steps of Python's own sort make of that. It
        // turns the list, sorts it with the least first, and turns it again, which keeps the order of equals.
        var sort = RunSort(values.indices.reversed().map { (key: values[$0], place: $0) })
        return sort.sorted().reversed().map(\.place)
    }
}

/// The sort of CPython 3.11, comparison for comparison: runs that are there already, made longer by insertion, are
/// merged in the order that "powersort" says, galloping where one side keeps winning.
struct RunSort {
    typealias Element = (key: Double, place: Int)

    private struct Run {
        var start: Int
        var count: Int
        /// Where the run and the next one meet in the tree of merges.
        var power = 0
    }

    private static let gallopsFrom = 7

    private var list: [Element]
    private var runs: [Run] = []
    /// How often one side has to win in a row before galloping is tried.
    private var patience = RunSort.gallopsFrom

    init(_ list: [Element]) { self.list = list }

    mutating func sorted() -> [Element] {
        let shortest = RunSort.shortestRun(list.count)
        var start = 0
        while start < list.count {
            var count = takeRun(from: start)
            if count < shortest {
                let wanted = min(shortest, list.count - start)
                insert(from: start + count, upTo: start + wanted, into: start)
                count = wanted
            }
            push(Run(start: start, count: count))
            start += count
        }
        while runs.count > 1 {
            var index = runs.count - 2
            if index > 0, runs[index - 1].count < runs[index + 1].count { index -= 1 }
            merge(at: index)
        }
        return list
    }

    // MARK: - Runs

    private static func shortestRun(_ count: Int) -> Int {
        var count = count
        var rest = 0
        while count >= 64 {
            rest |= count & 1
            count >>= 1
        }
        return count + rest
    }

    /// The length of the run that begins at `start`; one that goes down is turned.
    private mutating func takeRun(from start: Int) -> Int {
        var end = start + 1
        if end == list.count { return 1 }
        let goesDown = list[end].key < list[start].key
        end += 1
        while end < list.count, (list[end].key < list[end - 1].key) == goesDown { end += 1 }
        if goesDown { list[start..<end].reverse() }
        return end - start
    }

    /// Sorts the elements from `first` on into those before, which are sorted.
    private mutating func insert(from first: Int, upTo end: Int, into start: Int) {
        for place in max(first, start + 1)..<max(end, start + 1) {
            let pivot = list[place]
            var low = start
            var high = place
            repeat {
                let middle = low + (high - low) >> 1
                if pivot.key < list[middle].key { high = middle } else { low = middle + 1 }
            } while low < high
            list.remove(at: place)
            list.insert(pivot, at: low)
        }
    }

    private mutating func push(_ run: Run) {
        if let last = runs.last {
            let power = RunSort.power(last.start, last.count, run.count, list.count)
            while runs.count > 1, runs[runs.count - 2].power > power { merge(at: runs.count - 2) }
            runs[runs.count - 1].power = power
        }
        runs.append(run)
    }

    /// The first binary digit in which the middles of two neighbouring runs, as parts of the list, differ.
    private static func power(_ start: Int, _ count: Int, _ nextCount: Int, _ total: Int) -> Int {
        var power = 0
        var left = 2 * start + count
        var right = left + count + nextCount
        while true {
            power += 1
            if left >= total {
                left -= total
                right -= total
            } else if right >= total {
                return power
            }
            left <<= 1
            right <<= 1
        }
    }

    // MARK: - Merging

    private mutating func merge(at index: Int) {
        var (a, b) = (runs[index], runs[index + 1])
        runs[index].count += b.count
        runs.remove(at: index + 1)
        // What comes before all of b stays, and so does what comes behind all of a.
        let first = list.placeBehind(list[b.start].key, a.start, a.count, hint: 0)
        a.start += first
        a.count -= first
        if a.count == 0 { return }
        b.count = list.placeBefore(list[a.start + a.count - 1].key, b.start, b.count, hint: b.count - 1)
        if b.count == 0 { return }
        if a.count <= b.count { mergeForwards(a, b) } else { mergeBackwards(a, b) }
    }

    /// Merges from the left; `a`, the shorter one, is taken out of the way.
    private mutating func mergeForwards(_ a: Run, _ b: Run) {
        let taken = Array(list[a.start..<a.start + a.count])
        var (left, leftCount) = (0, a.count)
        var (right, rightCount) = (b.start, b.count)
        var target = a.start

        func finish() {
            // Either nothing is left of b, or one element of a, which comes last.
            for offset in 0..<rightCount where leftCount == 1 { list[target + offset] = list[right + offset] }
            if leftCount == 1 { target += rightCount }
            for offset in 0..<leftCount { list[target + offset] = taken[left + offset] }
        }
        func takeLeft() -> Bool {
            list[target] = taken[left]
            (target, left, leftCount) = (target + 1, left + 1, leftCount - 1)
            return leftCount > 1
        }
        func takeRight() -> Bool {
            list[target] = list[right]
            (target, right, rightCount) = (target + 1, right + 1, rightCount - 1)
            return rightCount > 0
        }

        if !takeRight() || leftCount == 1 { return finish() }
        while true {
            var (leftWins, rightWins) = (0, 0)
            repeat {
                if list[right].key < taken[left].key {
                    (leftWins, rightWins) = (0, rightWins + 1)
                    if !takeRight() { return finish() }
                } else {
                    (leftWins, rightWins) = (leftWins + 1, 0)
                    if !takeLeft() { return finish() }
                }
            } while max(leftWins, rightWins) < patience
            patience += 1
            repeat {
                patience -= patience > 1 ? 1 : 0
                leftWins = taken.placeBehind(list[right].key, left, leftCount, hint: 0)
                for _ in 0..<leftWins { _ = takeLeft() }
                if leftWins > 0, leftCount <= 1 { return finish() }
                if !takeRight() { return finish() }
                rightWins = list.placeBefore(taken[left].key, right, rightCount, hint: 0)
                for _ in 0..<rightWins { _ = takeRight() }
                if rightCount == 0 { return finish() }
                if !takeLeft() { return finish() }
            } while leftWins >= RunSort.gallopsFrom || rightWins >= RunSort.gallopsFrom
            patience += 1
        }
    }

    /// Merges from the right; `b`, the shorter one, is taken out of the way.
    private mutating func mergeBackwards(_ a: Run, _ b: Run) {
        let taken = Array(list[b.start..<b.start + b.count])
        var (leftCount, rightCount) = (a.count, b.count)
        /// Where the next element goes.
        var target: Int { a.start + leftCount + rightCount - 1 }

        func finish() {
            // Either nothing is left of a, or one element of b, which comes first.
            if rightCount == 1 {
                for offset in (0..<leftCount).reversed() { list[a.start + offset + 1] = list[a.start + offset] }
            }
            for offset in 0..<rightCount { list[a.start + offset] = taken[offset] }
        }
        func takeLeft() -> Bool {
            list[target] = list[a.start + leftCount - 1]
            leftCount -= 1
            return leftCount > 0
        }
        func takeRight() -> Bool {
            list[target] = taken[rightCount - 1]
            rightCount -= 1
            return rightCount > 1
        }

        if !takeLeft() || rightCount == 1 { return finish() }
        while true {
            var (leftWins, rightWins) = (0, 0)
            repeat {
                if taken[rightCount - 1].key < list[a.start + leftCount - 1].key {
                    (leftWins, rightWins) = (leftWins + 1, 0)
                    if !takeLeft() { return finish() }
                } else {
                    (leftWins, rightWins) = (0, rightWins + 1)
                    if !takeRight() { return finish() }
                }
            } while max(leftWins, rightWins) < patience
            patience += 1
            repeat {
                patience -= patience > 1 ? 1 : 0
                let key = taken[rightCount - 1].key
                leftWins = leftCount - list.placeBehind(key, a.start, leftCount, hint: leftCount - 1)
                for _ in 0..<leftWins { _ = takeLeft() }
                if leftCount == 0 { return finish() }
                if !takeRight() { return finish() }
                let other = list[a.start + leftCount - 1].key
                rightWins = rightCount - taken.placeBefore(other, 0, rightCount, hint: rightCount - 1)
                for _ in 0..<rightWins { _ = takeRight() }
                if rightWins > 0, rightCount <= 1 { return finish() }
                if !takeLeft() { return finish() }
            } while leftWins >= RunSort.gallopsFrom || rightWins >= RunSort.gallopsFrom
            patience += 1
        }
    }
}

extension [RunSort.Element] {
    /// How many of the `count` elements from `start` on are less than `key`, looking in ever larger steps from `hint`.
    fileprivate func placeBefore(_ key: Double, _ start: Int, _ count: Int, hint: Int) -> Int {
        place(count, hint: hint) { self[start + $0].key < key }
    }

    /// How many are not more than `key`.
    fileprivate func placeBehind(_ key: Double, _ start: Int, _ count: Int, hint: Int) -> Int {
        place(count, hint: hint) { !(key < self[start + $0].key) }
    }

    private func place(_ count: Int, hint: Int, comesBefore: (Int) -> Bool) -> Int {
        var last = 0
        var step = 1
        var low: Int
        var high: Int
        if comesBefore(hint) {
            let most = count - hint
            while step < most, comesBefore(hint + step) { (last, step) = (step, step << 1 + 1) }
            (low, high) = (hint + last, hint + Swift.min(step, most))
        } else {
            let most = hint + 1
            while step < most, !comesBefore(hint - step) { (last, step) = (step, step << 1 + 1) }
            (low, high) = (hint - Swift.min(step, most), hint - last)
        }
        low += 1
        while low < high {
            let middle = low + (high - low) >> 1
            if comesBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return high
    }
}
