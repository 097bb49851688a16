/// What can be a name in a graph: of an entity, a type or a predicate, for every command alike.
enum GraphName {
  /// What is wrong with the bytes of a name and what to do, to stand after "the name"; nil where
  /// nothing is.
  static func fault(_ name: some Collection<UInt8>) -> String? {
    guard !name.isEmpty else { return "is empty; give it a name or remove the line" }
    var all: UInt8 = 0
    for byte in name {
      guard byte != 0 else { return "holds a NUL byte; remove it" }
      all |= byte
    }
    guard all < 0x80 || String(validating: name, as: UTF8.self) != nil else {
      return "is not UTF-8; convert the file, for example with iconv"
    }
    return nil
  }
}
