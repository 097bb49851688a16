import Compute
import Corpus
package import KnowledgeGraph

extension EvaluationOptions: StudySettings {
  package static let all: [StudySetting<EvaluationOptions>] = [
    StudySetting("samples", \.samples, in: 1...maximumSamples),
    StudySetting("temperatures", \.sampleTemperatures) {
      try $0.distinct { try temperature($0, "0 (greedy), or ", canBeGreedy: true) }
    },
    StudySetting("exact_temperatures", \.exactTemperatures) {
      try $0.distinct { try temperature($0, "", canBeGreedy: false) }
    },
    .seed(\.seed), StudySetting("precision", \.precision) { try $0.choice(Precision.self) },
    .resamples(\.resampleCount), StudySetting("top_k", \.topK) { try $0.integer(in: 1...Int.max) },
    StudySetting("top_p", \.topP) { try $0.number("above 0, at most 1") { $0 > 0 && $0 <= 1 } },
    StudySetting("candidates", \.candidates) { try $0.integer(in: 1...maximumCandidates) },
    StudySetting("phrasing", \.phrasing) { try $0.choice(AskedPhrasing.self) },
  ]

  private static func temperature(
    _ node: SchemaNode, _ rule: String, canBeGreedy: Bool
  ) throws -> Double {
    try node.number(rule + temperatureRange) {
      temperatures.contains($0) || canBeGreedy && $0 == 0
    }
  }

  package func finish(_ node: SchemaNode) throws {
    guard exactTemperatures.contains(1) else {
      throw node.failure(
        "needs 1 among exact_temperatures: the headline rate is the exact one at 1")
    }
    do {
      try validate()
    } catch {
      throw node.failure("is impossible: \(error)")
    }
  }
}
