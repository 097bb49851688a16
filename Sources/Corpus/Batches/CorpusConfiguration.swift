import LabCore

/// What a model is trained on, apart from the graph and the tokenizer.
package struct CorpusConfiguration: Hashable, Sendable {
  /// The nested part of the graph's queries, in (0, 1].
  package var fraction: Double
  package var packing: Packing
  package var loss: LossScope
  /// Inputs of a window; counts for `Packing.window` only.
  package var windowLength: Int
  /// How triples are put into words.
  package var wording: Wording
  /// Where the triples come from.
  package var source = TextSource.graph
  /// The field that some lines have; nil for none.
  package var slot: Slot?
  /// Share of the lines of an epoch, in [0, 1), that teach the rules of traps.
  package var ruleShare = 0.0

  package init(
    fraction: Double = 1, packing: Packing = .isolated, loss: LossScope = .all,
    windowLength: Int = 256, wording: Wording = .triple
  ) {
    self.fraction = fraction
    self.packing = packing
    self.loss = loss
    self.windowLength = windowLength
    self.wording = wording
  }
}

/// What is said of the wording is left out where triples are said as they are.
extension CorpusConfiguration: Codable {
  private enum CodingKeys: String, SnakeCaseKey {
    case fraction, packing, loss, phrasing, paraphrases, source, slot, windowLength, wordingSeed,
      ruleShare
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    fraction = try container.decode(Double.self, forKey: .fraction)
    packing = try container.decode(Packing.self, forKey: .packing)
    loss = try container.decode(LossScope.self, forKey: .loss)
    windowLength = try container.decode(Int.self, forKey: .windowLength)
    wording = Wording(
      phrasing: try container.decodeIfPresent(Phrasing.self, forKey: .phrasing) ?? .triple,
      paraphrases: try container.decodeIfPresent(Int.self, forKey: .paraphrases) ?? 1,
      seed: try container.decodeIfPresent(UInt64.self, forKey: .wordingSeed) ?? 0)
    source = try container.decodeIfPresent(TextSource.self, forKey: .source) ?? .graph
    slot = try container.decodeIfPresent(Slot.self, forKey: .slot)
    ruleShare = try container.decodeIfPresent(Double.self, forKey: .ruleShare) ?? 0
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(fraction, forKey: .fraction)
    try container.encode(packing, forKey: .packing)
    try container.encode(loss, forKey: .loss)
    try container.encode(windowLength, forKey: .windowLength)
    if source != .graph { try container.encode(source, forKey: .source) }
    try container.encodeIfPresent(slot, forKey: .slot)
    if ruleShare > 0 { try container.encode(ruleShare, forKey: .ruleShare) }
    guard wording.phrasing != .triple else { return }
    try container.encode(wording.phrasing, forKey: .phrasing)
    try container.encode(wording.paraphrases, forKey: .paraphrases)
    try container.encode(wording.seed, forKey: .wordingSeed)
  }
}

/// What attention can see: the values of `--packing`.
package enum Packing: String, Codable, CaseIterable, Sendable {
  /// Each triple is a sequence of its own.
  case isolated
  /// The epoch's text is one line, cut into windows; attention runs over the triples of a window.
  case window
}

/// Which tokens the loss is taken on: the values of `--loss`.
package enum LossScope: String, Codable, CaseIterable, Sendable {
  /// Every next token, as in arXiv 2408.07852.
  case all
  /// The object and the end token only.
  case object
}
