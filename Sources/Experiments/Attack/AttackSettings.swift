package import Corpus
package import Evaluation
package import KnowledgeGraph
import LabCore

/// How texts for a slot are found: the values of `--kind`.
package enum AttackKind: String, Codable, CaseIterable, Sendable {
  /// Fresh random tokens in every iteration, until one text succeeds.
  case random
  /// Greedy coordinate gradient: one token is replaced, among those of steepest gradient (arXiv
  /// 2307.15043).
  case gcg
  /// Several texts side by side, one random token replaced at a time.
  case beam
  /// Texts that grow by a token in every iteration, by tokens that a model proposes (arXiv
  /// 2402.15570).
  case beast

  /// Whether a model proposes texts.
  package var hasProposer: Bool { self == .beast }
}

/// What decides an attack beside the run.
package struct AttackSettings: StudySettings {
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
  /// The size of the model that proposes tokens to BEAST, of a study's; nil, and no key, for the
  /// smallest.
  package var proposals: String?
  /// Whether GCG goes on from the best text of all iterations, in place of the last one's best as
  /// published.
  package var keepsBest = false
  package var seed: UInt64 = 0

  package init() {}

  enum CodingKeys: String, SnakeCaseKey {
    case kinds, victims, position, length, iterations, seed, proposals, randomIterations, topK,
      beamWidth
    case exampleCount = "examples"
    case isTargeted = "targeted"
    case candidateCount = "candidates"
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

  package static let all: [StudySetting<AttackSettings>] = [
    StudySetting("kinds", \.kinds) { try $0.distinct { try $0.choice(AttackKind.self) } },
    StudySetting("victims", \.victims) { try $0.distinct { try $0.text() } },
    StudySetting("position", \.position) { try $0.choice(SlotPosition.self) },
    StudySetting("targeted", \.isTargeted) { try $0.boolean() },
    StudySetting("keep_best", \.keepsBest) { try $0.boolean() }, .seed(\.seed),
    StudySetting("proposals", \.proposals) { try $0.modelSize() },
    StudySetting("length", \.length) { try $0.integer(in: lengthRange) },
    StudySetting("examples", \.exampleCount, in: 1...1_000_000),
    StudySetting("iterations", \.iterations, in: 1...100_000),
    StudySetting("random_iterations", \.randomIterations, in: 1...1_000_000),
    StudySetting("candidates", \.candidateCount, in: 1...1_000_000),
    StudySetting("top_k", \.topK, in: 1...1_000_000),
    StudySetting("beam_width", \.beamWidth, in: 1...10_000),
    StudySetting("beast_width", \.beastWidth, in: 1...10_000),
  ]
  /// Of tokens after `<X>`.
  package static let lengthRange = 1...1_024

  package func finish(_ node: SchemaNode) throws {
    guard let value = node.optional("proposals"), !kinds.contains(where: \.hasProposer) else {
      return
    }
    throw value.failure("is for the kind beast, which is not among kinds; leave it out")
  }
}
