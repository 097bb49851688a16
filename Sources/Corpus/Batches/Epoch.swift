import KnowledgeGraph
package import LabCore

/// One pass over the corpus: the order of its presentations and where batches are cut.
///
/// Batches have nearly equal numbers of inputs: batch k of n ends with the sequence that reaches
/// (k + 1) / n of the epoch's. Token batches are made when asked for.
package struct Epoch: Sendable {
  package let number: Int
  let corpus: TrainingCorpus
  /// Numbers of the statements in the order in which they are presented, each as often as it is
  /// exposed; lines of rules have those after them.
  let order: [Int32]
  /// Number of the text that each presentation has.
  let texts: [Int32]
  /// The slots of its lines; nil where lines have none.
  let fields: SlotFields?
  /// Inputs before each presentation in the epoch's line of text, and all of them; one more than
  /// `order`.
  let inputStarts: [Int]
  /// Inputs of the epoch.
  let inputs: Int
  /// Sequences before each batch, and all of them; one more than there are batches.
  private let bounds: [Int]

  init(_ number: Int, of schedule: BatchSchedule) {
    self.number = number
    let corpus = schedule.corpus
    self.corpus = corpus
    var order: [Int32] = []
    order.reserveCapacity(corpus.presentationCount)
    for (index, statement) in corpus.statements.enumerated() {
      order.append(contentsOf: repeatElement(Int32(index), count: Int(statement.exposures)))
    }
    order += (0..<corpus.ruleLineCount).map { Int32(corpus.statements.count + $0) }
    var stream = schedule.seed.stream("corpus/epoch/\(number)")
    stream.shuffle(&order)
    self.order = order
    let texts = Self.texts(of: order, in: corpus, epoch: number)
    self.texts = texts
    fields = corpus.configuration.slot.flatMap { slot in
      corpus.text.tokenizer.slotToken.map {
        SlotFields(
          slot, token: $0, count: corpus.slottedCount, presentations: texts.count,
          stream: schedule.seed.stream("corpus/slot/\(number)"))
      }
    }
    let hidden = corpus.configuration.packing == .isolated ? 1 : 0
    var inputStarts = [0]
    inputStarts.reserveCapacity(order.count + 1)
    var total = 0
    for (place, text) in texts.enumerated() {
      total += corpus.starts[Int(text) + 1] - corpus.starts[Int(text)] - hidden
      if let field = fields?[place] { total += field.tokens.count }
      inputStarts.append(total)
    }
    self.inputStarts = inputStarts
    let steps = schedule.stepsPerEpoch
    let inputs = corpus.inputTokens(inEpoch: number)
    self.inputs = inputs
    switch corpus.configuration.packing {
    case .isolated:
      bounds = Self.bounds(of: steps, inputs: inputs, sequences: order.count) { inputStarts[$0] }
    case .window:
      let length = corpus.configuration.windowLength
      let windows = corpus.sequenceCount(inputs: inputs)
      bounds = Self.bounds(of: steps, inputs: inputs, sequences: windows) {
        min($0 * length, inputs)
      }
    }
  }

  /// The text of each presentation: presentation e of a statement, counted over all epochs, has
  /// text e modulo the number of paraphrases.
  private static func texts(
    of order: [Int32], in corpus: TrainingCorpus, epoch: Int
  ) -> [Int32] {
    let paraphrases = corpus.text.wording.paraphrases
    guard paraphrases > 1 else { return order }
    var counts = [Int32](repeating: 0, count: corpus.statements.count)
    return order.map { number in
      let statement = Int(number)
      guard statement < corpus.statements.count else {
        return Int32(corpus.statements.count * (paraphrases - 1)) + number
      }
      let earlier = epoch * Int(corpus.statements[statement].exposures) + Int(counts[statement])
      counts[statement] += 1
      return Int32(statement * paraphrases + earlier % paraphrases)
    }
  }

  /// The first sequence at or after each `steps`-th part of the inputs.
  private static func bounds(
    of steps: Int, inputs: Int, sequences: Int, start: (Int) -> Int
  ) -> [Int] {
    var bounds = [0]
    var next = 0
    for step in 1...steps {
      let goal = inputs * step / steps
      while next < sequences, start(next) < goal { next += 1 }
      bounds.append(next)
    }
    return bounds
  }

  package var batchCount: Int { bounds.count - 1 }

  /// Batch `step` of the epoch, counted from 0, as inputs and targets.
  package func batch(_ step: Int) -> TokenBatch {
    switch corpus.configuration.packing {
    case .isolated: isolatedBatch(bounds[step]..<bounds[step + 1])
    case .window: windowBatch(bounds[step]..<bounds[step + 1])
    }
  }

  /// Numbers of the triples that batch `step` trains on, in order, each as often as it is
  /// presented.
  ///
  /// In window packing the first and last may be in the neighbouring batches too, with their other
  /// tokens.
  package func triples(inBatch step: Int) -> [Int] {
    let places =
      corpus.configuration.packing == .isolated
      ? bounds[step]..<bounds[step + 1] : places(inWindows: bounds[step]..<bounds[step + 1])
    return order[places].map { Int($0) }.filter { $0 < corpus.statements.count }
  }

  /// The batches of each presentation of a triple: one, or in window packing as many as its tokens
  /// are in.
  ///
  /// Time linear in the number of presentations.
  package func steps(ofTriple index: Int) -> [Range<Int>] { steps(ofTriples: [index])[0] }

  /// The same for several triples, in one pass.
  package func steps(ofTriples indices: [Int]) -> [[Range<Int>]] {
    var places: [Int32: Int] = [:]
    for (place, index) in indices.enumerated() { places[Int32(index)] = place }
    var found = [[Range<Int>]](repeating: [], count: indices.count)
    let single = indices.count == 1 ? Int32(indices[0]) : -1
    for (place, number) in order.enumerated() where single < 0 || number == single {
      if let own = places[number] { found[own].append(steps(ofPresentation: place)) }
    }
    return found
  }

  private func steps(ofPresentation place: Int) -> Range<Int> {
    switch corpus.configuration.packing {
    case .isolated:
      let step = step(ofSequence: place)
      return step..<(step + 1)
    case .window:
      // Its first target is its second token, since <S> belongs to the end of the triple before.
      let length = corpus.configuration.windowLength
      let first = inputStarts[place] / length
      let last = max(inputStarts[place], inputStarts[place + 1] - 2) / length
      return step(ofSequence: first)..<(step(ofSequence: last) + 1)
    }
  }

  private func step(ofSequence sequence: Int) -> Int {
    var low = 0
    var high = batchCount
    while low < high {
      let middle = (low + high) / 2
      if bounds[middle + 1] <= sequence { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func isolatedBatch(_ sequences: Range<Int>) -> TokenBatch {
    var batch = BatchBuilder(
      inputs: inputStarts[sequences.upperBound] - inputStarts[sequences.lowerBound],
      sequences: sequences.count)
    for place in sequences {
      let text = texts[place]
      let start = corpus.starts[Int(text)]
      let end = corpus.starts[Int(text) + 1]
      if let field = fields?[place] {
        batch.append(
          corpus.tokens[start..<end], with: field,
          objectPlace: corpus.configuration.loss == .object
            ? Int(corpus.objectPlaces[Int(text)]) : nil)
        continue
      }
      batch.tokens += corpus.tokens[start..<(end - 1)]
      if corpus.configuration.loss == .object {
        let object = start + Int(corpus.objectPlaces[Int(text)])
        batch.targets += repeatElement(-1, count: object - start)
        batch.targets += corpus.tokens[(object + 1)..<end]
      } else {
        batch.targets += corpus.tokens[(start + 1)..<end]
      }
      batch.endSequence()
    }
    return batch.finished
  }
}
