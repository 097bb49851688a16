/// Puts names in the order of their bytes, so that ids do not depend on the order of lines.
enum NameOrder {
  private struct Item {
    var key: UInt64
    let id: Int32
  }

  /// The ids of all names, in the order of the names' bytes.
  static func ids(_ names: NameTable) -> [Int32] {
    var items = (0..<names.count).map { id in
      Item(key: names.key(id, depth: 0), id: Int32(truncatingIfNeeded: id))
    }
    items.sort { $0.key < $1.key }
    sortTies(&items, names, depth: 8)
    return items.map(\.id)
  }

  /// Sorts each run of equal keys by the bytes from `depth` on.
  private static func sortTies(_ items: inout [Item], _ names: NameTable, depth: Int) {
    var start = 0
    while start < items.count {
      var end = start + 1
      while end < items.count, items[end].key == items[start].key { end += 1 }
      if end - start > 1 {
        var run = items[start..<end].map { item in
          Item(key: names.key(Int(item.id), depth: depth), id: item.id)
        }
        run.sort { $0.key < $1.key }
        sortTies(&run, names, depth: depth + 8)
        for (offset, item) in run.enumerated() {
          items[start + offset] = Item(key: items[start].key, id: item.id)
        }
      }
      start = end
    }
  }
}
