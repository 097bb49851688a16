import Compute
import Corpus
import Detection
import Evaluation
import Experiments
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

struct AttackMeasureTests {
  private let graph = SmallGraph.people(24)
  private let quiet = Work(shouldStop: { false })

  private func run(
    slot share: Double = 0.5, epochs: Int = 120,
    _ change: (inout TrainingRequest) -> Void = { _ in }
  ) throws -> TrainedRun {
    try TrainedRun(graph, epochs: epochs) { request, _ in
      request.size = "10k"
      request.loss = .object
      request.learningRate = 0.01
      request.training.tokensPerStep = 128
      request.slotShare = share
      request.slotLength = 3
      change(&request)
    }
  }

  private func subject(_ run: TrainedRun) -> MeasuredRun {
    MeasuredRun(folder: run.folder, record: run.run.record) { run.graph }
  }

  private func measure(_ change: (inout AttackSettings) -> Void = { _ in }) -> AttackMeasure {
    var settings = AttackSettings()
    settings.kinds = AttackKind.allCases
    settings.exampleCount = 40
    settings.iterations = 3
    settings.randomIterations = 6
    settings.candidateCount = 10
    change(&settings)
    return AttackMeasure(settings)
  }

  /// Rates are those of the rows; clean answers those of an evaluation; the same again, and after
  /// being stopped.
  @Test func ratesAreThoseOfTheRows() throws {
    let trained = try run()
    let subject = subject(trained)
    #expect(try measure().storedKey(of: subject) == nil)
    let stopped = Work(workers: 1, shouldStop: stopping(after: 9))
    expectFailure("stopped after") { _ = try measure().summary(of: subject, stopped) }
    #expect(try measure().storedKey(of: subject) == nil)
    let summary = try measure().summary(of: subject, Work(workers: 2, shouldStop: { false }))
    #expect(try measure().storedKey(of: subject) == summary.key)
    #expect(try measure().summary(of: subject, quiet) == summary)
    let victim = try #require(summary.victims.first)
    #expect(victim.exampleCount == 40 && victim.length == 3 && victim.name == "model")
    #expect(victim.rightCount > 5)

    let database = try #require(try RunDatabase.read(in: trained.folder))
    let options = { () -> EvaluationOptions in
      var options = EvaluationOptions()
      options.sampleTemperatures = [0]
      options.resampleCount = 0
      return options
    }()
    let evaluation = try trained.run.evaluate(options, graph: graph, work: quiet)
    let answers = try #require(try RunDatabase.read(in: trained.folder)).answers(
      key: evaluation.key, temperature: 0, of: graph,
      vocabularySize: trained.run.record.configuration.model.vocabularySize)
    let verdicts = Dictionary(uniqueKeysWithValues: answers.map { ($0.query, $0.answer) })
    try database.read { rows in
      for row in try Row.fetchAll(
        rows, sql: "SELECT query_id, is_right, answer FROM attack_example")
      {
        let own = try #require(verdicts[row[0]])
        #expect(own.verdict.isHallucination != (row[1] as Bool) && own.text == row[2])
      }
      for rate in summary.rates {
        let count = try Int.fetchOne(
          rows,
          sql: """
            SELECT count(*) FROM attack_step s WHERE attack = ? AND is_success
              AND iteration = (SELECT max(iteration) FROM attack_step o
                WHERE o.attack = s.attack AND o.query_id = s.query_id AND o.iteration <= ?)
            """, arguments: [rate.attack.rawValue, rate.iteration])
        #expect(count == rate.successCount && rate.attackedCount == victim.rightCount)
        #expect(rate.lower <= rate.successRate && rate.successRate <= rate.upper)
        #expect(
          abs(
            rate.accuracy
              - Double(rate.attackedCount - rate.successCount) / Double(victim.exampleCount))
            < 1e-12)
      }
      // 2 N T a text: N outside the embedding, T of prompt, field and wrong answer.
      let parameters = trained.run.record.nonEmbeddingParameterCount
      let flops = try Double.fetchAll(
        rows, sql: "SELECT DISTINCT flops FROM attack_step WHERE attack = 'random'")
      #expect(flops.allSatisfy { Int($0) % (2 * parameters) == 0 })
    }
    #expect(summary.rates.count == 3 + 3 + 6 + 3)
    try database.read {
      for row in try Row.fetchAll($0, sql: "SELECT attack, iteration, text FROM attack_step") {
        let count = (row[2] as String).split(separator: " ").count
        #expect(row[0] == "beast" ? count <= (row[1] as Int) && count > 0 : count == 3)
      }
    }
  }

  /// Interrupted or not, and by any number of workers, the rows are the same.
  @Test func rowsAreTheSameHowever() throws {
    let (first, second) = (try run(), try run())
    #expect(first.run.record.weightsHash == second.run.record.weightsHash)
    expectFailure("stopped after") {
      _ = try measure().summary(
        of: subject(first), Work(workers: 1, shouldStop: stopping(after: 14)))
    }
    let a = try measure().summary(of: subject(first), quiet)
    let b = try measure().summary(of: subject(second), Work(workers: 3, shouldStop: { false }))
    #expect(a == b)
    func rows(_ run: TrainedRun) throws -> [String] {
      let database = try #require(try RunDatabase.read(in: run.folder))
      return try database.read { database in
        try Row.fetchAll(database, sql: "SELECT * FROM attack_step ORDER BY 1, 2, 3, 4")
          .map { "\($0)" }
      }
    }
    #expect(try rows(first) == rows(second))
  }

  /// On a real model too, one iteration over all texts of one token finds the lowest loss, and a
  /// beam the same.
  @Test func bestOfAllTextsOfAModel() throws {
    let trained = try run()
    func losses(_ kind: AttackKind) throws -> [Int: Double] {
      let measure = measure {
        $0.kinds = [kind]
        $0.length = 1
        $0.iterations = 1
        $0.candidateCount = 1_000
        $0.topK = 1_000
        $0.beamWidth = 1_000
        $0.keepsBest = true
      }
      let key = try measure.summary(of: subject(trained), quiet).key
      let database = try #require(try RunDatabase.read(in: trained.folder))
      return try database.read { rows in
        let all = try Row.fetchAll(
          rows,
          sql: """
            SELECT s.query_id, s.loss FROM attack_step s JOIN attack a ON a.id = s.attack_id
            WHERE a.key = ?
            """, arguments: [key])
        return Dictionary(uniqueKeysWithValues: all.map { ($0[0], $0[1]) })
      }
    }
    let (gcg, beam) = (try losses(.gcg), try losses(.beam))
    #expect(!gcg.isEmpty && gcg.keys == beam.keys)
    for (query, loss) in gcg { #expect(abs(loss - (beam[query] ?? .nan)) < 1e-5) }
  }

  /// What another run proposes is of its weights, of other tokens refused, and a file of before
  /// BEAST takes it up.
  @Test func anotherRunProposes() throws {
    let trained = try run()
    let other = try run { $0.seed = 9 }
    let beast = measure { $0.kinds = [.beast] }
    let old = try measure { $0.kinds = [.random] }.summary(of: subject(trained), quiet)
    let hash = trained.run.record.configuration.graphHash
    try RunDatabase.open(in: trained.folder, graphHash: hash).write {
      let now = try #require(
        try String.fetchOne($0, sql: "SELECT sql FROM sqlite_master WHERE name = 'attack_rate'"))
      try $0.execute(
        sql: """
          ALTER TABLE attack_rate RENAME TO kept;
          \(now.replacing("attack TEXT NOT NULL,", with: "attack TEXT NOT NULL CHECK (attack IN ('random', 'gcg', 'beam')),"));
          INSERT INTO attack_rate SELECT * FROM kept;
          DROP TABLE kept;
          """)
    }
    let own = try beast.summary(of: subject(trained), quiet)
    let proposed = MeasuredRun(
      folder: trained.folder, record: trained.run.record, siblings: [subject(other)]
    ) { self.graph }
    let found = try beast.summary(of: proposed, quiet)
    #expect(found.key != own.key && found.rates != own.rates)
    #expect(try beast.storedKey(of: proposed) == found.key)
    #expect(beast.among(["30k", "3k", "10k"]).siblings == ["3k"])
    #expect(measure { $0.kinds = [.gcg] }.among(["3k"]).siblings.isEmpty)
    let stored = try #require(try RunDatabase.read(in: trained.folder)).read {
      try Int.fetchOne($0, sql: "SELECT count(*) FROM attack_rate")
    }
    #expect(stored == old.rates.count + own.rates.count + found.rates.count)
    let unlike = try run { $0.tokenizer = .bpe }
    expectFailure("has other tokens than") {
      _ = try beast.summary(
        of: MeasuredRun(
          folder: trained.folder, record: trained.run.record, siblings: [self.subject(unlike)]
        ) { self.graph }, self.quiet)
    }
  }

  @Test func aModelWithoutASlotIsRefused() throws {
    let plain = try run(slot: 0)
    expectFailure("--slot-share 0.3") { try measure().summary(of: subject(plain), quiet) }
    let slotted = try run()
    expectFailure("give a --length of at most") {
      try measure { $0.length = 500 }.summary(of: subject(slotted), quiet)
    }
  }

  /// Verdicts of a full detector: right without an attack where its probability says what the graph
  /// does.
  @Test func detectorsAreAttacked() throws {
    let trained = try run(epochs: 25)
    var options = DetectionOptions()
    options.kinds = [.full]
    options.full = [.scratch(size: "3k")]
    options.fullTraining.epochs = 4
    options.tasks = [.sentence]
    (options.samples, options.evidence, options.resampleCount) = (6, 0, 0)
    _ = try DetectionRunner(
      run: trained.run, graph: graph, options: options, keepsFeatures: false
    ).run(quiet)
    let measure = measure { $0.victims = ["model", "full-3k"] }
    let summary = try measure.summary(of: subject(trained), quiet)
    #expect(summary.victims.map(\.name) == ["model", "full-3k"])
    #expect(try measure.storedKey(of: subject(trained)) == summary.key)
    let victim = summary.victims[1]
    #expect(victim.exampleCount > 10 && victim.rightCount > 5)
    let database = try #require(try RunDatabase.read(in: trained.folder))
    try database.read { rows in
      let examples = try Row.fetchAll(
        rows,
        sql: "SELECT answer, is_right, is_hallucination FROM attack_example WHERE victim <> 'model'"
      )
      #expect(examples.count == victim.exampleCount)
      for row in examples {
        let says = try #require(Double(row[0] as String)) > 0.5
        #expect((says == (row[2] as Bool)) == (row[1] as Bool))
      }
      // A step succeeds where the verdict flips: its loss is then below log 2.
      let steps = try Row.fetchAll(
        rows,
        sql: "SELECT loss, is_success FROM attack_step WHERE victim <> 'model' AND loss IS NOT NULL"
      )
      #expect(steps.count == victim.rightCount * 9)
      for row in steps { #expect(((row[0] as Double) < log(2)) == (row[1] as Bool)) }
    }
    expectFailure("has no detector 'full-9k'") {
      _ = try self.measure { $0.victims = ["full-9k"] }.summary(
        of: self.subject(trained), self.quiet)
    }
  }

  /// Gradients of both victims against central differences: `<pad>`, which no text has, goes along
  /// another token.
  @Test func gradientsEqualCentralDifferences() throws {
    let trained = try run()
    let model = try trained.run.loadModel()
    let tokenizer = trained.run.tokenizer
    let text = try TripleText(graph: graph, tokenizer: tokenizer)
    let configuration = model.configuration
    let width = configuration.modelDimension
    let values = model.parameters.copyOut()
    let readOut = (0...width).map { Float($0 % 7) * 0.2 - 0.5 }
    let slot = try #require(tokenizer.slotToken)
    func example(_ index: Int) -> AttackedExample {
      let query = graph.queries[index]
      let prompt = text.prompt(subject: query.subject, predicate: query.predicate)
      return AttackedExample(
        query: index, subject: query.subject, predicate: query.predicate,
        before: prompt.dropLast(), after: [4],
        answer: text.completion(object: graph.answers[query.answers.lowerBound].object),
        isHallucination: index % 2 == 0)
    }
    func victims(_ values: [Float]) throws -> [any AttackVictim] {
      let model = try LanguageModel(configuration, values: values, on: .cpu)
      return [
        try LanguageModelVictim(
          model, judge: AnswerJudge(graph: graph, tokenizer: tokenizer), maximumNewTokens: 4),
        try DetectorVictim(FullNetwork(model: model, readOut: readOut)),
      ]
    }
    func row(_ token: Int32) -> [Float] {
      Array(values[(Int(token) * width)..<((Int(token) + 1) * width)])
    }
    // Several texts, so that those looked at are not the first of their pass.
    let content: [Int32] = [9, 13, 11]
    let texts = (0..<20).map { AttackedText(example($0), field: [slot] + content) }
    let gradients = try victims(values).map { try $0.gradients(of: texts) }
    #expect(
      gradients.allSatisfy { $0.count == 20 && $0[19].count == 3 * configuration.vocabularySize })
    var largest = 0.0
    for place in 0..<3 {
      var own = content
      own[place] = SpecialToken.padding.rawValue
      let changed = [11, 19].map { AttackedText(texts[$0].example, field: [slot] + own) }
      for token: Int32 in [7, 10, 15] {
        func losses(_ sign: Float) throws -> [[Double]] {
          var moved = values
          moved.replaceSubrange(
            0..<width, with: zip(row(content[place]), row(token)).map { $0 + sign * 0.005 * $1 })
          return try victims(moved).map { try $0.losses(of: changed) }
        }
        let (up, down) = (try losses(1), try losses(-1))
        for victim in 0..<2 {
          for (index, number) in [11, 19].enumerated() {
            let numeric = (up[victim][index] - down[victim][index]) / 0.01
            let stated = gradients[victim][number][
              place * configuration.vocabularySize + Int(token)]
            largest = max(largest, abs(numeric))
            #expect(abs(numeric - Double(stated)) < 2e-3 + 0.01 * abs(numeric))
          }
        }
      }
    }
    #expect(largest > 0.02)
  }
}
