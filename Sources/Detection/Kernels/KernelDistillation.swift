package import Compute
import Foundation
package import LabCore

/// Few points with targets of their own that stand for a training set: kernel inducing points
/// (arXiv 2011.00050).
///
/// The loss is half the mean square of y_t - K_ts (K_ss + lambda tr(K_ss) / m)^-1 y_s over the
/// training points t.
package struct KernelDistillation: Sendable {
  package let kernel: NeuralKernel
  /// The training points and their targets.
  package let points: DenseMatrix
  package let targets: [Double]
  /// lambda.
  package static let ridge = 1e-6
  /// Steps of Adam, and those between two looks at how good the points are.
  package static let (stepCount, interval) = (200, 10)

  package init(_ kernel: NeuralKernel, points: DenseMatrix, targets: [Double]) {
    self.kernel = kernel
    self.points = points
    self.targets = targets
  }

  /// Points that are learned from in the place of others.
  package struct Support: Equatable, Sendable {
    package var points: DenseMatrix
    package var targets: [Double]

    package init(points: DenseMatrix, targets: [Double]) {
      self.points = points
      self.targets = targets
    }
  }

  /// The loss of a support and its gradient with respect to points and targets.
  package struct Step: Sendable {
    package let loss: Double
    package let points: DenseMatrix
    package let targets: [Double]
  }

  /// What a ridge machine of a support sums: (K_ss + lambda tr(K_ss) / m)^-1 y_s.
  ///
  /// Throws `LabError` where points have come together.
  package func weights(_ support: Support) throws -> [Double] {
    try factored(support).solve(support.targets)
  }

  private func factored(_ support: Support) throws -> CholeskyMatrix {
    var matrix = CholeskyMatrix(kernel.gram(kernel.points(support.points)))
    guard matrix.factor(ridge: Self.ridge * matrix.meanDiagonal) else {
      throw LabError("the kernel \(kernel.name) of distilled points cannot be factored")
    }
    return matrix
  }

  /// The loss and its gradient; ReLU kernels only.
  package func step(_ support: Support) throws -> Step {
    let matrix = try factored(support)
    let cross = kernel.cross(kernel.points(support.points), kernel.points(points))
    let weights = matrix.solve(support.targets)
    let count = Double(targets.count)
    let residuals = zip(cross.transposed.times(weights), targets).map { $0 - $1 }
    let errors = residuals.map { $0 / count }
    // The gradient by the targets: A K_st e.
    let pulled = matrix.solve(cross.times(errors))
    let (m, n) = (weights.count, errors.count)
    let crossWeights = DenseMatrix(
      rows: m, columns: n, weights.flatMap { weight in errors.map { weight * $0 } })
    var ownWeights = DenseMatrix(rows: m, columns: m)
    let shared = zip(weights, pulled).reduce(0) { $0 + $1.0 * $1.1 } * Self.ridge / Double(m)
    for row in 0..<m {
      for column in 0..<m {
        ownWeights[row, column] =
          -0.5 * (pulled[row] * weights[column] + pulled[column] * weights[row])
          - (row == column ? shared : 0)
      }
    }
    var gradient = kernel.gradient(support.points, points, weights: crossWeights, isGram: false)
    gradient.add(
      kernel.gradient(support.points, support.points, weights: ownWeights, isGram: true))
    return Step(
      loss: 0.5 * residuals.reduce(0) { $0 + $1 * $1 } / count, points: gradient, targets: pulled)
  }

  /// The targets of given points that make the loss least: by least squares, no iteration.
  ///
  /// Throws `LabError` where the points cannot be told apart.
  package func solvedTargets(_ chosen: DenseMatrix) throws -> [Double] {
    let own = kernel.points(chosen)
    let cross = kernel.cross(own, kernel.points(points))
    var normal = CholeskyMatrix(cross.timesTransposed(cross))
    // Least squares in the weights, which then say the targets.
    for share in [0, 1e-14, 1e-12, 1e-10, 1e-8]
    where normal.factor(ridge: share * normal.meanDiagonal) {
      let weights = normal.solve(cross.times(targets))
      let gram = kernel.gram(own)
      let ridge = Self.ridge * own.diagonal.reduce(0, +) / Double(own.count)
      return zip(gram.times(weights), weights).map { $0 + ridge * $1 }
    }
    throw LabError("the kernel \(kernel.name) of distilled points cannot be factored")
  }

  /// Learns points and targets by Adam from a start; `quality` of the machine on other points says
  /// which step is kept.
  ///
  /// Throws `LabError.interrupted` when asked to stop.
  package func learned(
    from start: Support, steps: Int = Self.stepCount, rate: Double = 0.04,
    shouldStop: () -> Bool = { false }, quality: (Support) throws -> Double
  ) throws -> (support: Support, step: Int) {
    var support = start
    var best = (support: start, step: 0, quality: try quality(start))
    var moments = [(first: Double, second: Double)](
      repeating: (0, 0), count: start.points.values.count + start.targets.count)
    for number in 1...steps {
      if shouldStop() { throw LabError.interrupted("stopped while \(kernel.name) was distilled") }
      guard let step = try? step(support) else { break }
      let corrections = (1 - pow(0.9, Double(number)), 1 - pow(0.999, Double(number)))
      func moved(_ value: Double, _ gradient: Double, _ place: Int) -> Double {
        moments[place].first = 0.9 * moments[place].first + 0.1 * gradient
        moments[place].second = 0.999 * moments[place].second + 0.001 * gradient * gradient
        return value - rate * moments[place].first / corrections.0
          / ((moments[place].second / corrections.1).squareRoot() + 1e-8)
      }
      for place in support.points.values.indices {
        support.points.values[place] = moved(
          support.points.values[place], step.points.values[place], place)
      }
      for place in support.targets.indices {
        support.targets[place] = moved(
          support.targets[place], step.targets[place], support.points.values.count + place)
      }
      guard number % Self.interval == 0 else { continue }
      // Points that have come together end it; what was best stays.
      guard let value = try? quality(support) else { break }
      if value > best.quality { best = (support, number, value) }
    }
    return (best.support, best.step)
  }

  // MARK: Subsets

  /// `count` training points, half of each sign of the target where there are enough, with their
  /// targets.
  package func drawn(_ count: Int, _ stream: inout RandomStream) -> Support {
    var order = Array(targets.indices)
    stream.shuffle(&order)
    let (high, low) = (order.filter { targets[$0] > 0 }, order.filter { targets[$0] <= 0 })
    let half = min(max(count / 2, count - low.count), high.count)
    let chosen = (high.prefix(half) + low.prefix(count - half)).sorted()
    return Support(points: points.gathered(chosen), targets: chosen.map { targets[$0] })
  }

  /// Centres of `count` clusters, half of each sign of the target, by Lloyd's iterations from drawn
  /// points.
  package func centres(_ count: Int, _ stream: inout RandomStream) -> Support {
    var support = drawn(count, &stream)
    for sign in [true, false] {
      let own = support.targets.indices.filter { (support.targets[$0] > 0) == sign }
      let rows = points.gathered(targets.indices.filter { (targets[$0] > 0) == sign })
      guard !own.isEmpty else { continue }
      var centres = support.points.gathered(own)
      for _ in 0..<20 {
        let moved = Self.means(of: rows, nearest: centres)
        if moved == centres { break }
        centres = moved
      }
      for (place, index) in own.enumerated() {
        support.points.values.replaceSubrange(
          (index * rows.columns)..<((index + 1) * rows.columns), with: centres.row(place))
      }
    }
    return support
  }

  /// The mean of the rows that are nearest to each centre; a centre that is nearest to none stays.
  private static func means(of rows: DenseMatrix, nearest centres: DenseMatrix) -> DenseMatrix {
    let products = rows.timesTransposed(centres)
    let squares = (0..<centres.rows).map { centres.row($0).reduce(0) { $0 + $1 * $1 } }
    var sums = DenseMatrix(rows: centres.rows, columns: rows.columns)
    var counts = [Double](repeating: 0, count: centres.rows)
    for row in 0..<rows.rows {
      var best = (distance: Double.infinity, centre: 0)
      for centre in 0..<centres.rows {
        let distance = squares[centre] - 2 * products[row, centre]
        if distance < best.distance { best = (distance, centre) }
      }
      counts[best.centre] += 1
      for (column, value) in rows.row(row).enumerated() { sums[best.centre, column] += value }
    }
    for centre in 0..<centres.rows {
      for column in 0..<rows.columns {
        sums[centre, column] =
          counts[centre] == 0 ? centres[centre, column] : sums[centre, column] / counts[centre]
      }
    }
    return sums
  }
}

