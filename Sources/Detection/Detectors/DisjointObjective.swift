import Foundation
package import LabCore
package import LanguageModel

/// How strongly detectors that are trained together are kept from being wrong for the same texts.
package struct DisjointPenalties: Codable, Hashable, Sendable {
  /// Of each of the three penalties; 0 for none.
  package var weight = 1.0
  /// How far one-hot rows move along a detector's gradient, and along its sign.
  package var epsilon = 2.0
  package var signEpsilon = 0.03
  /// What the gradient is multiplied by before its hyperbolic tangent stands for its sign.
  package var sharpness = 2e4

  package init() {}

  enum CodingKeys: String, SnakeCaseKey { case weight, epsilon, signEpsilon, sharpness }
}

/// What detectors that are trained together minimise, after arXiv 2102.05104: N times the mean of
/// their losses and, over ordered pairs, of how much an attack on one adds to the loss of another,
/// raw and by sign, and of the cosine of their gradients plus 1.
///
/// A text x is its one-hot rows, which all detectors share, and h_j the gradient of detector j's
/// log-loss with respect to them. The attacks are x + epsilon h_j and x + signEpsilon
/// tanh(sharpness h_j). Where gradients are of gradients, they are central differences of gradients
/// along the way.
package struct DisjointObjective {
  private let penalties: DisjointPenalties

  package init(penalties: DisjointPenalties) { self.penalties = penalties }

  /// A micro-batch: texts with a row, label and weight each.
  package struct Batch {
    package let tokens: TokenBatch
    package let rows: [JudgedRow]
    let labels: [Bool]
    /// Of each text in the objective.
    let scales: [Float]
    let vocabularySize: Int

    package init(
      tokens: TokenBatch, rows: [JudgedRow], labels: [Bool], scales: [Float], vocabularySize: Int
    ) {
      self.tokens = tokens
      self.rows = rows
      self.labels = labels
      self.scales = scales
      self.vocabularySize = vocabularySize
    }
  }

  /// A detector, memory for its passes, and what its gradients are added to.
  package struct Member {
    let network: FullNetwork
    let pass: TrainingPass
    package let gradients: Gradients
    /// The gradient of the read-out.
    package var readOut: [Float]

    package init(
      network: FullNetwork, pass: TrainingPass, gradients: Gradients, readOut: [Float]
    ) {
      self.network = network
      self.pass = pass
      self.gradients = gradients
      self.readOut = readOut
    }
  }

  /// How far one-hot rows move to tell how gradients change, as the norm over a text.
  private static let step: Float = 0.01

  /// Adds the objective's gradients; returns its value.
  package func add(_ batch: Batch, to members: inout [Member]) -> Double {
    let count = batch.rows.count
    var value = 0.0
    var losses: [[Double]] = []
    var slopes: [[Float]] = []
    for index in members.indices {
      let clean = run(batch, &members[index], weights: batch.scales)
      losses.append(clean)
      value += zip(clean, batch.scales).reduce(0) { $0 + $1.0 * Double($1.1) }
      guard penalties.weight > 0, members.count > 1 else { continue }
      // Of each text's own loss.
      slopes.append(scaled(oneHot(members[index], batch), batch) { 1 / batch.scales[$0] })
    }
    guard penalties.weight > 0, members.count > 1 else { return value }
    let share = Float(penalties.weight) / Float(members.count - 1)
    let weights = batch.scales.map { $0 * share }
    // What the objective changes by where h_j does.
    var ways = slopes.map { [Float](repeating: 0, count: $0.count) }
    // How often a text's clean loss is taken off.
    var taken = members.map { _ in [Float](repeating: 0, count: count) }
    for source in members.indices {
      for victim in members.indices where victim != source {
        for isSign in [false, true] {
          let (moved, factors) = attack(along: slopes[source], isSign: isSign)
          let attacked = run(batch, &members[victim], weights: weights, moved: moved) {
            $1 > losses[victim][$0]
          }
          for text in 0..<count where attacked[text] > losses[victim][text] {
            value +=
              Double(weights[text]) * (attacked[text] - losses[victim][text])
            taken[victim][text] += weights[text]
          }
          let back = oneHot(members[victim], batch)
          for place in back.indices { ways[source][place] += factors(place) * back[place] }
        }
        value += addCosine(slopes[victim], slopes[source], weights, batch, to: &ways[source])
      }
    }
    for index in members.indices {
      if taken[index].contains(where: { $0 > 0 }) {
        _ = run(batch, &members[index], weights: taken[index].map { -$0 })
      }
      follow(ways[index], batch, &members[index])
    }
    return value
  }

  /// The objective's part of a change of h: (d/dh) of way · h, as a central difference of the
  /// gradient along the way.
  private func follow(_ way: [Float], _ batch: Batch, _ member: inout Member) {
    let norms = batch.rows.indices.map { norm(way[stretch($0, batch)]) }
    guard norms.contains(where: { $0 > 0 }) else { return }
    let unit = scaled(way, batch) { norms[$0] > 0 ? Self.step / norms[$0] : 0 }
    for sign: Float in [1, -1] {
      _ = run(
        batch, &member, weights: norms.map { sign * $0 / (2 * Self.step) },
        moved: unit.map { sign * $0 })
    }
  }

  /// Where rows move for an attack, and what a change of the gradient moves them by.
  private func attack(
    along slope: [Float], isSign: Bool
  ) -> (moved: [Float], factor: (Int) -> Float) {
    let epsilon = Float(isSign ? penalties.signEpsilon : penalties.epsilon)
    guard isSign else { return (slope.map { epsilon * $0 }, { _ in epsilon }) }
    let sharpness = Float(penalties.sharpness)
    let signs = slope.map { tanh(sharpness * $0) }
    return (
      signs.map { epsilon * $0 }, { epsilon * sharpness * (1 - signs[$0] * signs[$0]) }
    )
  }

  /// Adds 2 d cos / d own to the way of a detector, for the pair in both orders; returns cos + 1 of
  /// one.
  private func addCosine(
    _ other: [Float], _ own: [Float], _ weights: [Float], _ batch: Batch, to way: inout [Float]
  ) -> Double {
    var value = 0.0
    for text in batch.rows.indices {
      let range = stretch(text, batch)
      let norms = (norm(other[range]), norm(own[range]))
      value += Double(weights[text])
      guard norms.0 > 0, norms.1 > 0 else { continue }
      var cosine: Float = 0
      for place in range { cosine += other[place] * own[place] }
      cosine /= norms.0 * norms.1
      value += Double(weights[text] * cosine)
      for place in range {
        way[place] +=
          2 * weights[text]
          * (other[place] / (norms.0 * norms.1) - cosine * own[place] / (norms.1 * norms.1))
      }
    }
    return value
  }

  // MARK: Passes

  /// One pass: the loss of each text, and the gradient of their weighted sum, over those that
  /// count, into the member.
  private func run(
    _ batch: Batch, _ member: inout Member, weights: [Float], moved: [Float]? = nil,
    where counts: (Int, Double) -> Bool = { _, _ in true }
  ) -> [Double] {
    let readOut = member.network.readOut
    let width = readOut.count - 1
    let (logits, inputs) = member.pass.logits(
      batch.tokens, rows: batch.rows, readOut: readOut, moved: moved)
    let losses = zip(logits, batch.labels).map { LogLoss.mean(logits: [$0], labels: [$1]) }
    let gradient = logits.indices.map { text -> Float in
      guard counts(text, losses[text]) else { return 0 }
      let error = LogLoss.probability(Double(logits[text])) - (batch.labels[text] ? 1 : 0)
      return weights[text] * Float(error)
    }
    member.pass.backward(
      batch.tokens, rows: batch.rows, readOut: readOut, logitGradient: gradient, moved: moved,
      into: member.gradients)
    for (row, value) in gradient.enumerated() {
      for column in 0..<width { member.readOut[column] += value * inputs[row * width + column] }
      member.readOut[width] += value
    }
    return losses
  }

  /// The gradient of the newest pass with respect to all one-hot rows, shape (T, V).
  private func oneHot(_ member: Member, _ batch: Batch) -> [Float] {
    member.pass.oneHotGradients(of: Array(batch.tokens.tokens.indices))
  }

  /// Where a text's one-hot rows are among all.
  private func stretch(_ text: Int, _ batch: Batch) -> Range<Int> {
    Int(batch.tokens.offsets[text]) * batch.vocabularySize..<Int(batch.tokens.offsets[text + 1])
      * batch.vocabularySize
  }

  private func scaled(_ values: [Float], _ batch: Batch, by factor: (Int) -> Float) -> [Float] {
    var values = values
    for text in batch.rows.indices {
      let factor = factor(text)
      for place in stretch(text, batch) { values[place] *= factor }
    }
    return values
  }

  private func norm(_ values: ArraySlice<Float>) -> Float {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }
}
