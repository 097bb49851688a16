/// Draws of one predicate for a row of subjects, one after another.
struct DrawBuffer: Sendable {
  /// Number of draws up to and with each subject.
  var ends: [Int] = []
  /// Entity ids, in the order of drawing.
  var objects: [Int32] = []
  /// Minus log2 of the probability of each draw, given those before it.
  var bits: [Double] = []
  var tally = DrawTally()

  /// The draws of the subject at a place.
  func draws(at place: Int) -> Range<Int> { (place == 0 ? 0 : ends[place - 1])..<ends[place] }

  mutating func append(_ object: Int32, bits: Double) {
    objects.append(object)
    self.bits.append(bits)
  }

  /// Puts one subject's draws in order of object.
  mutating func sort(_ places: Range<Int>) {
    for end in places.dropFirst() {
      var place = end
      while place > places.lowerBound, objects[place - 1] > objects[place] {
        objects.swapAt(place - 1, place)
        bits.swapAt(place - 1, place)
        place -= 1
      }
    }
  }

  mutating func append(_ other: DrawBuffer) {
    let shift = objects.count
    ends += other.ends.map { $0 + shift }
    objects += other.objects
    bits += other.bits
    tally.add(other.tally)
  }
}

/// What was drawn, counted, to set beside what was asked for.
struct DrawTally: Sendable {
  var subjectCount = 0
  var queryCount = 0
  var drawCount = 0
  var topFirstDraws = 0
  /// First draws among the objects that the predicate's dependence favours, and queries that have
  /// some.
  var favouredFirstDraws = 0
  var dependentQueries = 0
  /// Expected number of the former, under the generator.
  var expectedFavoured = 0.0
  /// Subjects that got fewer objects than were drawn for them, because no more were possible.
  var shortenedCount = 0
  var objectBits = 0.0
  var countBits = 0.0
  var orderBits = 0.0

  mutating func add(_ other: DrawTally) {
    subjectCount += other.subjectCount
    queryCount += other.queryCount
    drawCount += other.drawCount
    topFirstDraws += other.topFirstDraws
    favouredFirstDraws += other.favouredFirstDraws
    dependentQueries += other.dependentQueries
    expectedFavoured += other.expectedFavoured
    shortenedCount += other.shortenedCount
    objectBits += other.objectBits
    countBits += other.countBits
    orderBits += other.orderBits
  }
}
