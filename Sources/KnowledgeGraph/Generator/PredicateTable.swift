/// What a triple is beside its ids, on the way to a `Fact`.
struct TripleMark: Sendable {
  var heldOut: HeldOutLevel?
  var derivation: Derivation?
  /// Of an entailed triple: whether it follows from trained ones.
  var isInferable = false
}

/// All triples of one predicate, by subject and then by object.
struct PredicateTable: Sendable {
  /// Entity ids of the subjects.
  let subjects: Range<Int>
  /// Number of triples before each subject, and of all.
  private(set) var starts: [Int] = [0]
  /// Entity ids.
  private(set) var objects: [Int32] = []
  private(set) var bits: [Double] = []
  var marks: [TripleMark] = []

  init(subjects: Range<Int>) {
    self.subjects = subjects
    starts.reserveCapacity(subjects.count + 1)
  }

  /// Places of the triples of a subject; none where it is no subject of the predicate.
  func places(of subject: Int) -> Range<Int> {
    guard subjects.contains(subject) else { return 0..<0 }
    let index = subject - subjects.lowerBound
    return starts[index]..<starts[index + 1]
  }

  /// Adds the triples of the next subject; `objects` are all different and in order.
  mutating func appendSubject(_ triples: [NewTriple]) {
    for triple in triples {
      objects.append(triple.object)
      bits.append(triple.bits)
      marks.append(TripleMark(derivation: triple.derivation))
    }
    starts.append(objects.count)
  }

  /// Says whether an entailed triple follows from trained ones; it is held out where it does not.
  mutating func setInferable(_ isInferable: Bool, at place: Int) {
    marks[place].isInferable = isInferable
    if !isInferable { marks[place].heldOut = .object }
  }

  /// The subjects of every object: the same triples the other way round.
  ///
  /// `places` are those of the triples in this table.
  func reversed(objects range: Range<Int>) -> (starts: [Int], places: [Int], subjects: [Int32]) {
    var starts = [Int](repeating: 0, count: range.count + 1)
    for object in objects { starts[Int(object) - range.lowerBound + 1] += 1 }
    for index in 1..<starts.count { starts[index] += starts[index - 1] }
    var next = starts
    var places = [Int](repeating: 0, count: objects.count)
    var reversed = [Int32](repeating: 0, count: objects.count)
    for subject in subjects {
      for place in self.places(of: subject) {
        let slot = next[Int(objects[place]) - range.lowerBound]
        next[Int(objects[place]) - range.lowerBound] += 1
        places[slot] = place
        reversed[slot] = Int32(subject)
      }
    }
    return (starts, places, reversed)
  }
}

/// One triple of a subject and predicate, before it is known what is held out.
struct NewTriple: Sendable {
  /// Entity id.
  let object: Int32
  let bits: Double
  var derivation: Derivation?
}
