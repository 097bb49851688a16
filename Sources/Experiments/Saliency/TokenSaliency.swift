import Corpus
package import LabCore

/// An answer to a query as a detector reads it.
package struct SaliencyText: Hashable, Sendable {
  /// `<S> s <P> p <O> o <E>`.
  package var tokens: [Int32]
  /// The index of the first token of o.
  package let answerStart: Int

  package init(tokens: [Int32], answerStart: Int) {
    self.tokens = tokens
    self.answerStart = answerStart
  }

  /// Indices of the tokens of names, which are looked at; all others are there in every text.
  package var places: [Int] {
    tokens.indices.filter { Int(tokens[$0]) >= SpecialToken.allCases.count }
  }

  /// What a place is part of: "subject" up to `<P>`, "predicate" up to `<O>`, "object"; of a
  /// sentence "question", "object".
  package func part(of place: Int) -> String {
    if place >= answerStart { return "object" }
    guard let split = tokens.firstIndex(of: SpecialToken.predicate.rawValue) else {
      return "question"
    }
    return place < split ? "subject" : "predicate"
  }
}

/// What says a logit of a text, and how it changes with the tokens to first order.
package protocol LogitModel {
  func logits(of texts: [SaliencyText]) throws -> [Double]
  /// For each text the gradient of its logit with respect to the one-hot rows of its places, shape
  /// (places, V).
  func gradients(of texts: [SaliencyText]) throws -> [[[Float]]]
}

/// How much the tokens of names weigh in a logit, by its gradient and by replacing them.
package struct TokenSaliency: Hashable, Sendable {
  /// The change of the logit by another token in each place, root mean square over tokens: of all,
  /// to first order; and of those that were drawn, as it is.
  package let gradient: [Double]
  package let occlusion: [Double]
  /// "object" and so on, of each place.
  package let parts: [String]

  /// The share that a part has of all saliency; nil where there is none.
  package func share(of part: String, _ values: [Double]) -> Double? {
    let sum = values.reduce(0, +)
    guard sum > 0 else { return nil }
    return zip(values, parts).reduce(0) { $0 + ($1.1 == part ? $1.0 : 0) } / sum
  }

  /// The saliency of each text's places: `replacements` tokens of `allowed` are drawn for each,
  /// without repetition, or all.
  package static func of(
    _ texts: [SaliencyText], _ model: some LogitModel, allowed: [Int32], replacements: Int,
    streams: [RandomStream]
  ) throws -> [TokenSaliency] {
    let gradients = try model.gradients(of: texts)
    let logits = try model.logits(of: texts)
    var results: [TokenSaliency] = []
    for (index, text) in texts.enumerated() {
      var stream = streams[index]
      var changed: [SaliencyText] = []
      var counts: [Int] = []
      for place in text.places {
        var others = allowed.filter { $0 != text.tokens[place] }
        let count = min(replacements, others.count)
        for next in 0..<count { others.swapAt(next, next + stream.below(others.count - next)) }
        changed += others.prefix(count).map { token in
          var text = text
          text.tokens[place] = token
          return text
        }
        counts.append(count)
      }
      var rest = try model.logits(of: changed)[...]
      let occlusion = counts.map { count in
        defer { rest = rest.dropFirst(count) }
        return rootMeanSquare(rest.prefix(count).map { $0 - logits[index] })
      }
      let gradient = zip(text.places, gradients[index]).map { place, row in
        let own = Double(row[Int(text.tokens[place])])
        return rootMeanSquare(
          allowed.filter { $0 != text.tokens[place] }.map { Double(row[Int($0)]) - own })
      }
      results.append(
        TokenSaliency(
          gradient: gradient, occlusion: occlusion, parts: text.places.map(text.part)))
    }
    return results
  }

  private static func rootMeanSquare(_ values: [Double]) -> Double {
    values.isEmpty
      ? 0 : (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
  }
}
