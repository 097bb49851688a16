import Compute
import Corpus
import Detection
import Evaluation
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

/// The detectors of every group, with the answers on which they are attacked.
struct DisjointTrial {
  let parameterCount: Int
  private let joint: [FullNetwork]
  private let independent: [FullNetwork]
  private let examples: [AttackedExample]
  private let search: AttackSearch

  /// Draws the run's answers, splits them by subject and trains.
  init(
    _ run: RunFolder, graph: KnowledgeGraph, _ settings: DisjointSettings, _ work: Work
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
      var penalties = settings.penalties
      penalties.weight = weight
      return try DisjointTrainer(
        size: ModelSize(named: settings.size),
        contextLength: run.record.configuration.model.contextLength, graph: graph,
        text: TripleText(graph: graph, tokenizer: run.tokenizer, wording: corpus.wording),
        slot: corpus.slot, options: training, penalties: penalties, seed: seed
      ).train(
        Array(0..<settings.memberCount), on: part(.train), validation: part(.validation), work)
    }
    joint = try trained(settings.penalties.weight, work.part(0.05...0.45))
    independent = try trained(0, work.part(0.45...0.5))
    parameterCount = joint[0].model.configuration.nonEmbeddingParameterCount
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
      context: joint[0].model.configuration.contextLength)
    search = try AttackSearch(
      .gcg, attack, length: targets.length, tokenizer: run.tokenizer)
  }

  /// What there is to attack of a group: its detectors one by one, or all as one.
  private func victims(_ group: DisjointGroup) throws -> [DetectorVictim] {
    switch group {
    case .joint: try joint.map { try DetectorVictim($0) }
    case .independent: try independent.map { try DetectorVictim($0) }
    case .ensemble: [try DetectorVictim(ensemble: independent)]
    }
  }

  /// Examples that one worker attacks side by side.
  private static let unitSize = 16

  /// What each detector of a group says to each example, as it is and with the text that was found against each of them; where the
  /// attacked one is wrong as it is, there is no text.
  func rows(of group: DisjointGroup, _ work: Work) throws -> [DisjointAnswerRow] {
    let pool = try WorkerPool(workerCount: work.workers)
    let victims = try (0..<work.workers).map { _ in try self.victims(group) }
    let starts = Array(stride(from: 0, to: examples.count, by: Self.unitSize))
    let units = try pool.map(pieces: starts.count) { worker, piece -> [DisjointAnswerRow]? in
      let unit = Array(
        examples[starts[piece]..<min(starts[piece] + Self.unitSize, examples.count)])
      let own = victims[worker]
      let clean = try own.map { victim in
        try victim.outcomes(of: unit.map { AttackedText($0, field: []) }).map { !$0.isWrong }
      }
      var rows: [DisjointAnswerRow] = []
      for (attacked, victim) in own.enumerated() {
        let right = unit.indices.filter { clean[attacked][$0] }
        guard
          let found = try search.steps(
            on: right.map { unit[$0] }, victim, unless: work.shouldStop)
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
                detectors: group, attacked: attacked + 1, tested: tested + 1,
                queryID: unit[index].query, subject: unit[index].subject,
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
    work.report(1, group.rawValue)
    return try units.flatMap { unit in
      guard let unit else {
        throw LabError.interrupted("stopped while detectors were attacked; nothing is stored")
      }
      return unit
    }
  }
}
