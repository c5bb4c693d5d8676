/// Values by name, in the order of the names' bytes: what listings walk over.
///
/// The names lie in runs of a few hundred, so that an insertion moves one run and not everything, and a look-up is two
/// binary searches.
struct SortedNames<Value: Sendable>: Sendable {
    private struct Run: Sendable {
        var names: [BlobName]
        var values: [Value]
    }

    private static var longestRun: Int { 512 }

    private var runs: [Run] = []
    /// How many names there are.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// The value of a name; setting nil takes the name out.
    subscript(name: BlobName) -> Value? {
        get {
            guard let place = place(of: name), place.isFound else { return nil }
            return runs[place.run].values[place.index]
        }
        set {
            let place = place(of: name)
            switch (newValue, place) {
            case (.some(let value), .some(let place)) where place.isFound:
                runs[place.run].values[place.index] = value
            case (.some(let value), .some(let place)):
                runs[place.run].names.insert(name, at: place.index)
                runs[place.run].values.insert(value, at: place.index)
                count += 1
                splitIfLong(place.run)
            case (.some(let value), nil):
                runs.append(Run(names: [name], values: [value]))
                count += 1
            case (nil, .some(let place)) where place.isFound:
                runs[place.run].names.remove(at: place.index)
                runs[place.run].values.remove(at: place.index)
                if runs[place.run].names.isEmpty { runs.remove(at: place.run) }
                count -= 1
            case (nil, _):
                break
            }
        }
    }

    /// Changes the value of a name where it lies.
    mutating func update<R>(_ name: BlobName, _ change: (inout Value) -> R) -> R? {
        guard let place = place(of: name), place.isFound else { return nil }
        return change(&runs[place.run].values[place.index])
    }

    /// Goes over names and values in order, from the first that is not before `start`, until `body` says false.
    func walk(from start: BlobName, _ body: (BlobName, Value) -> Bool) {
        guard let place = place(of: start) else { return }
        var index = place.index
        for run in runs[place.run...] {
            while index < run.names.count {
                if !body(run.names[index], run.values[index]) { return }
                index += 1
            }
            index = 0
        }
    }

    /// The first name that is not before `start`, with its value.
    func first(from start: BlobName) -> (name: BlobName, value: Value)? {
        var found: (BlobName, Value)?
        walk(from: start) { name, value in
            found = (name, value)
            return false
        }
        return found
    }

    /// Where a name is, or where it would be put; nil only when there is no run at all.
    private func place(of name: BlobName) -> (run: Int, index: Int, isFound: Bool)? {
        if runs.isEmpty { return nil }
        // The last run whose first name is not behind.
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].names[0] <= name { low = middle + 1 } else { high = middle }
        }
        let run = max(0, low - 1)
        (low, high) = (0, runs[run].names.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[run].names[middle] < name { low = middle + 1 } else { high = middle }
        }
        return (run, low, low < runs[run].names.count && runs[run].names[low] == name)
    }

    private mutating func splitIfLong(_ index: Int) {
        guard runs[index].names.count > Self.longestRun else { return }
        let half = runs[index].names.count / 2
        let tail = Run(names: Array(runs[index].names[half...]), values: Array(runs[index].values[half...]))
        runs[index].names.removeSubrange(half...)
        runs[index].values.removeSubrange(half...)
        runs.insert(tail, at: index + 1)
    }
}