extension KernelRegression {
  /// The machine of few examples in place of all, with its ridge, quality at `others`, and step for
  /// learned ones.
  ///
  /// Learned points and solved targets keep the ridge that they were made for; of drawn points and
  /// centres the ridge is chosen as with all examples. Errors are those of `best`.
  package func distilled(
    _ distilled: KernelHead.Distilled, others: DenseMatrix, _ stream: inout RandomStream,
    shouldStop: () -> Bool = { false }, quality: ([Double]) throws -> Double
  ) throws -> (machine: KernelMachine, ridge: Double, quality: Double, step: Int) {
    let offset = targets.reduce(0, +) / Double(max(1, targets.count))
    let distillation = KernelDistillation(
      kernel, points: points, targets: targets.map { $0 - offset })
    let count = min(distilled.count, points.rows)
    func machine(_ support: KernelDistillation.Support) throws -> KernelMachine {
      KernelMachine(
        kernel: kernel, points: support.points, weights: try distillation.weights(support),
        offset: offset)
    }
    func kept(
      _ support: KernelDistillation.Support, step: Int
    ) throws -> (machine: KernelMachine, ridge: Double, quality: Double, step: Int) {
      let machine = try machine(support)
      let scale = kernel.points(support.points).diagonal.reduce(0, +) / Double(count)
      return (
        machine, KernelDistillation.ridge * scale, try quality(machine.values(others)), step
      )
    }
    switch distilled.way {
    case .kip:
      let learned = try distillation.learned(
        from: distillation.drawn(count, &stream), shouldStop: shouldStop
      ) { try quality(machine($0).values(others)) }
      return try kept(learned.support, step: learned.step)
    case .solve:
      let drawn = distillation.drawn(count, &stream)
      let targets = try distillation.solvedTargets(drawn.points)
      return try kept(
        KernelDistillation.Support(points: drawn.points, targets: targets), step: 0)
    case .random, .kmeans:
      let support =
        distilled.way == .random
        ? distillation.drawn(count, &stream) : distillation.centres(count, &stream)
      let best = try KernelRegression(
        kernel, points: support.points, targets: support.targets.map { $0 + offset }
      ).best(others: others, shouldStop: shouldStop, quality: quality)
      return (best.machine, best.ridge, best.quality, KernelRegression.ridges.count)
    }
  }
}
