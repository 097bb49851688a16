import Compute
import Corpus
import KnowledgeGraph

extension EvaluationOptions {
  static let settingNames = [
    "samples", "temperatures", "exact_temperatures", "seed", "precision", "resamples",
    "phrasing", "top_k", "top_p", "candidates",
  ]

  /// Reads `evaluation` of a study over the defaults.
  init(study node: SchemaNode) throws {
    self.init()
    func temperatures(_ key: String, _ rule: String, canBeGreedy: Bool) throws -> [Double]? {
      try node.optional(key)?.distinct { item in
        try item.number(rule + Self.temperatureRange) {
          Self.temperatures.contains($0) || canBeGreedy && $0 == 0
        }
      }
    }
    if let value = node.optional("samples") {
      samples = try value.integer(in: 1...Self.maximumSamples)
    }
    if let values = try temperatures("temperatures", "0 (greedy), or ", canBeGreedy: true) {
      sampleTemperatures = values
    }
    if let values = try temperatures("exact_temperatures", "", canBeGreedy: false) {
      exactTemperatures = values
    }
    guard exactTemperatures.contains(1) else {
      throw node.failure(
        "needs 1 among exact_temperatures: the headline rate is the exact one at 1")
    }
    if let value = node.optional("seed") { seed = UInt64(try value.integer(in: 0...Int.max)) }
    if let value = node.optional("precision") { precision = try value.choice(Precision.self) }
    if let value = node.optional("resamples") {
      resampleCount = try value.integer(in: 0...1_000_000)
    }
    if let value = node.optional("top_k") { topK = try value.integer(in: 1...Int.max) }
    if let value = node.optional("top_p") {
      topP = try value.number("above 0, at most 1") { $0 > 0 && $0 <= 1 }
    }
    if let value = node.optional("candidates") {
      candidates = try value.integer(in: 1...Self.maximumCandidates)
    }
    if let value = node.optional("phrasing") { phrasing = try value.choice(AskedPhrasing.self) }
    do {
      try validate()
    } catch {
      throw node.failure("is impossible: \(error)")
    }
  }
}
