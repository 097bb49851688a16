import Training

/// What people call the models of a study: what differs between them, in a few words.
struct ModelWords {
  private let models: [TrainingRequest]
  /// Options in which the models differ, beside those that have a place of their own, with the words of the value
  /// that more than half of the models have.
  private let differing: [(option: TrainingOption, usual: String?)]

  init(_ models: [TrainingRequest]) {
    self.models = models
    differing = TrainingOption.all.compactMap { option in
      let values = models.compactMap(option.words)
      guard Set(values).count > 1 else { return nil }
      let usual = values.first { value in 2 * values.count { $0 == value } > values.count }
      return (option, usual)
    }
  }

  /// "no qk-norm, bf16": what is not as with most models, or "baseline" where all is.
  ///
  /// Nil where the models differ in nothing but size, horizon, fraction, learning rate and seed.
  func variant(_ request: TrainingRequest) -> String? {
    guard !differing.isEmpty else { return nil }
    let words = differing.map { ($0.option.words(request), $0.usual) }.filter { $0 != $1 }
      .compactMap(\.0)
    return words.isEmpty ? "baseline" : words.joined(separator: ", ")
  }

  /// One name for each model, with a number where words are not enough.
  var names: [String] {
    let hasSeeds = Set(models.map(\.seed)).count > 1
    let hasFractions = Set(models.map(\.fraction)).count > 1
    let hasRates = Set(models.map(\.learningRate)).count > 1
    var counts: [String: Int] = [:]
    return models.map { request in
      var name = "\(request.size), \(request.training.horizon.words)"
      if hasFractions { name += ", fraction \(request.fraction)" }
      if hasRates {
        name += ", " + (request.learningRate.map { "learning rate \($0)" } ?? "usual learning rate")
      }
      if let variant = variant(request) { name += ", \(variant)" }
      if hasSeeds { name += ", seed \(request.seed)" }
      counts[name, default: 0] += 1
      let count = counts[name] ?? 1
      return count == 1 ? name : "\(name) (\(count))"
    }
  }
}
