import Compute
import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Testing

/// The label of an example must not reach a detector in any other way than through what the model
/// wrote.
///
/// The whole pipeline runs on answers whose verdict is independent of their text. The companions
/// with a leak show that the intervals are narrow enough to find one.
struct LeakTests {
  /// Every kind that learns, and the baselines, in the sentence task and at every position of the
  /// token task.
  private func measureAll(
    _ answers: NullAnswers, _ change: (inout DetectionOptions) -> Void = { _ in }
  ) throws -> [TaskMeasurement] {
    try answers.measure { options in
      options.kinds.append(.full)
      options.full = [.scratch(size: "3k"), .own]
      options.fullTraining.epochs = 3
      options.layers = [.layer(0), .all]
      options.places = AnswerPlace.allCases
      options.positions = [.each, .before, .number(1), .number(2)]
      change(&options)
    }
  }

  private func expectChance(_ measurements: [TaskMeasurement]) throws {
    for measurement in measurements {
      for detector in measurement.detectors {
        let name = "\(measurement.counts.task) \(detector.result.name)"
        #expect(detector.result.unmeasured == nil, "\(name)")
        let auroc = try WideAUROC(of: detector, in: measurement)
        #expect(auroc.holdsChance, "\(name): \(auroc)")
        #expect(auroc.upper - auroc.lower < 0.5, "\(name): \(auroc)")
      }
    }
  }

  @Test func nothingIsFoundWhereNothingIsSaid() throws {
    let measurements = try measureAll(NullAnswers(.word, seed: 3))
    #expect(measurements.count == 5)
    #expect(measurements[0].detectors.count == 2 * 4 * 2 + 1 + 1 + 2 + 2 + 3)
    #expect(measurements[0].counts.prevalence == 0.5)
    try expectChance(measurements)
  }

  @Test(arguments: [TokenizerKind.bpe, .byte, .entity])
  func norWithOtherTokenizers(kind: TokenizerKind) throws {
    let measurements = try measureAll(NullAnswers(kind, seed: 3)) { options in
      options.heads = [.linear]
      options.layers = [.all]
      options.places = [.last, .end]
      options.full = [.scratch(size: "3k")]
      // A name is one token of `entity`, so that no answer has a second.
      if kind == .entity { options.positions.removeLast() }
    }
    #expect(measurements.count == (kind == .entity ? 4 : 5))
    try expectChance(measurements)
  }

  @Test func shuffledLabelsTeachNothing() throws {
    try expectChance(
      NullAnswers(.word, seed: 4).measure { options in
        options.layers = [.all]
        options.shufflesLabels = true
      })
  }

  // MARK: With a leak

  /// The AUROC of the sentence task's detectors by name.
  private func aurocs(_ measurements: [TaskMeasurement]) throws -> [String: WideAUROC] {
    var values: [String: WideAUROC] = [:]
    for measurement in measurements {
      for detector in measurement.detectors {
        values[detector.result.name] = try WideAUROC(of: detector, in: measurement)
      }
    }
    return values
  }

  /// The end token inside the text of true answers alone.
  @Test func anEndTokenAfterTrueAnswersAloneIsFound() throws {
    var answers = try NullAnswers(.word, seed: 3)
    answers.rewrite { judged in
      judged.answer.tokens + (judged.isHallucination ? [] : [SpecialToken.end.rawValue])
    }
    let values = try aurocs(
      measureAll(answers) { options in
        options.tasks = [.sentence]
        options.heads = [.linear]
        options.fullTraining.epochs = 10
      })
    let found = [
      "linear@layer-0", "linear@all-layers", "linear@all-layers@end", "linear@all-layers@mean",
      "saplma", "attention-probe", "lookback-shares", "full-3k", "full-own",
    ]
    for name in found {
      let auroc = try #require(values[name], "\(name)")
      #expect(auroc.lower > 0.5 && auroc.value > 0.75, "\(name): \(auroc)")
    }
    // The shorter answers are the hallucinated ones: the length finds them, the wrong way round.
    #expect(try #require(values["object-length"]).upper < 0.5)
    // Before the answer, and in the embedding of the end token, there is nothing to find.
    for name in ["linear@all-layers@before", "linear@layer-0@end"] {
      let auroc = try #require(values[name], "\(name)")
      #expect(auroc.holdsChance, "\(name): \(auroc)")
    }
  }

