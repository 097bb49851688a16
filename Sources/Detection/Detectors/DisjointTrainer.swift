import Compute
package import Corpus
import Evaluation
package import Foundation
package import KnowledgeGraph
package import LabCore
package import LanguageModel
import Training

/// Trains several full detectors of whole answers together, from fresh weights, each of its own
/// seed, on the same texts.
///
/// They read the state alone. Those of least validation loss are kept, each detector by itself, so
/// that without penalties each is what it would be alone. The same for any number of workers.
package struct DisjointTrainer {
  private let configuration: ModelConfiguration
  private let text: TripleText
  private let slot: Slot?
  private let options: FullTrainingOptions
  private let penalties: DisjointPenalties
  private let seed: Seed
  private let graph: KnowledgeGraph

  /// `size` is one of the dial, `contextLength` that of the judged model, whose lines have `slot`.
  package init(
    size: ModelSize, contextLength: Int, graph: KnowledgeGraph, text: TripleText, slot: Slot?,
    options: FullTrainingOptions, penalties: DisjointPenalties, seed: Seed
  ) {
    configuration = size.configuration(
      vocabularySize: text.tokenizer.vocabularySize, contextLength: contextLength + 1)
    self.graph = graph
    self.text = text
    self.slot = slot
    self.options = options
    self.penalties = penalties
    self.seed = seed
  }

  private struct Member {
    let model: LanguageModel
    var readOut: [Float]
    let optimizer: Optimizer
    var readOutOptimizer: ReadOutOptimizer
    let lanes: [Gradients]
    var stopping: EarlyStopping<(values: [Float], readOut: [Float])>

    var network: FullNetwork { FullNetwork(model: model, readOut: readOut) }

    var state: DisjointState.Member {
      get throws {
        DisjointState.Member(
          values: model.parameters.copyOutBytes(), first: optimizer.first.copyOutBytes(),
          second: optimizer.second.copyOutBytes(), readOut: readOut,
          readOutOptimizer: readOutOptimizer,
          best: try stopping.best.map {
            DisjointState.Best(
              values: try FloatBytes.encode($0.kept.values), readOut: $0.kept.readOut,
              loss: $0.loss, step: $0.step)
          })
      }
    }

    mutating func restore(_ state: DisjointState.Member) throws {
      model.parameters.copyInBytes(state.values)
      optimizer.first.copyInBytes(state.first)
      optimizer.second.copyInBytes(state.second)
      (readOut, readOutOptimizer) = (state.readOut, state.readOutOptimizer)
      stopping = EarlyStopping(
        patience: .max,
        best: try state.best.map {
          ((try FloatBytes.decode($0.values), $0.readOut), $0.loss, $0.step)
        })
    }

    mutating func stepReadOut(along gradient: [Float], _ learningRate: Double) {
      readOutOptimizer.step(&readOut, gradient: gradient, learningRate: learningRate)
    }
  }

  /// The detectors with these numbers, which decide their first weights.
  ///
  /// What `file` has of the same training goes on to the same weights, and is stored there at every
  /// validation and at a stop; it stays when training ends. Throws
  /// `DetectionError.oneClassInTraining` where there is nothing to tell apart, and
  /// `LabError.interrupted` when asked to stop.
  package func train(
    _ numbers: [Int], on train: [JudgedAnswer], validation: [JudgedAnswer],
    storedIn file: URL? = nil, _ work: Work
  ) throws -> [FullNetwork] {
    guard let first = train.first, !validation.isEmpty else { throw DetectionError.noExamples }
    let labels = train.map(\.isHallucination)
    guard labels.contains(where: { $0 != labels[0] }) else {
      throw DetectionError.oneClassInTraining(
        hallucinated: first.isHallucination, count: train.count)
    }
    let pool = try WorkerPool(workerCount: work.workers)
    let learningRate =
      options.scratchRateShare * LearningRateRule.peak(modelDimension: configuration.modelDimension)
    var training = TrainingConfiguration(epochs: options.epochs, learningRate: learningRate)
    training.weightDecay = options.weightDecay
    training.beta2 = 0.99
    training.lanes = options.lanes
    let stored = file.flatMap(DisjointState.read)
    var members = try numbers.enumerated().map { place, number in
      let model = try LanguageModel(
        configuration, seed: seed.derived("disjoint/\(number)"), on: .cpu)
      var member = Member(
        model: model, readOut: Array(repeating: 0, count: configuration.modelDimension + 1),
        optimizer: try Optimizer(model.layout, training, on: .cpu),
        readOutOptimizer: ReadOutOptimizer(count: configuration.modelDimension + 1),
        lanes: try (0..<options.lanes).map { _ in try Gradients(model.layout, on: .cpu) },
        stopping: EarlyStopping(patience: .max))
      try stored.map { try member.restore($0.members[place]) }
      return member
    }
    func store(_ step: Int) throws {
      guard let file else { return }
      try DisjointState(step: step, members: members.map { try $0.state }).write(to: file)
    }
    let passes = try (0..<work.workers).map { _ in try members.map { try TrainingPass($0.model) } }
    let texts = try train.map { try text(of: $0) }
    let validationTexts = try validation.map { try text(of: $0) }
    let validationLabels = validation.map(\.isHallucination)
    let weights = options.classWeights(labels)
    let batchSize = min(options.batchSize, texts.count)
    let stepsPerEpoch = max(1, texts.count / batchSize)
    let stepCount = options.epochs * stepsPerEpoch
    let interval = max(1, stepsPerEpoch / options.validationsPerEpoch)
    let schedule = LearningRateSchedule(training, stepCount: stepCount)
    let objective = DisjointObjective(penalties: penalties)
    var stream = seed.stream("disjoint/order")
    var order = Array(texts.indices)
    func filled(_ epoch: Int) -> [FullNetwork.Text] {
      FullNetwork.slotted(
        texts, slot, token: text.tokenizer.slotToken, stream: seed.stream("disjoint/slot/\(epoch)"))
    }
    let start = min(stored?.step ?? 0, stepCount)
    var lines = texts
    // The epochs that are begun.
    for _ in 0..<(start + stepsPerEpoch - 1) / stepsPerEpoch { stream.shuffle(&order) }
    if start % stepsPerEpoch > 0 { lines = filled(start / stepsPerEpoch) }
    for number in start..<stepCount {
      if work.shouldStop() {
        try store(number)
        throw LabError.interrupted("stopped after \(number) of \(stepCount) steps of detectors")
      }
      let place = number % stepsPerEpoch * batchSize
      if place == 0 {
        stream.shuffle(&order)
        lines = filled(number / stepsPerEpoch)
      }
      let chosen = Array(order[place..<(place + batchSize)])
      for index in members.indices {
        members[index].model.pack(on: pool, streams: passes.map { $0[index].stream })
      }
      let (now, lines) = (members, lines)
      let parts = pool.map(pieces: options.lanes) { worker, lane in
        let range = (batchSize * lane / options.lanes)..<(batchSize * (lane + 1) / options.lanes)
        return gradient(
          now, chosen[range].map { (lines[$0], labels[$0]) }, lane, weights,
          scale: 1 / Float(batchSize), objective, passes[worker])
      }
      let rate = schedule.rate(at: number)
      for index in members.indices {
        let streams = passes.map { $0[index].stream }
        let norm = members[index].optimizer.reduce(
          members[index].lanes, on: pool, streams: streams)
        guard norm.isFinite else {
          throw LabError(
            "the detectors did not train: a gradient is not a number; give a lower --weight or --epsilon"
          )
        }
        members[index].optimizer.step(
          members[index].model.parameters, gradient: members[index].lanes[0].values, norm: norm,
          learningRate: rate, stepNumber: number, on: pool, streams: streams)
        let readOut = parts.dropFirst().reduce(parts[0][index]) { sum, part in
          zip(sum, part[index]).map { $0 + $1 }
        }
        members[index].stepReadOut(along: readOut, rate)
      }
      guard (number + 1) % interval == 0 || number + 1 == stepCount else { continue }
      for index in members.indices {
        members[index].model.pack(on: pool, streams: passes.map { $0[index].stream })
        let logits = try members[index].network.logits(
          validationTexts, passes: passes.map { $0[index] }, pool: pool,
          shouldStop: work.shouldStop)
        let (values, readOut) = (
          members[index].model.parameters.copyOut(), members[index].readOut
        )
        _ = members[index].stopping.stops(
          after: number + 1, loss: LogLoss.mean(logits: logits, labels: validationLabels),
          keeping: (values, readOut))
      }
      try store(number + 1)
      work.report(Double(number + 1) / Double(stepCount), "step \(number + 1) of \(stepCount)")
    }
    return try members.map { member in
      let best = try member.stopping.result(of: "disjoint")
      member.model.parameters.copyIn(best.kept.values)
      return FullNetwork(
        model: try LanguageModel(configuration, values: best.kept.values, on: .cpu),
        readOut: best.kept.readOut)
    }
  }

  /// One lane's gradients; returns those of the read-outs.
  private func gradient(
    _ members: [Member], _ examples: [(text: FullNetwork.Text, label: Bool)], _ lane: Int,
    _ weights: (positive: Float, negative: Float), scale: Float, _ objective: DisjointObjective,
    _ passes: [TrainingPass]
  ) -> [[Float]] {
    var own = members.enumerated().map { index, member in
      passes[index].stream.zero(member.lanes[lane].values)
      return DisjointObjective.Member(
        network: member.network, pass: passes[index], gradients: member.lanes[lane],
        readOut: Array(repeating: 0, count: member.readOut.count))
    }
    var labels = examples.map(\.label)[...]
    for (tokens, rows) in FullNetwork.batches(
      examples.map(\.text)[...], maximumTokens: passes[0].maximumTokens)
    {
      let part = Array(labels.prefix(rows.count))
      labels = labels.dropFirst(rows.count)
      _ = objective.add(
        DisjointObjective.Batch(
          tokens: tokens, rows: rows, labels: part,
          scales: part.map { scale * ($0 ? weights.positive : weights.negative) },
          vocabularySize: configuration.vocabularySize), to: &own)
    }
    return own.map(\.readOut)
  }

  private func text(of answer: JudgedAnswer) throws -> FullNetwork.Text {
    let query = graph.queries[answer.query]
    return try FullNetwork.text(
      prompt: text.prompt(subject: query.subject, predicate: query.predicate),
      answer: answer.answer.tokens, place: nil, contextLength: configuration.contextLength)
  }
}
