import Compute
import Evaluation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

/// One entry of `models`: every combination of its lists.
enum ModelGrid {
  /// The most models of a study.
  private static let largestGrid = 10_000

  /// All entries in order, a combination that an earlier entry has already left out.
  static func expand(_ node: SchemaNode, base: TrainingTemplate) throws -> [TrainingRequest] {
    var seen = Set<TrainingRequest>()
    var requests: [TrainingRequest] = []
    for entry in try node.listed() {
      requests += try expandEntry(entry, base: base, room: largestGrid - requests.count)
        .filter { seen.insert($0).inserted }
    }
    return requests
  }

  private static func expandEntry(
    _ node: SchemaNode, base: TrainingTemplate, room: Int
  ) throws -> [TrainingRequest] {
    try node.allow(
      ["sizes", "seeds", "fractions", "learning_rates", "precisions", "model", "training"]
        + horizonKeys)
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
    let horizons = try horizons(node)
    let counts = [
      sizes.count, horizons.count, fractions.count, rates.count, precisions.count, seeds.count,
    ]
    let total = counts.reduce(1.0) { $0 * Double($1) }
    guard total <= Double(room) else {
      throw node.failure(
        "asks for \(Readable.count(total)) models, and with those before it for more than the \(largestGrid) that a "
          + "study may have; shorten its lists, or make several studies")
    }
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
    return requests
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
