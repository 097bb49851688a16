import Foundation
import LabCore

/// Seeded damage to the bytes of a file: what editors, disks, other programs and attackers do.
struct Mutation {
  private var random: RandomStream

  init(seed: UInt64, name: String) { random = Seed(seed).stream("fuzz/" + name) }

  /// Numbers at the edges of what types hold, and what is no number.
  private static let numbers = [
    "0", "-1", "1", "255", "65536", "16777216", "2147483648", "4294967296", "1000000000000000000",
    "9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551616",
    "1e308", "-1e308", "1e-320", "1e999", "0.5", "-0.0", "nan", "null", "true", "\"\"", "\"x\"",
    "[]", "{}",
  ]
  private static let pieces = [
    "\0", "\r", "\n", "\r\n", "\t", "\u{1B}[31m", "\u{FEFF}", "\u{202E}", "<S>", "<pad>", "\"",
    "\\", "\\u0000", "{", "}", "[", "]", ",", ":", "&a", "*a", "<<: *a", "- ", "#", "%",
    "\u{1F600}", String(repeating: "A", count: 5000), String(repeating: "[", count: 5000),
  ]

  mutating func pick<T>(_ values: [T]) -> T { values[random.below(values.count)] }

  /// A changed copy of `data`; text gets changes that mean something to its reader more often than
  /// not.
  mutating func changed(_ data: Data) -> Data {
    var bytes = [UInt8](data)
    for _ in 0..<(1 + random.below(3)) {
      let text = random.below(4) > 0 ? String(bytes: bytes, encoding: .utf8) : nil
      if let text, text.count < 200_000 {
        bytes = Array(changed(text).utf8)
      } else {
        damage(&bytes)
      }
    }
    return Data(bytes)
  }

  /// One change of text: a number, a word, a line or a piece put in.
  mutating func changed(_ text: String) -> String {
    switch random.below(6) {
    case 0, 1: return replaced(/-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?/, in: text, Self.numbers)
    case 2: return replaced(/[A-Za-z_<>]+/, in: text, Self.numbers + Self.pieces)
    case 3: return lines(text)
    case 4:
      let words = text.matches(of: /[A-Za-z_0-9<>]+/).map { String($0.output) }
      return words.isEmpty ? text + pick(Self.pieces) : replaced(/[A-Za-z_0-9<>]+/, in: text, words)
    default:
      let place = text.index(text.startIndex, offsetBy: random.below(text.count + 1))
      return text[..<place] + pick(Self.pieces) + text[place...]
    }
  }

  private mutating func replaced(
    _ pattern: some RegexComponent, in text: String, _ values: [String]
  ) -> String {
    let places = text.ranges(of: pattern)
    guard !places.isEmpty else { return text }
    return text.replacingCharacters(in: pick(places), with: pick(values))
  }

  /// A line left out, said twice, moved or cut.
  private mutating func lines(_ text: String) -> String {
    var lines = text.components(separatedBy: "\n")
    let line = random.below(lines.count)
    switch random.below(4) {
    case 0: lines.remove(at: line)
    case 1: lines.insert(lines[line], at: random.below(lines.count))
    case 2: lines.swapAt(line, random.below(lines.count))
    default: lines[line] = String(lines[line].prefix(random.below(lines[line].count + 1)))
    }
    return lines.joined(separator: "\n")
  }

  private mutating func damage(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return bytes = [UInt8(random.below(256))] }
    // Headers decide what is read, so that half of the damage is near the beginning.
    let reach = random.below(2) == 0 ? min(bytes.count, 200) : bytes.count
    let place = random.below(reach)
    switch random.below(6) {
    case 0: bytes[place] ^= 1 << UInt8(random.below(8))
    case 1: bytes[place] = pick([0, 0x7F, 0x80, 0xFF])
    case 2: bytes.removeLast(bytes.count - place)
    case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(64)))
    case 4:
      bytes.insert(
        contentsOf: bytes[place..<min(bytes.count, place + 1 + random.below(64))], at: place)
    default: bytes.append(contentsOf: (0..<(1 + random.below(16))).map { UInt8($0) })
    }
  }
}
