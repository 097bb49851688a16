package import LabCore

/// The fields that one epoch puts into its lines: a pure function of seed and epoch.
struct SlotFields: Sendable {
  /// A field and where it stands.
  struct Field {
    let position: SlotPosition
    /// `<X> x1 ... xk`.
    let tokens: ArraySlice<Int32>
  }

  /// For each presentation the number of its field; -1 for none.
  private var numbers: [Int32]
  private var positions: [SlotPosition] = []
  /// All fields back to back.
  private var tokens: [Int32] = []
  private let length: Int

  init(_ slot: Slot, token: Int32, count: Int, presentations: Int, stream: RandomStream) {
    var stream = stream
    length = slot.fieldLength
    numbers = Array(repeating: -1, count: presentations)
    // The first `count` of a random order (Fisher & Yates).
    var places = Array(0..<Int32(presentations))
    let choices = slot.placement.positions
    let first = SpecialToken.allCases.count
    for number in 0..<count {
      places.swapAt(number, number + stream.below(presentations - number))
      numbers[Int(places[number])] = Int32(number)
      positions.append(choices.count == 1 ? choices[0] : choices[stream.below(choices.count)])
      tokens.append(token)
      for _ in 0..<slot.length {
        tokens.append(Int32(first + stream.below(Int(token) - first)))
      }
    }
  }

  /// The field of a presentation, if it has one.
  subscript(place: Int) -> Field? {
    let number = Int(numbers[place])
    guard number >= 0 else { return nil }
    return Field(
      position: positions[number], tokens: tokens[number * length..<(number + 1) * length])
  }
}

extension Slot {
  /// Lines of which this share, rounded to a number, has a field; the others stay as they are.
  package func fill(_ lines: [[Int32]], token: Int32, stream: RandomStream) -> [[Int32]] {
    let fields = SlotFields(
      self, token: token, count: Int((share * Double(lines.count)).rounded()),
      presentations: lines.count, stream: stream)
    return lines.enumerated().map { place, line in
      guard let field = fields[place] else { return line }
      let start = field.position.index(in: line) ?? 0
      return Array(line.prefix(start) + field.tokens + line.dropFirst(start))
    }
  }
}

extension BatchBuilder {
  /// Adds a line with a field in it; targets before the one at `objectPlace` of the line are
  /// dropped where that is given.
  ///
  /// What is in the field cannot be foreseen, so that no loss is taken on it.
  mutating func append(
    _ line: ArraySlice<Int32>, with field: SlotFields.Field, objectPlace: Int?
  ) {
    let place = field.position.index(in: line) ?? 0
    let whole = line.prefix(place) + field.tokens + line.dropFirst(place)
    var next = Array(whole.dropFirst())
    let hidden = max(0, place - 1)..<(place - 1 + field.tokens.count)
    next.replaceSubrange(hidden, with: repeatElement(-1, count: hidden.count))
    if let objectPlace {
      let object = objectPlace + field.tokens.count
      next.replaceSubrange(0..<object, with: repeatElement(-1, count: object))
    }
    tokens += whole.dropLast()
    targets += next
    endSequence()
  }
}
