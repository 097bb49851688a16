import Compute
import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Synchronization
import TestSupport
import Testing
import Training

struct ReadingTests {
  /// One pass gives what separate ones give.
  @Test func aCaptureEqualsTheSeparatePasses() throws {
    let copy = try RunCopy()
    let run = copy.run
    let model = try run.loadModel()
    let session = try InferenceSession(model)
    var batch = TokenBatch()
    batch.append(tokens: [2, 7, 8, 3, 9], targets: [7, 8, 3, 9, -1])
    batch.append(tokens: [2, 10], targets: [-1, 3])
    let rows = Array(0..<7)
    let capture = try session.capture(
      batch, rows: rows,
      regions: [.special, .subject, .subject, .special, .object, .special, .object],
      streams: [.finalNorm, .residual(0), .residual(1), .headOutput(1), .attention])
    let states = try Self.values(#require(capture.streams[.finalNorm]))
    let pass = try TrainingPass(model, maximumTokens: 7)
    let readOut = [Float](repeating: 0, count: model.configuration.modelDimension + 1)
    let judged = rows.map { JudgedRow(row: $0, start: $0) }
    #expect(states == pass.logits(batch, rows: judged, readOut: readOut).inputs)
    let expected = try session.logProbabilities(batch, inverseTemperatures: [1])
    #expect(capture.logProbabilities == expected[0])
    #expect(capture.logProbabilities[4] == 0)
    expectDistances(capture, logits: session.allLogits(batch), model)
    try expectAttention(capture, model)
    // A part of the rows, in another order, is the same values.
    let part = try session.capture(
      batch, rows: [6, 2], regions: Array(repeating: .subject, count: 7), streams: [.residual(1)])
    let width = model.configuration.modelDimension
    let all = try Self.values(#require(capture.streams[.residual(1)]))
    #expect(
      try Self.values(#require(part.streams[.residual(1)]))
        == Array(all[(6 * width)..<(7 * width)] + all[(2 * width)..<(3 * width)]))
  }

  private static func values(_ data: Data) throws -> [Float] {
    let slice = try DeviceBuffer<Float>(data.count / 4, on: .cpu).all
    slice.copyInBytes(data)
    return slice.copyOut()
  }

  /// Probability, entropy, margin, affinity and self-certainty from their definitions, in double
  /// precision.
  private func expectDistances(_ capture: Capture, logits: [Float], _ model: LanguageModel) {
    let size = model.configuration.vocabularySize
    for row in 0..<7 {
      let own = logits[(row * size)..<((row + 1) * size)].map(Double.init)
      func softmax(_ temperature: Double) -> [Double] {
        let powers = own.map { exp($0 / temperature) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
      }
      let p = softmax(1).sorted(by: >)
      #expect(abs(Double(capture.maximumProbabilities[row]) - p[0]) < 1e-5)
      let entropy = -p.reduce(0) { $0 + $1 * log($1) }
      #expect(abs(Double(capture.entropies[row]) - entropy) < 1e-4)
      #expect(abs(Double(capture.margins[row]) - (p[0] - p[1])) < 1e-5)
      let affinity = log(softmax(2).reduce(0) { $0 + ($1 / Double(size)).squareRoot() })
      #expect(abs(Double(capture.affinities[row]) - affinity) < 1e-5)
      let certainty = -softmax(1).reduce(0) { $0 + log($1) } / Double(size) - log(Double(size))
      #expect(abs(Double(capture.selfCertainties[row]) - certainty) < 1e-4)
    }
  }

  /// Shares of the four regions are all of the weight; the lookback ratio follows from them.
  private func expectAttention(_ capture: Capture, _ model: LanguageModel) throws {
    let shares = try Self.values(#require(capture.streams[.attention]))
    let count = AttentionShare.allCases.count
    let heads = model.configuration.layerCount * model.configuration.headCount
    #expect(shares.count == 7 * heads * count)
    for row in 0..<7 {
      for head in 0..<heads {
        let own = shares[((row * heads + head) * count)..<((row * heads + head + 1) * count)]
        let values = Array(own)
        #expect(abs(values[0...3].reduce(0, +) - 1) < 1e-5)
        switch row {
        // The first token of a text looks at itself alone.
        case 0, 5: #expect(values[0] == 1 && values[4] == 0 && values[5] == 1)
        // Four tokens of a prompt, then one of an object.
        case 4:
          let context = (values[0] + values[1] + values[2]) / 4
          #expect(abs(values[5] - context / (context + values[3])) < 1e-5)
        // Two tokens: what is not on itself is on the one before.
        case 6: #expect(abs(values[4] - values[0]) < 1e-6)
        default: #expect(values[3] == 0 && values[5] == 1)
        }
      }
    }
  }

  @Test func answersAreReadAtTheirTokens() throws {
    let copy = try RunCopy()
    let (graph, run) = (copy.graph, copy.run)
    let reader = try AnswerReader(
      model: run.loadModel(), text: TripleText(graph: graph, tokenizer: run.tokenizer), workers: 1)
    var options = DetectionOptions()
    options.samples = 3
    options.evidence = 2
    let drawn = try AnswerDrawer(
      model: run.loadModel(), tokenizer: run.tokenizer, graph: graph, fraction: 1,
      options: options, workers: 1
    ).draw()
    let answers = drawn.judged
    #expect(Set(answers.map(\.isHallucination)) == [true, false])
    #expect(answers.count == 3 * drawn.evidence.count)
    #expect(drawn.evidence.allSatisfy { $0.count == 2 })
    let texts = AnswerTexts(answers, graph: graph)
    #expect(texts.starts.count - 1 < answers.count, "the same answer is read once")
    let features = try AnswerFeatures(reading: texts, streams: [.finalNorm], with: reader)
    for (index, answer) in answers.enumerated() {
      let reading = features.reading(index)
      #expect(reading.entropies.count - 1 == answer.answer.tokens.count)
      let all =
        answer.answer.ended ? reading.logProbabilities[...] : reading.logProbabilities.dropLast()
      let sum = all.reduce(0.0) { $0 + Double($1) }
      #expect(sum >= answer.answer.logProbability - 1e-3)
      // Whatever ended the answer is in its log-probability.
      if answer.answer.ended { #expect(abs(sum - answer.answer.logProbability) < 1e-3) }
    }
    // Read one by one, the same: answers do not see each other.
    for index in stride(from: 0, to: answers.count, by: 97) {
      let alone = try AnswerFeatures(
        reading: AnswerTexts([answers[index]], graph: graph), streams: [.finalNorm], with: reader)
      for place in AnswerPlace.allCases {
        let selection = FeatureSelection([.finalNorm])
        let a = try alone.matrix(selection, rows: [alone.texts.rows(0, at: place)])
        let b = try features.matrix(selection, rows: [texts.rows(index, at: place)])
        for (x, y) in zip(a, b) { #expect(abs(x - y) < 1e-4) }
      }
    }
  }

  /// What is stored is neither drawn nor read again; more layers add files; a damaged file is read
  /// again.
  @Test func theCacheIsSharedAndMended() throws {
    let copy = try RunCopy()
    let (graph, run) = (copy.graph, copy.run)
    var options = DetectionOptions()
    options.kinds = [.head]
    options.evidence = 0
    func material(_ options: DetectionOptions) throws -> (
      DetectorMaterial, stages: Set<String>
    ) {
      let experiment = try DetectionExperiment(
        model: run.loadModel(), tokenizer: run.tokenizer, graph: graph, options: options)
      let cache = try DetectionRunner(run: run, graph: graph, options: options).featureCache()
      let stages = Mutex<Set<String>>([])
      let materials = try experiment.materials(
        cache: cache,
        work: Work(report: { _, words in
          let stage = words.split(separator: " ").dropLast(2).joined(separator: " ")
          if !stage.isEmpty { stages.withLock { _ = $0.insert(stage) } }
        }))
      return (materials[0], stages.withLock { $0 })
    }
    let first = try material(options)
    #expect(first.stages == ["drawing answers", "reading states"])
    let cache = try DetectionRunner(run: run, graph: graph, options: options).featureCache()
    let files = { try FileManager.default.contentsOfDirectory(atPath: cache.folder.path).sorted() }
    #expect(try files() == ["answers.json", "columns.f32", "final.f32", "manifest.json"])
    let bytes = try Data(contentsOf: cache.folder.appendingPathComponent("final.f32"))
    let columns = try Data(contentsOf: cache.folder.appendingPathComponent("columns.f32"))
    #expect(
      bytes.count + columns.count
        == AnswerFeatures.byteCount(
          rows: first.0.features.texts.rowCount, streams: [.finalNorm],
          run.record.configuration.model))
    let second = try material(options)
    #expect(second.stages.isEmpty)
    #expect(second.0.answers == first.0.answers)
    #expect(second.0.features.columns == first.0.features.columns)
    let rows = [0..<1, 3..<5]
    let selection = FeatureSelection([.finalNorm])
    #expect(
      try second.0.features.matrix(selection, rows: rows)
        == first.0.features.matrix(selection, rows: rows))
    options.layers = [.layer(1), .final]
    #expect(try material(options).stages == ["reading states"])
    #expect(try files().contains("layer-1.f32"))
    #expect(try Data(contentsOf: cache.folder.appendingPathComponent("final.f32")) == bytes)
    // A file that is gone is read again, to the same bytes.
    try FileManager.default.removeItem(at: cache.folder.appendingPathComponent("final.f32"))
    #expect(try material(options).stages == ["reading states"])
    #expect(try Data(contentsOf: cache.folder.appendingPathComponent("final.f32")) == bytes)
    // An altered one is refused.
    try bytes.dropLast(4).write(to: cache.folder.appendingPathComponent("final.f32"))
    expectFailure("final.f32") { try material(options).0.features.matrix(selection, rows: rows) }
    cache.remove()
    #expect(!FileManager.default.fileExists(atPath: cache.folder.path))
  }

  @Test func anInterruptedReadingLeavesNothingHalf() throws {
    let copy = try RunCopy()
    let (graph, run) = (copy.graph, copy.run)
    var options = DetectionOptions()
    options.kinds = [.head]
    let experiment = try DetectionExperiment(
      model: run.loadModel(), tokenizer: run.tokenizer, graph: graph, options: options)
    let cache = try DetectionRunner(run: run, graph: graph, options: options).featureCache()
    let answers = try experiment.answers(cache: cache)
    expectFailure(status: .interrupted) {
      try experiment.materials(cache: cache, work: Work(shouldStop: { true }))
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: cache.folder.path).sorted()
        == ["answers.json", "manifest.json"])
    #expect(cache.answers(of: graph, vocabularySize: run.tokenizer.vocabularySize) == answers)
    #expect(try experiment.materials(cache: cache)[0].answers == answers)
  }
}
