import LabCore

/// Invented words of a few syllables each, all different from one another.
struct WordPool: Sendable {
  private static let onsets = [
    "b", "br", "c", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "r", "s",
    "st", "t", "tr", "v", "w", "z",
  ]
  private static let vowels = ["a", "e", "i", "o", "u", "ai", "ea", "ou"]
  private static let codas = ["", "l", "n", "r", "s", "th", "nd", "x"]

  /// The number of words up to which a pool of this many syllables can be filled.
  ///
  /// Half of those that exist, so that drawing until a new one comes up stays short.
  static func capacity(syllables: Int) -> Int {
    var total = codas.count
    for _ in 0..<syllables { total *= onsets.count * vowels.count }
    return total / 2
  }

  /// Words already used anywhere in the graph: pools of different types share none.
  private var used: Set<String> = []

  /// The next pool of `count` words, drawn from `stream`.
  ///
  /// Throws `LabError` naming `place` when too few new words are left.
  mutating func draw(
    _ count: Int, syllables: Int, from stream: inout RandomStream, for place: String
  ) throws -> [String] {
    var words: [String] = []
    words.reserveCapacity(count)
    var misses = 0
    while words.count < count {
      let word = Self.word(syllables: syllables, from: &stream)
      if used.insert(word).inserted {
        words.append(word)
        misses = 0
      } else {
        misses += 1
        guard misses < 1000 else {
          throw LabError(
            "\(place).pool: no new words of \(syllables) syllables are left after \(words.count) of "
              + "\(count); raise syllables to \(syllables + 1)")
        }
      }
    }
    return words
  }

  private static func word(syllables: Int, from stream: inout RandomStream) -> String {
    var text = ""
    for _ in 0..<syllables {
      text += onsets[stream.below(onsets.count)] + vowels[stream.below(vowels.count)]
    }
    text += codas[stream.below(codas.count)]
    return text.prefix(1).uppercased() + text.dropFirst()
  }
}
