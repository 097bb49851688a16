package import KnowledgeGraph
package import LabCore

/// The statements to train on as tokens, encoded once.
///
/// Statements are numbered from 0 in order of (subject, predicate, object). A statement has as many
/// texts as the wording has paraphrases; each text is numbered, those of one statement in a row. A
/// line that is no triple, since what is said in it names no entity, has the object -1.
package struct TrainingCorpus: Sendable {
  package let configuration: CorpusConfiguration
  /// In order; their places here are their numbers.
  package let statements: [TaughtTriple]
  package let text: TripleText
  /// Sequences that one epoch presents: each statement as often as its exposures say, and each line
  /// of a rule once.
  package let presentationCount: Int
  /// Lines that teach rules; their texts come after those of the statements.
  package let ruleLineCount: Int
  /// All texts back to back.
  let tokens: [Int32]
  /// Where each text begins in `tokens`, and the end.
  let starts: [Int]
  /// Where the `<O>` of each text is in it.
  let objectPlaces: [Int32]
  /// The longest text, the first of equals.
  private let longestText: Int
  /// Tokens of all presentations of an epoch; epoch e has those at e modulo the number of
  /// paraphrases.
  private let tokensOfEpochs: [Int]
  /// Presentations of an epoch with a slot.
  let slottedCount: Int

  /// The statements of the configured fraction of a graph.
  ///
  /// Throws `CorpusError` when there are none, the fraction or the window is impossible, or a name
  /// cannot be spelled.
  package init(
    graph: KnowledgeGraph, tokenizer: any Tokenizer,
    configuration: CorpusConfiguration = CorpusConfiguration(), chosen: Set<Triple>? = nil,
    lines: [TextLine]? = nil
  ) throws(CorpusError) {
    try self.init(
      graph: graph,
      text: TripleText(graph: graph, tokenizer: tokenizer, wording: configuration.wording),
      configuration: configuration, chosen: chosen, lines: lines)
  }

  /// The same with names that are already encoded, for the configuration's wording.
  ///
  /// With `chosen`, only the statements of these triples; with `lines`, these in place of all.
  package init(
    graph: KnowledgeGraph, text: TripleText, configuration: CorpusConfiguration,
    chosen: Set<Triple>? = nil, lines: [TextLine]? = nil
  ) throws(CorpusError) {
    let fraction = configuration.fraction
    guard fraction > 0, fraction <= 1 else { throw .fractionOutOfRange(fraction) }
    guard RuleLines.shares.contains(configuration.ruleShare) else {
      throw .ruleShareOutOfRange(configuration.ruleShare)
    }
    guard configuration.windowLength > 0 else { throw .windowTooShort(configuration.windowLength) }
    try Self.check(configuration, text)
    var statements = graph.statements(fraction: fraction)
    if let chosen { statements.removeAll { !chosen.contains($0.triple) } }
    let said = lines.map { text.statements($0, in: graph) }
    if let said { statements = said.map(\.statement) }
    guard !statements.isEmpty else { throw .empty(fraction: fraction) }
    let paraphrases = text.wording.paraphrases
    let presentations = statements.reduce(0) { $0 + Int($1.exposures) }
    guard max(presentations, statements.count * paraphrases) <= Int(Int32.max) else {
      throw .presentationsTooMany(max(presentations, statements.count * paraphrases))
    }
    var tokens: [Int32] = []
    // An array that grows has room for up to twice as much.
    if said == nil {
      tokens.reserveCapacity(statements.reduce(0) { $0 + (text.tokenCount(of: $1.triple) ?? 0) })
    }
    var starts = [0]
    var objectPlaces: [Int32] = []
    var longest = (text: 0, length: 0)
    starts.reserveCapacity(statements.count * paraphrases + 1)
    objectPlaces.reserveCapacity(statements.count * paraphrases)
    for (number, statement) in statements.enumerated() {
      for paraphrase in 0..<paraphrases {
        let place = text.append(
          statement.triple, completion: said?[number].completion, paraphrase: paraphrase,
          to: &tokens)
        objectPlaces.append(Int32(place))
        let length = tokens.count - starts[starts.count - 1]
        if length > longest.length { longest = (starts.count - 1, length) }
        starts.append(tokens.count)
      }
    }
    let rules = try RuleLines(
      graph: graph, tokenizer: text.tokenizer, fraction: fraction, share: configuration.ruleShare,
      presentations: presentations)
    for line in rules.lines {
      tokens += line.tokens
      objectPlaces.append(Int32(line.promptEnd))
      if line.tokens.count > longest.length { longest = (starts.count - 1, line.tokens.count) }
      starts.append(tokens.count)
    }
    self.configuration = configuration
    self.text = text
    self.statements = statements
    self.tokens = tokens
    self.starts = starts
    self.objectPlaces = objectPlaces
    slottedCount = Int(((configuration.slot?.share ?? 0) * Double(presentations)).rounded())
    ruleLineCount = rules.lines.count
    presentationCount = presentations + ruleLineCount
    longestText = longest.text
    let ruleTokens = rules.lines.reduce(0) { $0 + $1.tokens.count }
    tokensOfEpochs = (0..<paraphrases).map { epoch in
      ruleTokens + Self.tokenCount(ofEpoch: epoch, statements, starts, paraphrases: paraphrases)
    }
  }

  /// Throws `CorpusError.slotImpossible` for a slot that these lines cannot have.
  private static func check(
    _ configuration: CorpusConfiguration, _ text: TripleText
  ) throws(CorpusError) {
    guard let slot = configuration.slot else { return }
    guard slot.share > 0, slot.share <= 1, slot.length > 0 else {
      throw .slotImpossible("a share above 0, at most 1, and at least one token")
    }
    guard configuration.packing == .isolated else { throw .slotImpossible("--packing isolated") }
    guard configuration.ruleShare == 0 else {
      throw .slotImpossible("lines of facts alone, without --rule-share")
    }
    guard text.tokenizer.slotToken != nil else {
      throw .slotImpossible("a tokenizer with the token \(Slot.tokenText)")
    }
    guard text.wording.phrasing == .triple || !slot.placement.positions.contains(.infix) else {
      throw .slotImpossible("--phrasing triple where it may be an infix")
    }
  }

  private static func tokenCount(
    ofEpoch epoch: Int, _ statements: [TaughtTriple], _ starts: [Int], paraphrases: Int
  ) -> Int {
    var count = 0
    for (number, statement) in statements.enumerated() {
      let exposures = Int(statement.exposures)
      let first = number * paraphrases
      // Every paraphrase is shown in each whole round, and the next ones in turn in the rest.
      count += exposures / paraphrases * (starts[first + paraphrases] - starts[first])
      for presentation in 0..<(exposures % paraphrases) {
        let text = first + (epoch * exposures + presentation) % paraphrases
        count += starts[text + 1] - starts[text]
      }
    }
    return count
  }

  /// Tokens of the text of all statements, each once and in its first phrasing, end tokens
  /// included: D of the axis u.
  ///
  /// Lines of rules do not count.
  package var uniqueTokens: Int {
    let paraphrases = text.wording.paraphrases
    guard paraphrases > 1 else { return starts[statements.count] }
    return statements.indices.reduce(0) {
      $0 + starts[$1 * paraphrases + 1] - starts[$1 * paraphrases]
    }
  }

  /// Inputs that a model is given in one epoch; the last token of a sequence predicts nothing.
  ///
  /// With several paraphrases epochs differ a little; this is their mean, rounded up.
  package var inputTokensPerEpoch: Int {
    let all = tokensOfEpochs.indices.reduce(0) { $0 + inputTokens(inEpoch: $1) }
    return (all + tokensOfEpochs.count - 1) / tokensOfEpochs.count
  }

  /// Inputs of the epoch with this number.
  func inputTokens(inEpoch epoch: Int) -> Int {
    let tokens = tokensOfEpochs[epoch % tokensOfEpochs.count]
    switch configuration.packing {
    case .isolated:
      return tokens - presentationCount + slottedCount * (configuration.slot?.fieldLength ?? 0)
    case .window: return tokens - 1
    }
  }

  /// Inputs of the smallest and the largest epoch.
  var inputTokensOfEpochs: ClosedRange<Int> {
    let all = tokensOfEpochs.indices.map { inputTokens(inEpoch: $0) }
    return (all.min() ?? 0)...(all.max() ?? 0)
  }

  /// Sequences of the largest epoch: presentations of statements, or windows.
  package var sequenceCount: Int { sequenceCount(inputs: inputTokensOfEpochs.upperBound) }

  /// Sequences of an epoch with this number of inputs.
  func sequenceCount(inputs: Int) -> Int {
    switch configuration.packing {
    case .isolated: presentationCount
    case .window: (inputs + configuration.windowLength - 1) / configuration.windowLength
    }
  }

  /// Inputs of the longest sequence: the context length that training needs.
  package var longestSequence: Int {
    switch configuration.packing {
    case .isolated:
      starts[longestText + 1] - starts[longestText] - 1 + (configuration.slot?.fieldLength ?? 0)
    case .window: min(configuration.windowLength, inputTokensOfEpochs.upperBound)
    }
  }

  /// The number of a triple's statement, or nil where it is not trained on.
  package func index(of triple: Triple) -> Int? {
    var low = 0
    var high = statements.count
    while low < high {
      let middle = (low + high) / 2
      if statements[middle].triple < triple { low = middle + 1 } else { high = middle }
    }
    return low < statements.count && statements[low].triple == triple ? low : nil
  }

  /// How epochs are cut into batches of about `tokensPerBatch` inputs.
  ///
  /// Throws `CorpusError.batchTooSmall` naming the longest triple where a batch would not hold two
  /// of it.
  package func schedule(tokensPerBatch: Int, seed: Seed) throws(CorpusError) -> BatchSchedule {
    guard tokensPerBatch >= 2 * longestSequence || sequenceCount == 1 else {
      throw .batchTooSmall(
        tokens: tokensPerBatch, longest: longestSequenceDescription, length: longestSequence)
    }
    return BatchSchedule(corpus: self, tokensPerBatch: tokensPerBatch, seed: seed)
  }

  private var longestSequenceDescription: String {
    switch configuration.packing {
    case .isolated:
      longestText < statements.count * text.wording.paraphrases
        ? "the triple "
          + text.description(
            of: statements[longestText / text.wording.paraphrases].triple,
            object: objectText(of: longestText / text.wording.paraphrases))
        : "a line that teaches a rule"
    case .window: "a window"
    }
  }

  /// What a statement's text says after `<O>`, its end aside, as a person would read it.
  package func objectText(of statement: Int) -> String {
    let first = statement * text.wording.paraphrases
    let place = starts[first] + Int(objectPlaces[first]) + 1
    let said = tokens[place..<starts[first + 1]].filter { $0 != SpecialToken.end.rawValue }
    return text.tokenizer.decode(Array(said))
      ?? said.map { text.tokenizer.text(of: $0) }.joined(separator: " ")
  }
}
