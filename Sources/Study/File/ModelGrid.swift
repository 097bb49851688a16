import Compute
import Corpus
import Evaluation
import Experiments
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

/// The entries of `models`: each is every combination of its lists.
package struct ModelGrid {
  let base: TrainingTemplate
  /// Names of the study's graphs; empty where it has one without a name.
  let graphs: [String]
  /// Where paths begin.
  let folder: URL

  /// What an entry may say.
  package static let keys =
    ["name", "graphs", "sizes", "seeds", "fractions", "learning_rates", "precisions", "model"]
    + ["training", "from", "only", "compress", "harden", "text_of", "text"]
    + horizonKeys

  /// The most models of a study.
  private static let largestGrid = 10_000

  /// All entries in order, a combination that an earlier entry has already left out.
  func expand(_ node: SchemaNode) throws -> [StudyModel] {
    var seen: Set<StudyModel> = []
    var entries: Set<String> = []
    var models: [StudyModel] = []
    for entry in try node.listed() {
      let named = try entry.optional("text_of")?.listed() ?? []
      for from in named + [entry.optional("from")].compactMap(\.self) {
        guard entries.contains(try from.text()) else {
          throw from.failure(
            "names no entry of models before it: '\(try from.text())'; give that entry a name"
              + Suggestion.hint(for: try from.text(), in: entries.sorted()))
        }
      }
      models += try
        (compressed(entry, models) ?? hardened(entry, models)
        ?? expandEntry(entry, room: Self.largestGrid - models.count))
        .filter { model in
          var key = model
          key.entry = nil
          return seen.insert(key).inserted
        }
      if let name = try entry.optional("name")?.text() { entries.insert(name) }
    }
    return models
  }

  /// Each model of an earlier entry in each way of `compress`; nil for an entry without.
  private func compressed(_ node: SchemaNode, _ models: [StudyModel]) throws -> [StudyModel]? {
    guard let list = node.optional("compress") else { return nil }
    try node.allow(["name", "from", "compress"])
    let entry = try node.required("from", example: "base").text()
    let ways = try list.distinct { item in
      try item.allow(["bits", "prune"])
      return WeightCompression(
        bits: try item.optional("bits").flatMap {
          Int(try $0.choice(WeightCompression.bitChoices.map(String.init)))
        },
        prune: try item.optional("prune")?.number("at least 0, below 1") { $0 >= 0 && $0 < 1 }
          ?? 0)
    }
    let name = try node.optional("name")?.text()
    guard !models.contains(where: { $0.entry == entry && $0.compression != nil }) else {
      throw node.failure(
        "compresses '\(entry)', which is compressed already; name the entry that was trained, with bits and prune in "
          + "one item")
    }
    return ways.flatMap { way in
      models.filter { $0.entry == entry }.map { parent in
        var model = parent
        (model.entry, model.from, model.compression) = (name, entry, way)
        return model
      }
    }
  }

  /// Each model of an earlier entry after the rounds of `harden`; nil for an entry without.
  private func hardened(_ node: SchemaNode, _ models: [StudyModel]) throws -> [StudyModel]? {
    guard let settings = node.optional("harden") else { return nil }
    try node.allow(["name", "from", "harden"])
    let entry = try node.required("from", example: "base").text()
    try settings.allow(AdversarialTraining.names.filter { $0 != "balanced" })
    let training = try AdversarialTraining(study: settings)
    let name = try node.optional("name")?.text()
    return try models.filter { $0.entry == entry }.map { parent in
      guard !parent.isDerived else {
        throw node.failure(
          "hardens '\(entry)', which is made of another entry already; name the entry that was trained"
        )
      }
      if let setting = TrainingNeed.slot.missing(in: parent.request, isFresh: true) {
        throw node.failure(
          "hardens '\(entry)', whose lines have no slot to put texts into; give it training: {\(setting)}"
        )
      }
      var model = parent
      (model.entry, model.from, model.hardening) = (name, entry, training)
      return model
    }
  }

  private func expandEntry(_ node: SchemaNode, room: Int) throws -> [StudyModel] {
    try node.allow(Self.keys)
    let places =
      try node.optional("graphs")?.distinct { item in
        let name = try item.choice(graphs)
        return graphs.firstIndex(of: name) ?? 0
      } ?? Array(0..<max(1, graphs.count))
    let sizes = try node.required("sizes", example: "[3k, 10k]").distinct { try $0.modelSize() }
    let seeds = try node.optional("seeds")?.distinctIntegers(in: 0...Int.max) ?? [0]
    let fractions =
      try node.optional("fractions")?.distinct { item in
        try item.number("above 0, at most 1") { $0 > 0 && $0 <= 1 }
      } ?? [1]
    var template = base
    if let model = node.optional("model") { try template.read(.model, model) }
    if let training = node.optional("training") { try template.read(.training, training) }
    var request = template.request
    var rates = [request.learningRate]
    if let list = node.optional("learning_rates") {
      rates = try list.distinct { Double(try $0.text(.learningRate)) }
    }
    var precisions = [request.training.precision]
    if let list = node.optional("precisions") {
      // Two choices may be one precision on this machine.
      precisions = try list.distinct { try $0.choice(PrecisionChoice.self) }.map { $0.resolved() }
    }
    let horizons = try Self.horizons(node)
    let only = try node.optional("only").map { try StudyPaths.existing($0, folder: folder) }
    let textOf = try node.optional("text_of")?.distinct { try $0.text() } ?? []
    let text = try Self.text(node)
    let counts = [
      places.count, sizes.count, horizons.count, fractions.count, rates.count, precisions.count,
      seeds.count,
    ]
    let total = counts.reduce(1.0) { $0 * Double($1) }
    guard total <= Double(room) else {
      throw node.failure(
        "asks for \(Readable.count(total)) models, and with those before it for more than the \(Self.largestGrid) that a "
          + "study may have; shorten its lists, or make several studies")
    }
    var model = StudyModel(request)
    model.entry = try node.optional("name")?.text()
    model.from = try node.optional("from")?.text()
    model.only = only
    model.textOf = textOf
    // One loop for each list, the last the fastest.
    var requests: [TrainingRequest] = []
    for size in sizes {
      for horizon in horizons {
        for fraction in fractions {
          for rate in rates {
            for precision in precisions {
              request.size = size
              request.training.horizon = horizon
              request.fraction = fraction
              request.learningRate = rate
              request.training.precision = precision
              requests += seeds.map { seed in
                request.seed = UInt64(seed)
                return request
              }
            }
          }
        }
      }
    }
    return places.flatMap { place in
      requests.map { request in
        model.graph = place
        model.request = request
        model.text = text
        model.text?.seed = request.seed
        model.text?.reward?.seed = request.seed
        return model
      }
    }
  }

  /// Which answers a text is made of; nil where it is the graph's.
  private static func text(_ node: SchemaNode) throws -> AnswerText? {
    guard let of = node.optional("text_of") else {
      if let text = node.optional("text") {
        throw text.failure("needs text_of beside it: the entry whose models answer")
      }
      return nil
    }
    if node.optional("only") != nil {
      throw of.failure("is there beside only; leave one out")
    }
    var text = AnswerText()
    guard let settings = node.optional("text") else { return text }
    try settings.allow([
      "temperature", "top_k", "queries", "real", "synthetic", "samples", "right", "reward",
    ])
    func number(_ key: String) throws -> Double? {
      try settings.optional(key)?.number("a number") { $0.isFinite }
    }
    func count(_ key: String) throws -> Int? {
      try settings.optional(key)?.integer(in: 1...1_000_000)
    }
    text.temperature = try number("temperature") ?? text.temperature
    text.queries = try number("queries") ?? text.queries
    text.real = try number("real") ?? text.real
    text.synthetic = try number("synthetic") ?? text.synthetic
    text.topK = try count("top_k")
    text.samples = try count("samples")
    text.right = try count("right")
    text.reward = try settings.optional("reward").map(reward)
    do {
      try text.validate()
    } catch let failure as LabError {
      throw settings.failure("cannot be: \(failure)")
    }
    return text
  }

  /// The detectors that say which answers are right.
  private static func reward(_ node: SchemaNode) throws -> RewardChoice {
    try node.allow(["ensemble", "combine", "penalty", "flips", "samples", "hidden"])
    var choice = RewardChoice()
    if let value = node.optional("ensemble") {
      choice.ensemble = try value.choice(RewardChoice.Ensemble.self)
    }
    if let value = node.optional("combine") {
      choice.combination = try value.choice(RewardChoice.Combination.self)
    }
    func number(_ key: String) throws -> Double? {
      try node.optional(key)?.number("a number") { $0.isFinite }
    }
    choice.penalty = try number("penalty") ?? choice.penalty
    choice.flips = try number("flips") ?? choice.flips
    choice.samples = try node.optional("samples")?.integer(in: 1...256) ?? choice.samples
    choice.hidden = try node.optional("hidden")?.integer(in: 1...4_096) ?? choice.hidden
    return choice
  }

  private static let horizonKeys = ["epochs", "steps", "tokens", "flops"]

  /// The one list of horizons.
  private static func horizons(_ node: SchemaNode) throws -> [Horizon] {
    let given = horizonKeys.filter { node.optional($0) != nil }
    if given.count > 1, let second = node.optional(given[1]) {
      throw second.failure("is there beside \(given[0]); leave one out")
    }
    if let steps = node.optional("steps") {
      return try steps.distinctIntegers(in: 1...1_000_000_000).map { .steps($0) }
    }
    if let tokens = node.optional("tokens") {
      return try tokens.distinctIntegers(in: 1...Int.max).map { .tokens($0) }
    }
    if let flops = node.optional("flops") {
      return try flops.distinct { item in
        .flops(try item.number("above 0") { $0 > 0 && $0.isFinite })
      }
    }
    return try node.required("epochs", example: "[20, 100]").distinctIntegers(in: 1...1_000_000)
      .map { .epochs($0) }
  }
}
