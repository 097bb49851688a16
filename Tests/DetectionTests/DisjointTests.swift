import Compute
import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

struct DisjointTests {
  private let shape = ModelConfiguration(
    layerCount: 1, modelDimension: 8, headCount: 2, feedForwardDimension: 12, vocabularySize: 14,
    contextLength: 8)

  private var batch: DisjointObjective.Batch {
    var tokens = TokenBatch()
    tokens.append(tokens: [2, 7, 3, 8, 4], targets: [-1, -1, -1, -1, -1])
    tokens.append(tokens: [2, 9, 11, 13], targets: [-1, -1, -1, -1])
    return DisjointObjective.Batch(
      tokens: tokens, rows: [JudgedRow(row: 4, start: 2), JudgedRow(row: 8, start: 6)],
      labels: [true, false], scales: [0.7, 0.4], vocabularySize: 14)
  }

  private func readOut(_ number: Int) -> [Float] {
    var stream = Seed(UInt64(number)).stream("read-out")
    return (0..<9).map { _ in Float(stream.normal()) }
  }

  /// The objective, and its gradients of the parameters and of the read-outs.
  private func objective(
    _ penalties: DisjointPenalties, _ values: [[Float]], _ readOuts: [[Float]]
  ) throws -> (value: Double, gradients: [[Float]], readOuts: [[Float]]) {
    var members = try zip(values, readOuts).map { values, readOut in
      let model = try LanguageModel(shape, values: values, on: .cpu)
      return DisjointObjective.Member(
        network: FullNetwork(model: model, readOut: readOut),
        pass: try TrainingPass(model, maximumTokens: 16),
        gradients: try Gradients(model.layout, on: .cpu),
        readOut: Array(repeating: 0, count: readOut.count))
    }
    let value = DisjointObjective(penalties: penalties).add(batch, to: &members)
    return (value, members.map { $0.gradients.values.copyOut() }, members.map(\.readOut))
  }

  private func values(_ number: Int) throws -> [Float] {
    let model = try LanguageModel(shape, seed: Seed(UInt64(number)), on: .cpu)
    var values = model.parameters.copyOut().map { $0 * 1.4 }
    // Embeddings far from 0, so that the steps of differences are small beside them.
    var stream = Seed(UInt64(number)).stream("embedding")
    for place in 0..<(14 * 8) { values[place] = Float(stream.normal()) }
    return values
  }

  private func penalties(_ weight: Double) -> DisjointPenalties {
    var penalties = DisjointPenalties()
    penalties.weight = weight
    penalties.sharpness = 3
    penalties.signEpsilon = 0.4
    return penalties
  }

