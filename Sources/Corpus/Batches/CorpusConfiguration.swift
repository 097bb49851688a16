/// What a model is trained on, apart from the graph and the tokenizer.
package struct CorpusConfiguration: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case fraction, packing, loss
    case windowLength = "window_length"
  }

  /// The nested part of the graph's queries, in (0, 1].
  package var fraction: Double
  package var packing: Packing
  package var loss: LossScope
  /// Inputs of a window; counts for `Packing.window` only.
  package var windowLength: Int

  package init(
    fraction: Double = 1, packing: Packing = .isolated, loss: LossScope = .all,
    windowLength: Int = 256
  ) {
    self.fraction = fraction
    self.packing = packing
    self.loss = loss
    self.windowLength = windowLength
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
