import Corpus
import Foundation
import LanguageModel
import Training

/// What people call the models of a study: what differs between them, in a few words.
struct ModelWords {
  private let models: [StudyModel]
  private let graphs: [String?]
  /// What the models differ in, beside what has a place of its own, with the words that more than
  /// half of them have.
  private let differing: [(words: (StudyModel) -> String?, usual: String?)]

  init(_ file: StudyFile) {
    models = file.models
    graphs = file.graphs.map(\.name)
    let options = TrainingOption.all.map { option in
      { (model: StudyModel) in option.words(model.request) }
    }
    differing = (options + [Self.start]).compactMap { words in
      let values = file.models.compactMap(words)
      guard Set(values).count > 1 else { return nil }
      let usual = values.first { value in 2 * values.count { $0 == value } > values.count }
      return (words, usual)
    }
  }

  /// "from base on facts.tsv".
  private static func start(_ model: StudyModel) -> String? {
    if let compression = model.compression { return "\(compression.words) of \(model.from ?? "")" }
    if let hardening = model.hardening {
      let rounds = "\(hardening.rounds) round\(hardening.rounds == 1 ? "" : "s")"
      return "hardened by \(rounds) of \(hardening.attack) from \(model.from ?? "")"
    }
    let said = model.textOf.isEmpty ? nil : model.textOf.joined(separator: " and ")
    let words = model.text.map(\.words).flatMap { $0.isEmpty ? nil : "(\($0))" }
    let parts = [
      model.from.map { "from \($0)" }, said.map { "on words of \($0)" }, words,
      model.only.map { "on \($0.lastPathComponent)" },
    ].compactMap(\.self)
    return parts.isEmpty ? "fresh" : parts.joined(separator: " ")
  }

  /// "no qk-norm, bf16": what is not as with most models, or "baseline" where all is.
  ///
  /// Nil where the models differ in nothing but graph, size, horizon, fraction, learning rate and
  /// seed.
  func variant(_ model: StudyModel) -> String? {
    guard !differing.isEmpty else { return nil }
    let words = differing.map { ($0.words(model), $0.usual) }.filter { $0 != $1 }
      .compactMap(\.0)
    return words.isEmpty ? "baseline" : words.joined(separator: ", ")
  }

  /// One name for each model, with a number where words are not enough.
  var names: [String] {
    let requests = models.map(\.request)
    let hasSeeds = Set(requests.map(\.seed)).count > 1
    let hasFractions = Set(requests.map(\.fraction)).count > 1
    let hasRates = Set(requests.map(\.learningRate)).count > 1
    var counts: [String: Int] = [:]
    return models.map { model in
      let request = model.request
      var name = "\(request.size), \(request.training.horizon.words)"
      if let graph = graphs[model.graph] { name += ", \(graph)" }
      if hasFractions { name += ", fraction \(request.fraction)" }
      if hasRates {
        name += ", " + (request.learningRate.map { "learning rate \($0)" } ?? "usual learning rate")
      }
      if let variant = variant(model) { name += ", \(variant)" }
      if hasSeeds { name += ", seed \(request.seed)" }
      counts[name, default: 0] += 1
      let count = counts[name] ?? 1
      return count == 1 ? name : "\(name) (\(count))"
    }
  }
}
