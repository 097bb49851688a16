/// Keys of JSON that are the names of properties in snake_case: `trainingFLOPs` is "training_flops".
///
/// A key that is called otherwise has its own text as its raw value.
package protocol SnakeCaseKey: CodingKey, CaseIterable, RawRepresentable<String> {}

extension SnakeCaseKey {
  package var stringValue: String {
    var text = ""
    var followsCapital = true
    for character in rawValue {
      if character.isUppercase, !followsCapital { text += "_" }
      followsCapital = character.isUppercase
      text += character.lowercased()
    }
    return text
  }

  package init?(stringValue: String) {
    guard let key = Self.allCases.first(where: { $0.stringValue == stringValue }) else {
      return nil
    }
    self = key
  }
}
