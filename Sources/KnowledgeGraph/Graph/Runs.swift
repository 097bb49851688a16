extension RandomAccessCollection {
  /// The neighbours that have the same key, run by run.
  func runs<Key: Equatable>(by key: @escaping (Element) -> Key) -> some Sequence<SubSequence> {
    sequence(state: self[...]) { rest in
      guard let first = rest.first else { return nil }
      let run = rest.prefix { key($0) == key(first) }
      rest = rest[run.endIndex...]
      return run
    }
  }
}

extension Range<Int> {
  /// The first place for which `isAtOrAfter` holds, where it holds for all later ones too; else the
  /// end.
  func firstPlace(where isAtOrAfter: (Int) -> Bool) -> Int {
    var (low, high) = (lowerBound, upperBound)
    while low < high {
      let middle = (low + high) / 2
      if isAtOrAfter(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

extension Sequence where Element: Hashable {
  /// How often each element occurs.
  func tally() -> [Element: Int] { reduce(into: [:]) { $0[$1, default: 0] += 1 } }
}
