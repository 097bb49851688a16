import Analysis
import Compute
import Corpus
import Evaluation
import Foundation
import LabCore
import LanguageModel
import Training

/// A set of questions with choices, asked of one model: scored into run.sqlite, and summed up by
/// task.
struct ChoiceMeasurement {
  let run: RunFolder
  let questions: [ChoiceQuestion]
  let precision: Precision

  /// The probabilities of all choices, those of earlier calls read back.
  ///
  /// Throws `LabError` for a question that cannot be asked of the model, before anything is stored,
  /// and `LabError.interrupted` when stopped: the same call continues.
  func scores(_ work: Work) throws -> [[Double]] {
    let model = try run.askedModel()
    let context = run.record.configuration.model.contextLength
    for question in questions {
      do {
        try question.check(run.tokenizer, contextLength: context)
      } catch {
        throw LabError("a question of \(question.task): \(error)")
      }
    }
    let key = try CanonicalJSON.hash(
      ScoredChoices(
        weightsHash: run.record.weightsHash ?? "", precision: precision,
        questionsHash: questions.contentHash)
    ).hex
    let database = try RunDatabase.open(
      in: run.url, graphHash: run.record.configuration.graphHash)
    let stored = try database.choiceScores(key)
    let scorer = try ChoiceScorer(
      model: model, tokenizer: run.tokenizer, precision: precision, workers: work.workers)
    var all = stored
    try work.inBlocks(
      of: questions.count, from: stored.count, round: scorer.roundSize,
      compute: { try scorer.scores(of: Array(questions[$0]), unless: work.shouldStop) },
      store: { block in
        try database.store(
          block, of: Array(questions[all.count..<(all.count + block.count)]), from: all.count,
          key: key)
        all += block
      })
    return all
  }
}

extension ChoiceQuestion {
  /// Refuses a question that a model cannot be asked; throws `LabError` with what is wrong and what
  /// to do.
  func check(_ tokenizer: any Tokenizer, contextLength: Int) throws {
    let length = try completions(tokenizer).longestInputCount
    guard length <= contextLength else {
      throw LabError(
        "it has \(length) tokens with its answer, more than the model's context of \(contextLength); shorten it, or "
          + "train with --rule-share or --packing window, which make room for long texts")
    }
  }
}

/// What decides the probabilities of choices.
private struct ScoredChoices: Encodable {
  let version = 1
  let weightsHash: String
  let precision: Precision
  let questionsHash: String
}

extension [ChoiceQuestion] {
  /// SHA-256 of the canonical JSON of all of them.
  var contentHash: String { get throws { try CanonicalJSON.hash(self).hex } }
}

/// One answered question.
package struct AnsweredChoice: Hashable, Sendable {
  /// Whether the likeliest choice, the first of equals, is right.
  package let isRight: Bool
  /// -log of the right choice's share of the choices' probability, in nats.
  package let loss: Double
  /// Probability of all choices together.
  package let mass: Double
  /// Sum over the choices of (share - whether it is right)^2.
  package let brier: Double
  /// The likeliest choice's share of the choices' probability.
  package let confidence: Double

  /// `scores` are log-probabilities in nats of the choices; `gold` is the place of the right one.
  package init(scores: [Double], gold: Int) {
    let best = scores.max() ?? 0
    let first = scores.firstIndex(of: best)
    isRight = first == gold
    // All choices may be impossible in single precision: then each is as likely as any other.
    let total =
      best.isFinite ? best + log(scores.reduce(0) { $0 + exp($1 - best) }) : best
    mass = min(1, exp(total))
    let shares = scores.map { best.isFinite ? exp($0 - total) : 1 / Double(scores.count) }
    loss = best.isFinite ? total - scores[gold] : -log(shares[gold])
    brier = shares.enumerated().reduce(0) { sum, choice in
      let error = choice.element - (choice.offset == gold ? 1 : 0)
      return sum + error * error
    }
    confidence = min(1, shares.max() ?? 0)
  }
}

extension ChoiceResult {
  /// Results of each task and variant, and of each group of exposures where there are several, in
  /// the order of the questions; intervals are 95 % over resampled subjects.
  static func table(
    _ questions: [ChoiceQuestion], _ scores: [[Double]], bootstrap: Bootstrap
  ) -> [ChoiceResult] {
    let all = questions.indices.grouped { place in
      [questions[place].task, questions[place].variant, "all", ""]
    }
    let exposed = questions.enumerated().compactMap { place, question in
      question.exposures.map { (place: place, count: $0) }
    }.sorted { ($0.count, $0.place) < ($1.count, $1.place) }.grouped { place, count in
      [
        questions[place].task, questions[place].variant, "exposure",
        RateGroup.powerLabel(Double(count)),
      ]
    }
    return (all + exposed.map { ($0, $1.map(\.place)) }).compactMap { key, places in
      ChoiceResult(key, places, questions, scores, bootstrap: bootstrap)
    }
  }

  private init?(
    _ key: [String], _ places: [Int], _ questions: [ChoiceQuestion], _ scores: [[Double]],
    bootstrap: Bootstrap
  ) {
    var numbers: [String: Int32] = [:]
    let subjects = places.map { place in
      let subject = questions[place].subject
      let number = numbers[subject] ?? Int32(numbers.count)
      numbers[subject] = number
      return number
    }
    let ranked = places.indices.sorted { (subjects[$0], $0) < (subjects[$1], $1) }
    let answered = ranked.map { index in
      AnsweredChoice(scores: scores[places[index]], gold: questions[places[index]].gold)
    }
    let grouped = ranked.map { subjects[$0] }
    func estimate(_ name: String, _ value: (AnsweredChoice) -> Double) -> Estimate? {
      bootstrap.ratio(
        ClusterSum.grouped(grouped, answered.map { (value($0), 1) }),
        stream: (["choices", name] + key).joined(separator: "/"))
    }
    guard let accuracy = estimate("accuracy", { $0.isRight ? 1 : 0 }),
      let loss = estimate("loss", \.loss), let mass = estimate("mass", \.mass),
      let brier = estimate("brier", \.brier),
      let calibration = Calibration.expectedError(
        Calibration.reliability(
          answered.map(\.confidence), answered.map(\.isRight), bins: 15, .equalWidth))
    else { return nil }
    (task, variant, groupKind, groupValue) = (key[0], key[1], key[2], key[3])
    questionCount = places.count
    subjectCount = accuracy.count
    chance =
      places.reduce(0) { $0 + 1 / Double(questions[$1].choices.count) } / Double(places.count)
    self.accuracy = accuracy.value
    (accuracyLower, accuracyUpper) = (accuracy.interval?.low, accuracy.interval?.high)
    self.loss = loss.value
    (lossLower, lossUpper) = (loss.interval?.low, loss.interval?.high)
    self.mass = mass.value
    (massLower, massUpper) = (mass.interval?.low, mass.interval?.high)
    self.brier = min(2, brier.value)
    (brierLower, brierUpper) = (brier.interval?.low, brier.interval?.high)
    calibrationError = calibration
  }
}
