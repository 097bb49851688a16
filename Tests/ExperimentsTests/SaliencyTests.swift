import Analysis
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

/// A logit that is a sum over places of the place's weight times the token's value.
private struct LinearLogit: LogitModel {
  let weights: [Double]
  let values: [Double]

  func logits(of texts: [SaliencyText]) -> [Double] {
    texts.map { text in
      zip(weights, text.tokens).reduce(0) { $0 + $1.0 * values[Int($1.1)] }
    }
  }

  func gradients(of texts: [SaliencyText]) -> [[[Float]]] {
    texts.map { text in
      text.places.map { place in values.map { Float(weights[place] * $0) } }
    }
  }
}

struct SaliencyTests {
  private let graph = SmallGraph.people(24)
  private let quiet = Work(shouldStop: { false })

  /// Of a planted linear detector the saliency of each place is its weight times the spread of
  /// values, by gradient as by occlusion.
  @Test func aLinearDetectorLooksWhereItWasTold() throws {
    // <S> 6 7 <P> 8 <O> 9 10 <E>, all of 6 to 16 allowed.
    let text = SaliencyText(tokens: [2, 6, 7, 3, 8, 4, 9, 10, 5], answerStart: 6)
    #expect(text.places == [1, 2, 4, 6, 7])
    #expect(
      text.places.map(text.part) == ["subject", "subject", "predicate", "object", "object"])
    let allowed = (6..<17).map { Int32($0) }
    let values = (0..<17).map { Double($0 * 5 % 7) }
    let model = LinearLogit(weights: [9, 1, 0, 9, 2, 9, 3, 6, 9], values: values)
    func found(_ replacements: Int) throws -> TokenSaliency {
      try TokenSaliency.of(
        [text], model, allowed: allowed, replacements: replacements,
        streams: [Seed(1).stream("a")])[0]
    }
    let all = try found(100)
    let spread = text.places.map { place -> Double in
      let own = values[Int(text.tokens[place])]
      let squares = allowed.filter { $0 != text.tokens[place] }.map {
        (values[Int($0)] - own) * (values[Int($0)] - own)
      }
      return model.weights[place] * (squares.reduce(0, +) / Double(squares.count)).squareRoot()
    }
    for (place, expected) in spread.enumerated() {
      #expect(abs(all.gradient[place] - expected) < 1e-6)
      #expect(abs(all.occlusion[place] - expected) < 1e-6)
    }
    let share = (spread[3] + spread[4]) / spread.reduce(0, +)
    #expect(abs(try #require(all.share(of: "object", all.gradient)) - share) < 1e-6)
    // Of few tokens in each place occlusion is an estimate, with the gradient as it was.
    let few = try found(3)
    #expect(few.gradient == all.gradient && few.occlusion != all.occlusion)
    #expect(few.occlusion[1] == 0)
    let rates = SaliencyRate.all(
      (0..<4).map {
        SalientAnswer(subject: $0, isHallucination: $0 == 0, saliency: all)
      }, of: "a", parameters: 1, Bootstrap(seed: Seed(0), replicates: 50))
    let agreement = rates.filter { $0.quantity == .agreement }
    #expect(agreement.map(\.value) == [1, 1, 1] && agreement.map(\.answerCount) == [4, 3, 1])
  }

  /// Gradients of a network that reads the log-probability too, against central differences: of
  /// what is read in a question, `<pad>` goes along another token; of what is said, by the
  /// log-probability of whole texts.
  @Test func gradientsEqualDifferences() throws {
    let shape = ModelConfiguration(
      layerCount: 2, modelDimension: 8, headCount: 2, feedForwardDimension: 16, vocabularySize: 17,
      contextLength: 16)
    let model = try LanguageModel(shape, seed: Seed(4), on: .cpu)
    let values = model.parameters.copyOut()
    var stream = Seed(4).stream("read-out")
    let readOut = (0..<10).map { _ in Float(stream.normal()) }
    func network(_ values: [Float], said: Bool) throws -> DetectorLogits {
      var own = readOut
      if !said { own[8] = 0 }
      return try DetectorLogits(
        FullNetwork(model: LanguageModel(shape, values: values, on: .cpu), readOut: own))
    }
    let text = SaliencyText(tokens: [2, 6, 7, 3, 8, 4, 9, 10, 5], answerStart: 6)
    let other = SaliencyText(tokens: [2, 11, 3, 8, 4, 12, 5], answerStart: 5)
    let gradients = try network(values, said: true).gradients(of: [other, text])[1]
    #expect(gradients.count == 5 && gradients[0].count == 17)
    var largest = 0.0
    for place in 0..<3 {
      for token in [7, 13] {
        func logit(_ sign: Float) throws -> Double {
          var moved = values
          let own = Int(text.tokens[text.places[place]])
          for column in 0..<8 {
            moved[column] = values[own * 8 + column] + sign * 0.01 * values[token * 8 + column]
          }
          var changed = text
          changed.tokens[text.places[place]] = SpecialToken.padding.rawValue
          return try network(moved, said: true).logits(of: [changed])[0]
        }
        let numeric = try (logit(1) - logit(-1)) / 0.02
        largest = max(largest, abs(numeric))
        #expect(abs(numeric - Double(gradients[place][token])) < 2e-3 + 0.02 * abs(numeric))
      }
    }
    #expect(largest > 0.01)
    // What is said, apart from what is read, and from what is read alike with no weight.
    var quiet = readOut
    quiet[8] = 0
    let session = try InferenceSession(model)
    let silent = try DetectorLogits(FullNetwork(model: model, readOut: quiet)).gradients(of: [text])
    let spoken = try DetectorLogits(
      FullNetwork(
        model: model, readOut: [Float](repeating: 0, count: 8) + [readOut[8], readOut[9]])
    ).gradients(of: [text])
    for (place, prefix) in [(3, 6), (4, 7)] {
      let completions = (0..<17).map { [Int32($0)] }
      let said = try session.completionLogProbabilities(
        [PromptedCompletions(prompt: Array(text.tokens[..<prefix]), completions: completions)])[0]
      // Gradients add up over the two parts of the read-out.
      for token in 0..<17 {
        let sum = Double(silent[0][place][token]) + Double(spoken[0][place][token])
        #expect(abs(sum - Double(gradients[place][token])) < 1e-4)
      }
      // After the last token that is said but <E>, only <E> is read of it: its gradient is what is
      // said and that.
      let read = try readGradient(values, shape, readOut[8], text, place: place + 3)
      for token in 0..<17 {
        let expected = Double(readOut[8]) * said[token][0] + read[token]
        #expect(abs(Double(spoken[0][place][token]) - expected) < 5e-3)
      }
    }
  }

  /// By central differences, what reading each token in a place would change of w log P(answer),
  /// whose tokens stay as they are.
  private func readGradient(
    _ values: [Float], _ shape: ModelConfiguration, _ weight: Float, _ text: SaliencyText,
    place: Int
  ) throws -> [Double] {
    try (0..<17).map { token in
      func sum(_ sign: Float) throws -> Double {
        var moved = values
        let own = Int(text.tokens[place])
        for column in 0..<8 {
          moved[column] = values[own * 8 + column] + sign * 0.01 * values[token * 8 + column]
        }
        let session = try InferenceSession(LanguageModel(shape, values: moved, on: .cpu))
        var read = text.tokens
        read[place] = SpecialToken.padding.rawValue
        return try (text.answerStart..<text.tokens.count).reduce(0.0) { total, next in
          let item = PromptedCompletions(
            prompt: Array(read[..<next]), completions: [[text.tokens[next]]])
          return total + (try session.completionLogProbabilities([item])[0][0][0])
        }
      }
      return Double(weight) * (try sum(1) - sum(-1)) / 0.02
    }
  }

  /// A trained detector: rates are those of the rows, the same for any number of workers.
  @Test func ratesAreThoseOfTheRows() throws {
    let trained = try TrainedRun(graph, epochs: 25) { request, _ in
      request.size = "10k"
      request.loss = .object
      request.training.tokensPerStep = 128
      request.learningRate = 0.01
    }
    var options = DetectionOptions()
    options.kinds = [.full]
    options.full = [.scratch(size: "3k")]
    options.fullTraining.epochs = 4
    options.tasks = [.sentence]
    (options.samples, options.evidence, options.resampleCount) = (6, 0, 0)
    _ = try DetectionRunner(
      run: trained.run, graph: graph, options: options, keepsFeatures: false
    ).run(quiet)
    let subject = MeasuredRun(folder: trained.folder, record: trained.run.record) { trained.graph }
    func measure(_ seed: UInt64) -> SaliencyMeasure {
      var settings = SaliencyMeasure.Settings()
      settings.detectors = ["full-3k"]
      settings.resampleCount = 20
      settings.replacementCount = 5
      settings.seed = seed
      return SaliencyMeasure(settings)
    }
    expectFailure("stopped after 0 of") {
      _ = try measure(0).summary(of: subject, Work(workers: 1, shouldStop: { true }))
    }
    let summary = try measure(0).summary(of: subject, Work(workers: 3, shouldStop: { false }))
    #expect(try measure(0).storedKey(of: subject) == summary.key)
    #expect(try measure(1).storedKey(of: subject) == nil)
    let database = try #require(try RunDatabase.read(in: trained.folder))
    try database.read { rows in
      let shares = try Double.fetchAll(
        rows,
        sql: """
          SELECT total(CASE part WHEN 'object' THEN gradient END) / total(gradient)
          FROM saliency_token GROUP BY query_id
          """)
      let rate = try #require(
        summary.rates.first { $0.quantity == .objectShare && $0.answers == .all })
      #expect(rate.answerCount == shares.count && shares.count > 5)
      #expect(abs(rate.value - shares.reduce(0, +) / Double(shares.count)) < 1e-9)
      #expect(try #require(rate.lower) <= rate.value && rate.value <= (rate.upper ?? 0))
    }
    let again = try measure(0).summary(of: subject, quiet)
    #expect(again == summary)
    try FileManager.default.removeItem(at: trained.folder.appendingPathComponent("run.sqlite"))
    // Stopped after some answers, which stay, it goes on to the same numbers.
    expectFailure("answers that full-3k looks at, which are stored") {
      _ = try measure(0).summary(of: subject, Work(workers: 1, shouldStop: stopping(after: 1)))
    }
    let begun = try #require(try RunDatabase.read(in: trained.folder))
    let stored = try begun.read {
      try Int.fetchOne($0, sql: "SELECT count(DISTINCT query_id) FROM saliency_token") ?? 0
    }
    #expect(stored == 8)
    #expect(try measure(0).storedKey(of: subject) == nil)
    #expect(try measure(0).summary(of: subject, quiet) == summary)
    expectFailure("has no detector 'full-9k'") {
      var other = measure(0)
      other.settings.detectors = ["full-9k"]
      _ = try other.summary(of: subject, self.quiet)
    }
  }
}
