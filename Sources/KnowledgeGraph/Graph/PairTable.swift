/// The triples of one predicate as pairs in order of (subject, object), searched by halves.
struct PairTable: Sendable {
  private(set) var subjects: [Int32] = []
  private(set) var objects: [Int32] = []

  var count: Int { subjects.count }

  /// Adds the next pair, which must come after all others in order.
  mutating func append(subject: Int32, object: Int32) {
    subjects.append(subject)
    objects.append(object)
  }

  /// Places of the pairs of a subject.
  func places(of subject: Int32) -> Range<Int> {
    let first = subjects.indices.firstPlace { subjects[$0] >= subject }
    let end = subjects.indices.firstPlace { subjects[$0] > subject }
    return first..<end
  }

  func objects(of subject: Int32) -> ArraySlice<Int32> { objects[places(of: subject)] }

  /// Where a pair stands, or nil.
  func place(subject: Int32, object: Int32) -> Int? {
    let place = subjects.indices.firstPlace { (subjects[$0], objects[$0]) >= (subject, object) }
    guard place < count, subjects[place] == subject, objects[place] == object else { return nil }
    return place
  }

  func contains(subject: Int32, object: Int32) -> Bool {
    place(subject: subject, object: object) != nil
  }

  /// The same pairs the other way round, each with the place that it has here.
  func reversed() -> (table: PairTable, places: [Int]) {
    let order = (0..<count).sorted { (objects[$0], subjects[$0]) < (objects[$1], subjects[$1]) }
    var table = PairTable()
    for place in order { table.append(subject: objects[place], object: subjects[place]) }
    return (table, order)
  }

  /// A pair on a circle of pairs, or nil where no chain leads back to its beginning.
  func pairOnACircle() -> (subject: Int32, object: Int32)? {
    // What has no object cannot be on a circle; take such ends away until only circles and what
    // leads to them is left.
    let back = reversed().table
    var left = subjects.tally()
    var ends = Set(objects).filter { left[$0] == nil }.sorted()
    while let end = ends.popLast() {
      for subject in back.objects(of: end) {
        guard let count = left[subject] else { continue }
        left[subject] = count > 1 ? count - 1 : nil
        if count == 1 { ends.append(subject) }
      }
    }
    // From anywhere among the rest, a walk along it comes to a circle.
    guard var current = left.keys.min() else { return nil }
    var seen: Set<Int32> = []
    while true {
      guard let next = objects(of: current).first(where: { left[$0] != nil }) else { return nil }
      guard seen.insert(current).inserted else { return (current, next) }
      current = next
    }
  }

  /// How many subjects have each number of objects, from 0, of `total` that could be subjects.
  func histogram(of total: Int) -> [Int] {
    let counts = subjects.tally()
    var histogram = [Int](repeating: 0, count: (counts.values.max() ?? 0) + 1)
    for count in counts.values { histogram[count] += 1 }
    histogram[0] = max(0, total - counts.count)
    return histogram
  }

  /// Pairs of each object, by falling number.
  var objectCounts: [Int] { objects.tally().values.sorted(by: >) }
}