  /// One more token in false answers: what a malformed answer has, and what `object-length` is
  /// there to show.
  @Test func aTokenTooManyIsFound() throws {
    var answers = try NullAnswers(.word, seed: 5)
    answers.rewrite { judged in
      judged.answer.tokens + (judged.isHallucination ? judged.answer.tokens.suffix(1) : [])
    }
    let values = try aurocs(
      measureAll(answers) { options in
        options.tasks = [.sentence]
        options.kinds = [.full]
        options.full = [.scratch(size: "3k")]
        options.fullTraining.epochs = 10
      })
    for name in ["object-length", "full-3k"] {
      let auroc = try #require(values[name], "\(name)")
      #expect(auroc.lower > 0.5, "\(name): \(auroc)")
    }
  }

  /// Where true and false names share their first token, hallucinated tokens come late: by the
  /// label's definition.
  @Test func positionTellsWhereNamesBeginAlike() throws {
    let alike = ["Ash", "Bay", "Cape"].flatMap { first in
      ["Hill", "Lea", "Moor", "Rock"].map { "\(first) \($0)" }
    }
    let values = try aurocs(
      NullAnswers(.word, seed: 6, objects: alike).measure { options in
        options.tasks = [.token]
        options.kinds = [.head]
        options.positions = [.each, .number(2)]
      })
    for name in ["token-position", "linear"] {
      let auroc = try #require(values[name], "\(name)")
      #expect(auroc.lower > 0.5, "\(name): \(auroc)")
    }
    // At one place there is no position to tell by.
    #expect(try #require(values["linear@2"]).holdsChance)
  }

  // MARK: What is read

  /// Answers that ended and answers that never did, of the same tokens: no detector can tell them
  /// apart.
  @Test func whetherAnAnswerEndedIsNotRead() throws {
    var answers = try NullAnswers(.word, seed: 7)
    let truths = answers.judged.filter { !$0.isHallucination }
    answers.judged = truths.flatMap { truth in
      [true, false].enumerated().map { sample, ended in
        answers.answer(truth.answer.tokens, ended: ended, to: truth.query, sample: sample)
      }
    }
    #expect(answers.judged.map(\.answer.verdict).prefix(2) == [.correct, .malformed])
    let measurements = try measureAll(answers) { options in
      options.tasks = [.sentence]
      options.layers = [.all]
    }
    for measurement in measurements {
      for detector in measurement.detectors {
        // Each score is there once with either label; a text model's may differ in the last bits.
        let slack = detector.result.kind == .full ? 0.02 : 0
        let auroc = try WideAUROC(of: detector, in: measurement).value
        #expect(abs(auroc - 0.5) <= slack, "\(detector.result.name): \(auroc)")
      }
    }
  }

