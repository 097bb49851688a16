import Yams

/// YAML whose aliases cannot make it larger or deeper than memory and stack allow.
enum BoundedYAML {
  /// What is wrong with a text that Yams would read.
  struct Fault: Error {
    let text: String
    let line: Int?
  }

  /// Values beyond one for each byte of the text, which only aliases can make.
  private static let additionalValues = 100_000
  private static let deepest = 64

  /// The text as a tree with its merge keys (`<<`) resolved; nil where it is empty.
  ///
  /// Throws `YamlError` or `Fault`.
  static func compose(_ text: String) throws -> Node? {
    try refuseAliasesInKeys(text)
    guard let root = try Yams.compose(yaml: text) else { return nil }
    var left = text.utf8.count + additionalValues
    try count(root, depth: 0, &left)
    return text.contains("<<") ? try merged(root) : root
  }

  private static func count(_ node: Node, depth: Int, _ left: inout Int) throws {
    left -= 1
    guard left >= 0 else {
      throw Fault(
        text: "its aliases stand for more than \(additionalValues) values; write fewer of them",
        line: node.mark?.line)
    }
    guard depth < deepest else {
      throw Fault(
        text: "values are nested more than \(deepest) deep; take some levels out",
        line: node.mark?.line)
    }
    switch node {
    case .scalar, .alias: break
    case .sequence(let items): for item in items { try count(item, depth: depth + 1, &left) }
    case .mapping(let pairs):
      for (key, value) in pairs {
        try count(key, depth: depth + 1, &left)
        try count(value, depth: depth + 1, &left)
      }
    }
  }

  // MARK: Merge keys

  private static func merged(_ node: Node) throws -> Node {
    switch node {
    case .scalar, .alias: return node
    case .sequence(let items):
      return .sequence(
        Node.Sequence(try items.map { try merged($0) }, items.tag, items.style, items.mark))
    case .mapping(let pairs):
      let own = Set(pairs.map(\.key))
      var taken = own
      var result: [(Node, Node)] = []
      for (key, value) in pairs {
        guard key.tag == Tag(.merge) else {
          result.append((key, try merged(value)))
          continue
        }
        // What stands in the mapping itself counts before what is merged, and of that the first.
        for (key, value) in try sources(of: value) where taken.insert(key).inserted {
          result.append((key, value))
        }
      }
      return .mapping(Node.Mapping(result, pairs.tag, pairs.style, pairs.mark))
    }
  }

  private static func sources(of node: Node) throws -> [(key: Node, value: Node)] {
    switch node {
    case .mapping: return try merged(node).mapping.map { Array($0) } ?? []
    case .sequence(let items) where items.allSatisfy({ $0.mapping != nil }):
      return try items.flatMap { try sources(of: $0) }
    default:
      throw Fault(
        text: "the merge key << needs keys and values, such as <<: *defaults", line: node.mark?.line
      )
    }
  }

  // MARK: Keys

  /// Keys are compared while the text is read, before anything of it can be counted.
  ///
  /// Looks for what only a text with both can have: an alias, and a key that is one or is no plain
  /// text.
  private static func refuseAliasesInKeys(_ text: String) throws {
    var hasAlias = false
    var keyLine: Int?
    for (number, line) in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
      .enumerated()
    where line.contains(where: { [0x2A, 0x3F, 0x5D, 0x7D].contains($0) }) {
      var scan = KeyScan(line: Array(line))
      scan.run()
      hasAlias = hasAlias || scan.hasAlias
      if scan.hasOddKey { keyLine = keyLine ?? number + 1 }
    }
    if hasAlias, let keyLine {
      throw Fault(
        text: "keys must be plain text where a file has aliases; write the key out", line: keyLine)
    }
  }
}

/// Looks through one line of YAML for aliases and for keys that are not plain text.
private struct KeyScan {
  let line: [UInt8]
  private(set) var hasAlias = false
  private(set) var hasOddKey = false

  init(line: [UInt8]) { self.line = line }

  private static let openers = Array(" \t[{,:-?".utf8)

  /// Whether what stands at a place begins a value or key.
  private func isStart(_ place: Int) -> Bool {
    place == 0 || Self.openers.contains(line[place - 1])
  }

  private func isFollowedByColon(_ place: Int) -> Bool {
    line[place...].first { $0 != 0x20 && $0 != 0x09 } == UInt8(ascii: ":")
  }

  mutating func run() {
    var place = 0
    while place < line.count {
      let byte = line[place]
      switch byte {
      case UInt8(ascii: "#") where place == 0 || line[place - 1] == 0x20 || line[place - 1] == 0x09:
        return
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        if isStart(place) { place = endOfQuoted(place) }
      case UInt8(ascii: "*") where isStart(place):
        let end = line[(place + 1)...].firstIndex { !Self.isNameByte($0) } ?? line.count
        if end > place + 1 {
          hasAlias = true
          hasOddKey = hasOddKey || isFollowedByColon(end)
        }
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        hasOddKey = hasOddKey || isFollowedByColon(place + 1)
      case UInt8(ascii: "?") where isStart(place):
        let next = place + 1 < line.count ? line[place + 1] : 0x20
        hasOddKey = hasOddKey || next == 0x20 || next == 0x09 || next == 0x0D
      default: break
      }
      place += 1
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    byte >= 0x80 || byte == 0x2D || byte == 0x5F || (0x30...0x39).contains(byte)
      || (0x41...0x5A).contains(byte & 0xDF)
  }

  /// Where a quoted text that begins at a place ends; the line's end where it does not end in the
  /// line.
  private func endOfQuoted(_ start: Int) -> Int {
    var place = start + 1
    while place < line.count, line[place] != line[start] {
      place += line[start] == UInt8(ascii: "\"") && line[place] == UInt8(ascii: "\\") ? 2 : 1
    }
    return place
  }
}
