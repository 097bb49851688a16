import Compute
import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

/// Detectors that are compared.
package enum DisjointGroup: String, Codable, CaseIterable, Sendable {
  /// Trained together with penalties on what attacks have in common.
  case joint
  /// Of the same seeds, texts and steps, without penalties.
  case independent
  /// Those, with the mean of their logits, as one.
  case ensemble
}

/// Detectors of a group that were trained at one weight of the penalties, which is 0 without.
package struct DisjointTeam: Hashable, Sendable {
  package let group: DisjointGroup
  package let weight: Double

  package init(_ group: DisjointGroup, weight: Double = 0) {
    self.group = group
    self.weight = weight
  }

  /// "joint at 1".
  var words: String {
    group == .joint ? "\(group.rawValue) at \(Readable.number(weight))" : group.rawValue
  }
}

/// The detectors of every team, with the answers on which they are attacked.
struct DisjointTrial {
  let parameterCount: Int
  let examples: [AttackedExample]
  /// Those trained together in the order of their weights, then the others.
  let teams: [DisjointTeam]
  private let joint: [Double: [FullNetwork]]
  private let independent: [FullNetwork]
  private let search: AttackSearch

  /// Draws the run's answers, splits them by subject and trains; `folder` has trainings that were
  /// stopped.
  init(
    _ run: RunFolder, graph: KnowledgeGraph, _ settings: DisjointSettings, storedIn folder: URL,
    _ work: Work
  ) throws {
    var attack = AttackSettings()
    (attack.kinds, attack.iterations) = ([.gcg], settings.iterations)
    (attack.candidateCount, attack.seed) = (settings.candidateCount, settings.seed)
    let targets = try AttackTargets(run, graph: graph, attack)
    let corpus = run.record.configuration.corpus
    var options = DetectionOptions()
    (options.samples, options.evidence, options.seed) = (settings.sampleCount, 0, settings.seed)
    let seed = Seed(settings.seed)
    let answers = try AnswerDrawer(
      model: run.loadModel(), tokenizer: run.tokenizer, graph: graph, fraction: corpus.fraction,
      wording: corpus.wording, options: options, workers: work.workers
    ).draw(work.part(0...0.05)).judged
    let split = try SubjectSplit(of: graph, seed: seed)
    func part(_ part: SplitPart) -> [JudgedAnswer] {
      answers.filter { split.part(of: $0.subject) == part }
    }
    var training = FullTrainingOptions.ofStateAlone
    training.epochs = settings.epochCount
    training.balancesClasses = true
    func trained(_ weight: Double, _ work: Work) throws -> [FullNetwork] {
      try DisjointTrainer(
        size: ModelSize(named: settings.size),
        contextLength: run.record.configuration.model.contextLength, graph: graph,
        text: TripleText(graph: graph, tokenizer: run.tokenizer, wording: corpus.wording),
        slot: corpus.slot, options: training, penalties: settings.penalties(weight), seed: seed
      ).train(
        Array(0..<settings.memberCount), on: part(.train), validation: part(.validation),
        storedIn: folder.appendingPathComponent("weight-\(weight)"), work)
    }
    let share = 0.85 / Double(settings.weights.count)
    var joint: [Double: [FullNetwork]] = [:]
    for (place, weight) in settings.weights.enumerated() {
      let start = 0.05 + share * Double(place)
      joint[weight] = try trained(
        weight, work.part(start...start + share, "weight \(Readable.number(weight)): "))
    }
    self.joint = joint
    independent = try trained(0, work.part(0.9...1, "independent: "))
    let configuration = independent[0].model.configuration
    parameterCount = configuration.nonEmbeddingParameterCount
    teams =
      settings.weights.map { DisjointTeam(.joint, weight: $0) }
      + [DisjointTeam(.independent), DisjointTeam(.ensemble)]
    // One answer to each query.
    var seen: Set<Int> = []
    var tested = part(.test).filter { seen.insert($0.query).inserted }
    var stream = seed.stream("disjoint/examples")
    stream.shuffle(&tested)
    examples = try tested.prefix(settings.exampleCount).map {
      try targets.example(
        $0.query, answer: $0.answer.tokens + [SpecialToken.end.rawValue],
        isHallucination: $0.isHallucination)
    }
    try targets.check(
      longest: examples.map { AttackedText($0, field: []).line.count }.max() ?? 0,
      context: configuration.contextLength)
    search = try AttackSearch(
      .gcg, attack, length: targets.length, tokenizer: run.tokenizer)
  }

  /// What there is to attack of a team: its detectors one by one, or all as one.
  func victims(_ team: DisjointTeam) throws -> [DetectorVictim] {
    switch team.group {
    case .joint: try (joint[team.weight] ?? []).map { try DetectorVictim($0) }
    case .independent: try independent.map { try DetectorVictim($0) }
    case .ensemble: [try DetectorVictim(ensemble: independent)]
    }
  }

  /// Examples that one worker attacks side by side; rows are a function of them alone.
  static let unitSize = 16

  /// What each detector of a team says to some examples, as they are and with the text that was
  /// found against each of them; nil when stopped.
  ///
  /// `own` are the team's victims. Where the attacked one is wrong as it is, there is no text.
  func rows(
    of range: Range<Int>, _ team: DisjointTeam, _ own: [DetectorVictim],
    unless shouldStop: @Sendable () -> Bool
  ) throws -> [DisjointAnswerRow]? {
    let unit = Array(examples[range])
    let clean = try own.map { victim in
      try victim.outcomes(of: unit.map { AttackedText($0, field: []) }).map { !$0.isWrong }
    }
    var rows: [DisjointAnswerRow] = []
    for (attacked, victim) in own.enumerated() {
      let right = unit.indices.filter { clean[attacked][$0] }
      guard let found = try search.steps(on: right.map { unit[$0] }, victim, unless: shouldStop)
      else { return nil }
      let texts = Dictionary(
        uniqueKeysWithValues: zip(right, found.map { $0.last?.content ?? [] }))
      for (tested, other) in own.enumerated() {
        let outcomes = try other.outcomes(
          of: unit.indices.map { index in
            AttackedText(
              unit[index], field: texts[index].map(search.field) ?? [])
          })
        for (index, outcome) in outcomes.enumerated() {
          rows.append(
            DisjointAnswerRow(
              detectors: team.group, weight: team.weight, attacked: attacked + 1,
              tested: tested + 1,
              queryID: unit[index].query, subject: unit[index].subject,
              isHallucination: unit[index].isHallucination,
              text: try texts[index].map { content in
                guard let text = search.tokenizer.decode(content) else {
                  throw LabError("a text that was found cannot be read", .failure)
                }
                return text
              }, attackedIsRight: clean[attacked][index], testedIsRight: clean[tested][index],
              isTurned: outcome.isWrong))
        }
      }
    }
    return rows
  }
}