  /// The end token follows an answer that fills the model's context as any other.
  @Test(arguments: [TokenizerKind.word, .entity])
  func theEndTokenFollowsAnAnswerThatFillsTheContext(kind: TokenizerKind) throws {
    let wide = try NullAnswers(kind, seed: 8, people: 20)
    let query = wide.graph.queries[0]
    let prompt = wide.text.prompt(subject: query.subject, predicate: query.predicate)
    let word = wide.judged[0].answer.tokens[0]
    for count in 0...4 {
      let tokens = Array(repeating: word, count: count)
      let narrow = try NullAnswers(
        kind, seed: 8, people: 20, contextLength: prompt.count + max(count, 1))
      func states(_ answers: NullAnswers, _ place: AnswerPlace) throws -> [Float] {
        let reader = try AnswerReader(model: answers.model, text: answers.text, workers: 1)
        let texts = AnswerTexts([(query.subject, query.predicate, tokens)])
        let features = try AnswerFeatures(
          reading: texts, streams: [.residual(0), .finalNorm], with: reader)
        return try features.matrix(
          FeatureSelection([.residual(0), .finalNorm]), rows: [texts.rows(0, at: place)])
      }
      for place in AnswerPlace.allCases {
        let (full, free) = (try states(narrow, place), try states(wide, place))
        for (a, b) in zip(full, free) { #expect(abs(a - b) < 1e-5, "\(count) \(place)") }
      }
    }
  }

  /// A language model that judges reads the end token there too, and is saved with room for it.
  @Test func aTextModelReadsTheEndTokenOfAnAnswerThatFillsTheContext() throws {
    let wide = try NullAnswers(.word, seed: 8, people: 60)
    let longest = try #require(
      wide.judged.map { judged in
        let query = wide.graph.queries[judged.query]
        return wide.text.prompt(subject: query.subject, predicate: query.predicate).count
          + judged.answer.tokens.count
      }.max())
    let narrow = try NullAnswers(.word, seed: 8, people: 60, contextLength: longest)
    func scores(_ answers: NullAnswers) throws -> [Double] {
      let measured = try answers.measure { options in
        options.tasks = [.sentence]
        options.kinds = [.full]
        options.full = [.own]
        options.fullTraining.epochs = 1
      }
      return try #require(measured[0].detectors.first).scores
    }
    let (full, free) = (try scores(narrow), try scores(wide))
    #expect(full.count == free.count && !full.isEmpty)
    for (a, b) in zip(full, free) { #expect(abs(a - b) < 1e-4) }
  }

  /// States at a token are those of the answer that ends there: what comes later is not seen.
  @Test(arguments: [TokenizerKind.word, .bpe, .byte])
  func whatComesLaterIsNotSeen(kind: TokenizerKind) throws {
    let answers = try NullAnswers(kind, seed: 9, people: 20)
    let query = answers.graph.queries[0]
    let tokens = try #require(
      answers.judged.map(\.answer.tokens).max { $0.count < $1.count })
    #expect(tokens.count >= 3)
    let reader = try AnswerReader(model: answers.model, text: answers.text, workers: 1)
    let texts = AnswerTexts(
      (0...tokens.count).map { (query.subject, query.predicate, Array(tokens.prefix($0))) })
    let streams: [CaptureStream] = [
      .residual(0), .residual(1), .residual(2), .finalNorm, .headOutput(1), .headOutput(2),
      .attention,
    ]
    let features = try AnswerFeatures(reading: texts, streams: Set(streams), with: reader)
    func row(_ text: Int, _ place: Int) throws -> [Float] {
      let row = texts.firstRow(text) + place
      return try features.matrix(FeatureSelection(streams), rows: [row..<(row + 1)])
    }
    for place in 0...tokens.count {
      let alone = try row(place, place)
      for text in place...tokens.count {
        for (a, b) in zip(alone, try row(text, place)) {
          #expect(abs(a - b) < 1e-5, "place \(place) of \(text) tokens")
        }
      }
    }
    // The same of a language model that judges.
    let network = FullNetwork(
      model: answers.model,
      readOut: (0...answers.model.configuration.modelDimension).map { Float($0 % 3) - 1 })
    let prompt = answers.text.prompt(subject: query.subject, predicate: query.predicate)
    for place in 1...tokens.count {
      let values = try network.probabilities(
        (place...tokens.count).map { (prompt, Array(tokens.prefix($0)), place) })
      for value in values { #expect(abs(value - values[0]) < 1e-5) }
    }
  }

  /// Before an answer its two completions are one question, with one score, whatever their
  /// verdicts.
  @Test func beforeAnAnswerOnlyTheQuestionIsRead() throws {
    let measured = try NullAnswers(.word, seed: 10, people: 60).measure { options in
      options.tasks = [.token]
      options.positions = [.before]
      options.layers = [.layer(1), .all]
    }
    let examples = try #require(measured.first).examples
    for detector in measured.flatMap(\.detectors) {
      for first in stride(from: 0, to: examples.count, by: 2) {
        #expect(examples[first].query == examples[first + 1].query)
        #expect(
          abs(detector.scores[first] - detector.scores[first + 1]) < 1e-5,
          "\(detector.result.name)")
      }
    }
  }
}
