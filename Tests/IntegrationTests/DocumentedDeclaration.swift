/// A `package` type or function, and whether `///` stands above it.
///
/// Properties, cases and initialisers may go by their names, and functions that a protocol asks for
/// are documented there.
struct DocumentedDeclaration {
  let line: Int
  let keyword: String
  let name: String
  let hasComment: Bool

  private static let modifiers: Set = [
    "package", "static", "final", "mutating", "nonmutating", "nonisolated", "indirect", "consuming",
    "borrowing", "override", "prefix", "postfix",
  ]
  private static let keywords: Set = [
    "struct", "enum", "class", "protocol", "actor", "typealias", "func",
  ]
  /// What protocols of the standard library and ArgumentParser ask for.
  private static let standardRequirements: Set = [
    "encode", "hash", "next", "run", "validate", "appendLiteral", "appendInterpolation",
  ]

  /// Operators are defined by what they are.
  var needsComment: Bool {
    keyword != "func" || name.first.map { $0.isLetter || $0 == "`" } ?? false
  }

  /// The `package` types and functions of a file, in order.
  static func all(in file: SourceTree.File) -> [DocumentedDeclaration] {
    file.code.enumerated().compactMap { index, words in
      let words = words.drop { $0.hasPrefix("@") }
      guard words.first == "package" else { return nil }
      let rest = words.drop { modifiers.contains($0) }
      guard let keyword = rest.first, keywords.contains(keyword) else { return nil }
      return DocumentedDeclaration(
        line: index + 1, keyword: keyword, name: rest.dropFirst().first ?? "",
        hasComment: isCommented(index, in: file.lines))
    }
  }

  /// Names of the functions that the project's protocols ask for.
  static func requirements(in files: [SourceTree.File]) -> Set<String> {
    var names = standardRequirements
    for file in files {
      var isProtocol = false
      for (words, line) in zip(file.code, file.lines) {
        if words.contains("protocol") { isProtocol = true }
        if line.hasPrefix("}") { isProtocol = false }
        guard isProtocol, let place = words.firstIndex(of: "func") else { continue }
        names.formUnion(words[(place + 1)...].prefix(1))
      }
    }
    return names
  }

  private static func isCommented(_ index: Int, in lines: [String]) -> Bool {
    for line in lines[..<index].reversed() {
      let text = line.drop { $0 == " " }
      if text.hasPrefix("@") { continue }
      return text.hasPrefix("///")
    }
    return false
  }
}
