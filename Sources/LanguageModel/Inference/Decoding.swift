/// The completions under way in one group of prompts.
struct Decoding {
  /// One completion that still grows.
  struct Row {
    let prompt: Int
    let sample: Int
    /// Tokens in the cache, which is also the place of the newest token.
    var length: Int32
    var newest: Int32 = 0
  }

  private(set) var rows: [Row] = []
  private(set) var completions: [[Completion]]
  private let options: GenerationOptions

  init(prompts: [[Int32]], options: GenerationOptions) {
    self.options = options
    completions = prompts.map { _ in
      [Completion](repeating: Completion(), count: options.samples)
    }
    for (prompt, tokens) in prompts.enumerated() {
      for sample in 0..<options.samples {
        rows.append(Row(prompt: prompt, sample: sample, length: Int32(tokens.count) - 1))
      }
    }
  }

  /// Records the tokens just drawn, one a row.
  mutating func take(tokens: [Int32], logProbabilities: [Float]) {
    for index in rows.indices {
      rows[index].newest = tokens[index]
      rows[index].length += 1
      let row = rows[index]
      completions[row.prompt][row.sample].logProbability += Double(logProbabilities[index])
    }
  }

  /// Books the newest tokens; returns the indices of rows that go on.
  mutating func finishStep() -> [Int] {
    rows.indices.filter { index in
      let row = rows[index]
      if row.newest == options.endToken {
        completions[row.prompt][row.sample].ended = true
        return false
      }
      if options.stopTokens.contains(row.newest) { return false }
      completions[row.prompt][row.sample].tokens.append(row.newest)
      return true
    }
  }

  /// Drops all rows but those at the given indices.
  mutating func keep(_ indices: [Int]) { rows = indices.map { rows[$0] } }
}
