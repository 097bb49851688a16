import Corpus
package import Evaluation
import KnowledgeGraph
import LabCore
package import Training

/// What is hardened, how, and by which attacks each round is tested.
package struct HardeningSettings: Codable, Hashable, Sendable {
  /// "model", or names of full detectors of whole answers, such as "full-10k".
  package var victims = ["model"]
  package var training = AdversarialTraining()
  /// Attacks on every round; what is asked and the seed are the training's.
  package var tests: [AttackSettings]

  package init() { tests = [Self.usualTest(training)] }

  /// The kind of attack that is trained on, with the iterations of its last round.
  package static func usualTest(_ training: AdversarialTraining) -> AttackSettings {
    var test = AttackSettings()
    test.kinds = [AttackKind(rawValue: training.attack) ?? .gcg]
    test.iterations = training.lastIterations
    test.randomIterations = training.lastIterations
    (test.position, test.length) = (training.position, training.length)
    (test.candidateCount, test.topK) = (training.candidateCount, training.topK)
    (test.beamWidth, test.keepsBest) = (training.beamWidth, training.keepsBest)
    return test
  }

  /// A test as it is made on a victim.
  func test(_ test: AttackSettings, of victim: String) -> AttackSettings {
    var test = test
    test.victims = [victim]
    (test.exampleCount, test.seed) = (training.exampleCount, training.seed)
    return test
  }

  /// What tells a test from the others: "gcg", with what it has other than the training.
  func name(of test: AttackSettings, _ kind: AttackKind) -> String {
    var words = [kind.rawValue]
    if test.position != training.position { words.append(test.position.rawValue) }
    if test.length != training.length {
      words.append(test.length.map { "length \($0)" } ?? "length of the slot")
    }
    if test.isTargeted { words.append("targeted") }
    return words.joined(separator: ", ")
  }

  /// Throws `LabError` where tests cannot be told apart or a setting is out of its range.
  package func validate() throws {
    try training.validate()
    _ = try training.attacks(ofRound: 1, seed: Seed(0))
    let names = tests.flatMap { test in test.kinds.map { name(of: test, $0) } }
    guard let twice = names.first(where: { name in names.count { $0 == name } > 1 }) else { return }
    throw LabError(
      "two tests of hardening are called '\(twice)'; let them differ in kind, position, length or targeted",
      .usage)
  }

  // MARK: A study's settings

  static let settingNames = ["victims", "tests"] + AdversarialTraining.names

  init(study node: SchemaNode) throws {
    if let value = node.optional("victims") { victims = try value.distinct { try $0.text() } }
    training = try AdversarialTraining(study: node)
    tests = [Self.usualTest(training)]
    let list = node.optional("tests")
    let others = ["victims", "examples", "seed", "proposals"]
    tests =
      try list?.listed().map { item in
        try item.allow(AttackSettings.names.filter { !others.contains($0) })
        var test = try AttackSettings(study: item)
        if item.optional("position") == nil { test.position = training.position }
        if item.optional("length") == nil { test.length = training.length }
        return test
      } ?? tests
    do {
      try validate()
    } catch let failure as LabError {
      throw (list ?? node).failure("cannot be: \(failure)")
    }
  }
}

/// What a round does, as a study says it.
extension AdversarialTraining: StudySettings {
  package static let all: [StudySetting<AdversarialTraining>] =
    [
      StudySetting("attack", \.attack) { try $0.choice(AttackKind.self).rawValue },
      StudySetting("position", \.position) { try $0.choice(SlotPosition.self) },
      StudySetting("length", \.length) { try $0.integer(in: lengthRange) },
      StudySetting("keep_best", \.keepsBest) { try $0.boolean() },
      StudySetting("balanced", \.isBalanced) { try $0.boolean() },
      StudySetting("share", \.share) {
        try $0.number("between 0.01 and 0.99") { shareRange.contains($0) }
      },
      StudySetting("learning_rate", \.learningRate) {
        try $0.number("between 1e-9 and 1") { rateRange.contains($0) }
      },
      .seed(\.seed),
    ] + numbers.map { StudySetting($0.name, $0.path, in: $0.range) }
}