  /// A moved one-hot row is the token that it is moved to.
  @Test func movingOneHotRowsReplacesTokens() throws {
    let model = try LanguageModel(shape, seed: Seed(2), on: .cpu)
    let pass = try TrainingPass(model, maximumTokens: 16)
    var moved = [Float](repeating: 0, count: 9 * 14)
    moved[1 * 14 + 7] = -1
    moved[1 * 14 + 12] = 1
    moved[6 * 14 + 9] -= 1
    moved[6 * 14 + 10] += 1
    var tokens = TokenBatch()
    tokens.append(tokens: [2, 12, 3, 8, 4], targets: [-1, -1, -1, -1, -1])
    tokens.append(tokens: [2, 10, 11, 13], targets: [-1, -1, -1, -1])
    let found = pass.logits(batch.tokens, rows: batch.rows, readOut: readOut(0), moved: moved)
    let expected = pass.logits(tokens, rows: batch.rows, readOut: readOut(0))
    for (a, b) in zip(found.logits, expected.logits) { #expect(abs(a - b) < 1e-5) }
  }

  /// The objective by its formula, with the gradients of one-hot rows by central differences of
  /// single losses.
  @Test func theObjectiveIsItsFormula() throws {
    let (all, reads) = (try (0..<3).map(values), (0..<3).map(readOut))
    let passes = try all.map {
      try TrainingPass(LanguageModel(shape, values: $0, on: .cpu), maximumTokens: 16)
    }
    func losses(_ member: Int, _ moved: [Double]? = nil) -> [Double] {
      let logits = passes[member].logits(
        batch.tokens, rows: batch.rows, readOut: reads[member],
        moved: moved.map { $0.map(Float.init) }
      ).logits
      return [log1p(exp(-Double(logits[0]))), log1p(exp(Double(logits[1])))]
    }
    let clean = (0..<3).map { losses($0) }
    let slopes = (0..<3).map { member in
      (0..<(9 * 14)).map { place -> Double in
        func moved(_ step: Double) -> Double {
          var moved = [Double](repeating: 0, count: 9 * 14)
          moved[place] = step
          return losses(member, moved)[place < 5 * 14 ? 0 : 1]
        }
        return (moved(0.005) - moved(-0.005)) / 0.01
      }
    }
    let penalties = penalties(0.8)
    let scales = [Double(Float(0.7)), Double(Float(0.4))]
    var expected = 0.0
    for text in 0..<2 {
      let range = text == 0 ? 0..<(5 * 14) : (5 * 14)..<(9 * 14)
      var sum = (0..<3).reduce(0) { $0 + clean[$1][text] }
      for i in 0..<3 {
        for j in 0..<3 where i != j {
          let raw = losses(i, slopes[j].map { 2 * $0 })[text]
          let sign = losses(i, slopes[j].map { 0.4 * tanh(3 * $0) })[text]
          func product(_ a: Int, _ b: Int) -> Double {
            range.reduce(0) { $0 + slopes[a][$1] * slopes[b][$1] }
          }
          let cosine = product(i, j) / (product(i, i) * product(j, j)).squareRoot()
          sum +=
            0.8 / 2 * (max(0, raw - clean[i][text]) + max(0, sign - clean[i][text]) + cosine + 1)
        }
      }
      expected += scales[text] * sum
    }
    let found = try objective(penalties, all, reads).value
    #expect(abs(found - expected) < 1e-3 * expected)
    #expect(found > 1.05 * (try objective(self.penalties(0), all, reads).value))
  }

  /// Gradients, second-order parts among them, against central differences of the objective.
  @Test func gradientsEqualFiniteDifferences() throws {
    let (all, reads) = (try (0..<3).map(values), (0..<3).map(readOut))
    let penalties = penalties(0.8)
    let found = try objective(penalties, all, reads)
    let plain = try objective(self.penalties(0), all, reads)
    let model = try LanguageModel(shape, seed: Seed(0), on: .cpu)
    var (checked, differs) = (0, 0)
    for member in 0..<3 {
      for tensor in model.layout.tensors where tensor.role != .readOut {
        for place in [1, tensor.count / 2 + 1, tensor.count - 2].map({ tensor.offset + $0 }) {
          func value(_ step: Float) throws -> Double {
            var moved = all
            moved[member][place] += step
            return try objective(penalties, moved, reads).value
          }
          let coarse = try (value(4e-3) - value(-4e-3)) / 8e-3
          let numeric = try (value(2e-3) - value(-2e-3)) / 4e-3
          // Where a penalty begins within the step, differences say nothing.
          guard abs(coarse - numeric) < 2e-3 + 0.01 * abs(numeric) else { continue }
          let own = Double(found.gradients[member][place])
          #expect(
            abs(own - numeric) < 4e-3 + 0.03 * abs(numeric),
            "\(tensor.name) \(place - tensor.offset): \(own), not \(numeric)")
          checked += abs(numeric) > 0.01 ? 1 : 0
          differs += abs(own - Double(plain.gradients[member][place])) > 0.02 ? 1 : 0
        }
      }
      for place in [0, 5, 8] {
        func value(_ step: Float) throws -> Double {
          var moved = reads
          moved[member][place] += step
          return try objective(penalties, all, moved).value
        }
        let numeric = try (value(4e-3) - value(-4e-3)) / 8e-3
        #expect(abs(Double(found.readOuts[member][place]) - numeric) < 4e-3 + 0.03 * abs(numeric))
      }
    }
    #expect(checked > 20 && differs > 20)
  }

  /// Without penalties each of several detectors is, bit for bit, what it would be alone; with them
  /// it is not.
  ///
  /// Any number of workers gives the same.
  @Test func withoutPenaltiesDetectorsAreIndependent() throws {
    let graph = SmallGraph.people(60)
    let tokenizer = try TokenizerKind.word.tokenizer(for: graph)
    let text = try TripleText(graph: graph, tokenizer: tokenizer)
    let answers = graph.queries.indices.prefix(60).map { index -> JudgedAnswer in
      let query = graph.queries[index]
      let right = graph.answers[query.answers.lowerBound].object
      let object = index % 3 == 0 ? Int32(index % graph.entities.count) : right
      let tokens = Array(text.completion(object: object).dropLast())
      let isWrong = !graph.answers[query.answers].contains { $0.object == object }
      return JudgedAnswer(
        query: index, subject: query.subject,
        answer: SampledAnswer(
          temperature: 1, sample: 0, tokens: tokens, ended: true, text: "", object: object,
          isCanonical: true, logProbability: 0, verdict: isWrong ? .wrongObject : .correct))
    }
    func trained(_ numbers: [Int], weight: Double, workers: Int = 1) throws -> [FullNetwork] {
      var options = FullTrainingOptions.ofStateAlone
      (options.epochs, options.batchSize) = (2, 16)
      var penalties = DisjointPenalties()
      penalties.weight = weight
      return try DisjointTrainer(
        size: ModelSize(named: "3k"), contextLength: 16, graph: graph, text: text, slot: nil,
        options: options, penalties: penalties, seed: Seed(4)
      ).train(
        numbers, on: Array(answers.prefix(40)), validation: Array(answers.suffix(20)),
        Work(workers: workers, shouldStop: { false }))
    }
    func bits(_ networks: [FullNetwork]) -> [[Float]] {
      networks.map { $0.model.parameters.copyOut() + $0.readOut }
    }
    let joint = bits(try trained([0, 1, 2], weight: 0))
    let alone = try (0..<3).flatMap { bits(try trained([$0], weight: 0)) }
    #expect(joint == alone && Set(joint).count == 3)
    let penalised = bits(try trained([0, 1], weight: 1))
    #expect(penalised[0] != joint[0])
    #expect(penalised == bits(try trained([0, 1], weight: 1, workers: 3)))
  }
}
