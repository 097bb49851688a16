import Foundation
import LabCore

/// Reads a folder of ids: entity2id.txt, relation2id.txt and triples of ids (OpenKE).
///
/// The first line of each file is the number of lines that follow; triples are head, tail,
/// relation.
struct OpenKEReader {
  let escape: NameEscape

  /// Takes the names of both files, whose ids stay as they are.
  ///
  /// Returns how many lines they have.
  func readNames(
    in folder: URL, into collector: inout TripleCollector
  ) throws -> [(url: URL, lineCount: Int)] {
    let (entities, entityFile, entityLines) = try names("entity2id", "entities", in: folder)
    let (predicates, predicateFile, predicateLines) = try names(
      "relation2id", "relations", in: folder)
    collector.fix(
      entities: entities, predicates: predicates,
      source: "\(entityFile.lastPathComponent) and \(predicateFile.lastPathComponent)")
    return [(entityFile, entityLines), (predicateFile, predicateLines)]
  }

  /// Reads one file of triples; returns the number of its lines.
  func readTriples(
    _ url: URL, isTrained: Bool, into collector: inout TripleCollector
  ) throws -> Int {
    let attribute = collector.number(of: TripleAttributes(isTrained: isTrained))
    let entityCount = collector.entities.count
    let predicateCount = collector.predicates.count
    var numbers: [Int] = []
    return try forEachRecord(of: url) { line, number in
      try collector.read(line, number, of: url) { collector in
        guard Self.integers(line, &numbers), numbers.count == 3 else {
          throw LineFault(
            "'\(Self.shown(line))' is not three ids; give head, tail and relation, in this order")
        }
        for (id, isPredicate) in zip(numbers, [false, false, true]) {
          let count = isPredicate ? predicateCount : entityCount
          guard id < count else {
            throw LineFault(
              "there is no \(isPredicate ? "relation" : "entity") \(id), only 0 to \(count - 1); correct "
                + "the id (the order is head, tail, relation) or the file of names")
          }
        }
        try collector.add(
          subject: Int32(truncatingIfNeeded: numbers[0]),
          predicate: Int32(truncatingIfNeeded: numbers[2]),
          object: Int32(truncatingIfNeeded: numbers[1]), attribute: attribute)
      }
    }
  }

  private func names(
    _ name: String, _ what: String, in folder: URL
  ) throws -> (NameTable, URL, Int) {
    guard let url = try SplitFiles.file([name], ["txt"], in: folder) else {
      throw LabError(
        "\(folder.relativePath) holds no \(name).txt, the names of its \(what); add it, or give files "
          + "with names")
    }
    var list = NumberedNames()
    var scratch: [UInt8] = []
    let lineCount = try forEachRecord(of: url) { line, number in
      try LineReader.refuseReturns(line)
      guard let tab = line.lastIndex(where: { $0 == 0x09 || $0 == 0x20 }), tab > line.startIndex,
        let id = Self.integer(line[(tab + 1)...])
      else { throw LineFault("'\(Self.shown(line))' is not a name, a tab and an id") }
      try list.add(
        try escape.read(line[..<tab], &scratch), id: id,
        what == "entities" ? .subject : .predicate, line: number)
    }
    // Entities may share a name; relations are asked for by theirs.
    return (try list.table(url, isUnique: what == "relations"), url, lineCount)
  }

  /// Calls `body` with every line but the first, which must say how many there are.
  private func forEachRecord(
    of url: URL, _ body: (ArraySlice<UInt8>, Int) throws -> Void
  ) throws -> Int {
    var expected: Int?
    var count = 0
    let lineCount = try LineReader.forEachLine(of: url) { line, number in
      guard let expected else {
        guard let first = Self.integer(line[...]) else {
          throw LineFault("'\(Self.shown(line))' is no number of lines; give how many follow")
        }
        expected = first
        return
      }
      count += 1
      guard count <= expected else {
        throw LineFault(
          "the first line says that \(expected) lines follow, and this is one more; correct either")
      }
      try body(line, number)
    }
    guard let expected else {
      throw LabError("\(url.relativePath) is empty; its first line must say how many lines follow")
    }
    guard count == expected else {
      throw LabError(
        "\(url.relativePath):1: it says that \(expected) lines follow, and \(count) do; the file "
          + "is cut short, or the number is wrong")
    }
    return lineCount
  }

  static func integer(_ text: ArraySlice<UInt8>) -> Int? {
    var numbers: [Int] = []
    return integers(text, &numbers) && numbers.count == 1 ? numbers[0] : nil
  }

  /// The whole numbers of a line, separated by spaces or tabs; false where there is anything else.
  private static func integers(_ line: ArraySlice<UInt8>, _ numbers: inout [Int]) -> Bool {
    numbers.removeAll(keepingCapacity: true)
    var isInside = false
    for byte in line {
      switch byte {
      case 0x09, 0x20: isInside = false
      case 0x30...0x39:
        if !isInside { numbers.append(0) }
        isInside = true
        let value = numbers[numbers.count - 1]
        guard value < 1 << 40 else { return false }
        numbers[numbers.count - 1] = value * 10 + Int(byte - 0x30)
      default: return false
      }
    }
    return true
  }

  static func shown(_ line: ArraySlice<UInt8>) -> String {
    let text = String(decoding: line.prefix(60), as: UTF8.self)
    return line.count > 60 ? text + "..." : text
  }
}
