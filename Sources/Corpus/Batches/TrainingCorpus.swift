package import KnowledgeGraph
package import LabCore

/// The triples to train on as tokens, encoded once.
///
/// Triples are numbered from 0 in order of (subject, predicate, object).
package struct TrainingCorpus: Sendable {
  package let configuration: CorpusConfiguration
  /// In order; their places here are their numbers.
  package let triples: [Triple]
  package let text: TripleText
  /// All sequences back to back.
  let tokens: [Int32]
  /// Where each sequence begins in `tokens`, and its end; `triples.count` + 1 of them.
  let starts: [Int]
  /// Where the `<O>` of each sequence is in it.
  let objectPlaces: [Int32]
  /// The triple with the longest sequence, the first of equals.
  let longestTriple: Int

  /// The visible triples of the configured fraction of a graph.
  ///
  /// Throws `CorpusError` when there are none, the fraction or the window is impossible, or a name cannot
  /// be spelled.
  package init(
    graph: KnowledgeGraph, tokenizer: any Tokenizer,
    configuration: CorpusConfiguration = CorpusConfiguration()
  ) throws(CorpusError) {
    try self.init(
      graph: graph, text: TripleText(graph: graph, tokenizer: tokenizer),
      configuration: configuration)
  }

  /// The same with names that are already encoded.
  package init(
    graph: KnowledgeGraph, text: TripleText, configuration: CorpusConfiguration
  ) throws(CorpusError) {
    let fraction = configuration.fraction
    guard fraction > 0, fraction <= 1 else { throw .fractionOutOfRange(fraction) }
    guard configuration.windowLength > 0 else { throw .windowTooShort(configuration.windowLength) }
    let triples = graph.visibleTriples(fraction: fraction)
    guard !triples.isEmpty else { throw .empty(fraction: fraction) }
    var tokens: [Int32] = []
    var starts = [0]
    var objectPlaces: [Int32] = []
    var longest = (triple: 0, length: 0)
    starts.reserveCapacity(triples.count + 1)
    objectPlaces.reserveCapacity(triples.count)
    for (index, triple) in triples.enumerated() {
      let prompt = text.prompt(subject: triple.subject, predicate: triple.predicate)
      tokens += prompt
      tokens += text.completion(object: triple.object)
      objectPlaces.append(Int32(prompt.count - 1))
      let length = tokens.count - starts[index]
      starts.append(tokens.count)
      if length > longest.length { longest = (index, length) }
    }
    self.configuration = configuration
    self.text = text
    self.triples = triples
    self.tokens = tokens
    self.starts = starts
    self.objectPlaces = objectPlaces
    longestTriple = longest.triple
  }

  /// Tokens of the text of all triples, each once, end tokens included: D of the axis u.
  package var uniqueTokens: Int { tokens.count }

  /// Inputs that a model is given in one epoch; the last token of a sequence predicts nothing.
  package var inputTokensPerEpoch: Int {
    switch configuration.packing {
    case .isolated: tokens.count - triples.count
    case .window: tokens.count - 1
    }
  }

  /// Sequences of one epoch: triples, or windows.
  package var sequenceCount: Int {
    switch configuration.packing {
    case .isolated:
      triples.count
    case .window:
      (inputTokensPerEpoch + configuration.windowLength - 1) / configuration.windowLength
    }
  }

  /// Inputs of the longest sequence: the context length that training needs.
  package var longestSequence: Int {
    switch configuration.packing {
    case .isolated: starts[longestTriple + 1] - starts[longestTriple] - 1
    case .window: min(configuration.windowLength, inputTokensPerEpoch)
    }
  }

  /// The number of a triple, or nil where it is not trained on.
  package func index(of triple: Triple) -> Int? {
    var low = 0
    var high = triples.count
    while low < high {
      let middle = (low + high) / 2
      if triples[middle] < triple { low = middle + 1 } else { high = middle }
    }
    return low < triples.count && triples[low] == triple ? low : nil
  }

  /// How epochs are cut into batches of about `tokensPerBatch` inputs.
  ///
  /// Throws `CorpusError.batchTooSmall` naming the longest triple where a batch would not hold two of it.
  package func schedule(tokensPerBatch: Int, seed: Seed) throws(CorpusError) -> BatchSchedule {
    guard tokensPerBatch >= 2 * longestSequence || sequenceCount == 1 else {
      throw .batchTooSmall(
        tokens: tokensPerBatch, longest: longestSequenceDescription, length: longestSequence)
    }
    return BatchSchedule(corpus: self, tokensPerBatch: tokensPerBatch, seed: seed)
  }

  private var longestSequenceDescription: String {
    switch configuration.packing {
    case .isolated: "the triple \(text.description(of: triples[longestTriple]))"
    case .window: "a window"
    }
  }
}
