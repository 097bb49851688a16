/// Names in snake_case: `trainingFLOPs` is "training_flops".
package enum SnakeCase {
  /// A name in snake_case; one without capitals is what it is.
  package static func name(_ text: String) -> String {
    let capitals = UInt8(ascii: "A")...UInt8(ascii: "Z")
    guard text.utf8.contains(where: capitals.contains) else { return text }
    var name: [UInt8] = []
    var followsCapital = true
    for byte in text.utf8 {
      let isCapital = capitals.contains(byte)
      if isCapital, !followsCapital { name.append(UInt8(ascii: "_")) }
      followsCapital = isCapital
      name.append(isCapital ? byte | 0x20 : byte)
    }
    return String(decoding: name, as: UTF8.self)
  }
}

/// Keys of JSON that are the names of properties in snake_case.
///
/// A key that is called otherwise has its own text as its raw value.
package protocol SnakeCaseKey: CodingKey, CaseIterable, RawRepresentable<String> {}

extension SnakeCaseKey {
  package var stringValue: String { SnakeCase.name(rawValue) }

  package init?(stringValue: String) {
    guard let key = Self.allCases.first(where: { $0.stringValue == stringValue }) else {
      return nil
    }
    self = key
  }
}
