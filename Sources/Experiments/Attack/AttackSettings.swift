package import Corpus
import Evaluation
import KnowledgeGraph
import LabCore

/// How texts for a slot are found: the values of `--kind`.
package enum AttackKind: String, Codable, CaseIterable, Sendable {
  /// Fresh random tokens in every iteration, until one text succeeds.
  case random
  /// Greedy coordinate gradient: one token is replaced, among those of steepest gradient (arXiv 2307.15043).
  case gcg
  /// Several texts side by side, one random token replaced at a time.
  case beam
  /// Texts that grow by a token in every iteration, by tokens that a model proposes (arXiv 2402.15570).
  case beast

  /// Whether a model proposes texts.
  package var hasProposer: Bool { self == .beast }
}

/// What decides an attack beside the run.
package struct AttackSettings: Codable, Hashable, Sendable {
  package var kinds: [AttackKind] = [.random, .gcg]
  /// What is attacked: "model", or names of full detectors of whole answers, such as "full-10k".
  package var victims = ["model"]
  package var position = SlotPosition.suffix
  /// Tokens after `<X>`; nil for as many as in training.
  package var length: Int?
  /// Queries that are asked; those answered right are attacked.
  package var exampleCount = 200
  /// Whether only the chosen wrong answer is a success, or any.
  package var isTargeted = false
  /// Of GCG, beam and BEAST, whose texts have as many tokens.
  package var iterations = 10
  package var randomIterations = 256
  /// Texts that are scored in an iteration of GCG or beam.
  package var candidateCount = 128
  /// Tokens of steepest gradient a place, of which GCG draws.
  package var topK = 256
  package var beamWidth = 5
  /// Texts that BEAST keeps, and tokens that it tries after each.
  package var beastWidth: Int {
    get { ownBeastWidth ?? Self.usualBeastWidth }
    set { ownBeastWidth = newValue == Self.usualBeastWidth ? nil : newValue }
  }
  private static let usualBeastWidth = 15
  /// Nil, and no key, for the usual one.
  private var ownBeastWidth: Int?
  /// The size of the model that proposes tokens to BEAST, of a study's; nil, and no key, for the smallest.
  package var proposals: String?
  /// Whether GCG goes on from the best text of all iterations, in place of the last one's best as published.
  package var keepsBest = false
  package var seed: UInt64 = 0

  package init() {}

  enum CodingKeys: String, CodingKey {
    case kinds, victims, position, length, iterations, seed, proposals
    case exampleCount = "examples"
    case isTargeted = "targeted"
    case randomIterations = "random_iterations"
    case candidateCount = "candidates"
    case topK = "top_k"
    case beamWidth = "beam_width"
    case ownBeastWidth = "beast_width"
    case keepsBest = "keep_best"
  }

  /// The longest text of any kind, in tokens, where those of a fixed length have `length`.
  func longest(_ length: Int) -> Int { kinds.contains(.beast) ? max(length, iterations) : length }

  /// How many iterations attacks of a kind have.
  package func iterationCount(of kind: AttackKind) -> Int {
    kind == .random ? randomIterations : iterations
  }

  // MARK: A study's settings

  static let settingNames = [
    "kinds", "victims", "position", "length", "examples", "targeted", "iterations",
    "random_iterations",
    "candidates", "top_k", "beam_width", "beast_width", "proposals", "keep_best", "seed",
  ]

  /// The numbers with their ranges, by their names in a study, which with dashes are those of the options.
  package static let ranges:
    [(
      name: String, path: any WritableKeyPath<AttackSettings, Int> & Sendable,
      range: ClosedRange<Int>
    )] = [
      ("examples", \.exampleCount, 1...1_000_000), ("iterations", \.iterations, 1...100_000),
      ("random_iterations", \.randomIterations, 1...1_000_000),
      ("candidates", \.candidateCount, 1...1_000_000), ("top_k", \.topK, 1...1_000_000),
      ("beam_width", \.beamWidth, 1...10_000), ("beast_width", \.beastWidth, 1...10_000),
    ]
  /// Of tokens after `<X>`.
  package static let lengthRange = 1...1_024

  init(study node: SchemaNode) throws {
    if let value = node.optional("kinds") {
      kinds = try value.distinct { try $0.choice(AttackKind.self) }
    }
    if let value = node.optional("victims") { victims = try value.distinct { try $0.text() } }
    if let value = node.optional("position") { position = try value.choice(SlotPosition.self) }
    if let value = node.optional("targeted") { isTargeted = try value.boolean() }
    if let value = node.optional("keep_best") { keepsBest = try value.boolean() }
    if let value = node.optional("seed") { seed = UInt64(try value.integer(in: 0...Int.max)) }
    if let value = node.optional("proposals") {
      guard kinds.contains(where: \.hasProposer) else {
        throw value.failure("is for the kind beast, which is not among kinds; leave it out")
      }
      proposals = try value.modelSize()
    }
    length = try node.optional("length")?.integer(in: Self.lengthRange)
    for (name, path, range) in Self.ranges {
      if let value = node.optional(name) { self[keyPath: path] = try value.integer(in: range) }
    }
  }
}
