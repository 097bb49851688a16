/// Keys of JSON that are the names of properties in snake_case: `trainingFLOPs` is "training_flops".
///
/// A key that is called otherwise has its own text as its raw value.
package protocol SnakeCaseKey: CodingKey, CaseIterable, RawRepresentable<String> {}

extension SnakeCaseKey {
  package var stringValue: String {
    let capitals = UInt8(ascii: "A")...UInt8(ascii: "Z")
    guard rawValue.utf8.contains(where: capitals.contains) else { return rawValue }
    var text: [UInt8] = []
    var followsCapital = true
    for byte in rawValue.utf8 {
      let isCapital = capitals.contains(byte)
      if isCapital, !followsCapital { text.append(UInt8(ascii: "_")) }
      followsCapital = isCapital
      text.append(isCapital ? byte | 0x20 : byte)
    }
    return String(decoding: text, as: UTF8.self)
  }

  package init?(stringValue: String) {
    guard let key = Self.allCases.first(where: { $0.stringValue == stringValue }) else {
      return nil
    }
    self = key
  }
}
