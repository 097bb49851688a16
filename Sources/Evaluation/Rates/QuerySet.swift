package import KnowledgeGraph

/// The queries a rate is taken over.
package enum QuerySet: String, Codable, CaseIterable, Sendable {
  /// Fully visible.
  case fvs
  /// Partially visible.
  case pvs
  /// Invisible.
  case ivs
  /// Fully and partially visible: what arXiv 2408.07852 calls the training set.
  case seen
  /// All, of a model that was trained elsewhere on what is not known.
  case unknown

  /// Those of models whose training is known.
  package static let allCases = [QuerySet.fvs, .pvs, .ivs, .seen]
  /// With that of the others.
  package static let all = allCases + [.unknown]

  /// Whether queries of this visibility belong to the set.
  package func contains(_ visibility: Visibility) -> Bool {
    switch self {
    case .fvs: visibility == .fvs
    case .pvs: visibility == .pvs
    case .ivs: visibility == .ivs
    case .seen: visibility == .fvs || visibility == .pvs
    case .unknown: visibility == .unknown
    }
  }
}

/// How a rate was measured.
package enum EvaluationMethod: String, Codable, CaseIterable, Sendable {
  /// From the probabilities of the answers; no sampling noise.
  case exact
  /// From completions drawn at a temperature above 0.
  case sampled
  /// From the completion that takes the likeliest token at each step.
  case greedy
}

/// One way of measuring at one temperature; greedy is at temperature 0.
package struct RateSeries: Codable, Hashable, Sendable {
  package let method: EvaluationMethod
  package let temperature: Double

  package init(_ method: EvaluationMethod, temperature: Double) {
    self.method = method
    self.temperature = temperature
  }
}

extension EvaluationOptions {
  /// What is measured, in the order of tables: exact, sampled, greedy.
  package var series: [RateSeries] {
    let drawn = sampleTemperatures
    return exactTemperatures.map { RateSeries(.exact, temperature: $0) }
      + drawn.filter { $0 > 0 }.map { RateSeries(.sampled, temperature: $0) }
      + drawn.filter { $0 == 0 }.map { RateSeries(.greedy, temperature: $0) }
  }
}
