package import Compute
import Foundation
package import LanguageModel

/// The optimiser over a block of parameters, in pieces of fixed size so that any number of workers
/// gives the same bits.
package struct Optimizer {
  /// First and second moments, in the layout of the parameters.
  package let first: FloatSlice
  package let second: FloatSlice
  private let training: TrainingConfiguration
  /// In the order of the parameters.
  let stretches: [Stretch]
  private let pieces: [Stretch]
  private static let pieceSize = 1 << 15

  /// Neighbouring parameters that are updated alike.
  package struct Stretch: Hashable {
    var range: Range<Int>
    /// Multiplies the learning rate.
    var rateFactor = 1.0
    /// What a parameter is multiplied by to be the weight that is stored.
    var multiplier = 1.0
    /// Multiplies epsilon.
    var epsilonFactor = 1.0
    var isDecayed: Bool
    /// That of the tensor where its values are updated together; nil where each is for itself.
    package var shape: [Int]?

    /// Parameters that learn at the learning rate, each for itself.
    package init(_ range: Range<Int>, isDecayed: Bool) {
      self.range = range
      self.isDecayed = isDecayed
    }

    /// A tensor of a model.
    init(_ tensor: ParameterTensor, _ scaling: WidthScaling, _ training: TrainingConfiguration) {
      self.init(
        tensor.offset..<(tensor.offset + tensor.count), isDecayed: tensor.role != .norm)
      rateFactor =
        scaling.learningRateFactor(tensor.role) * training.layerRates.factor(tensor.role)
      multiplier = scaling.multiplier(tensor.role)
      if training.epsilonMode == .perLayer { epsilonFactor = scaling.gradientFactor(tensor.role) }
      if training.optimizer == .adafactor { shape = tensor.shape }
    }

    /// Whether what follows is updated as one with it.
    func isLike(_ next: Stretch) -> Bool {
      var own = self
      own.range = next.range
      return own == next && shape == nil
    }
  }

  /// Moments of 0 for stretches that follow each other; throws `LabError` when memory is short.
  package init(_ stretches: [Stretch], _ training: TrainingConfiguration, on device: Device) throws
  {
    let count = stretches.last?.range.upperBound ?? 0
    first = try DeviceBuffer<Float>(count, on: device).all
    second = try DeviceBuffer<Float>(count, on: device).all
    self.training = training
    self.stretches = stretches
    pieces = stretches.flatMap { stretch in
      let size = stretch.shape == nil ? Self.pieceSize : stretch.range.count
      return stride(from: stretch.range.lowerBound, to: stretch.range.upperBound, by: size)
        .map { start in
          var piece = stretch
          piece.range = start..<min(start + size, stretch.range.upperBound)
          return piece
        }
    }
  }

  /// That of a model: matrices are decayed and norms are not, and each role learns at its own rate.
  package init(_ layout: ParameterLayout, _ training: TrainingConfiguration, on device: Device)
    throws
  {
    let scaling = training.scaling(width: layout.configuration.modelDimension)
    var stretches: [Stretch] = []
    for tensor in layout.tensors {
      let stretch = Stretch(tensor, scaling, training)
      if let last = stretches.last, last.isLike(stretch) {
        stretches[stretches.count - 1].range = last.range.lowerBound..<stretch.range.upperBound
      } else {
        stretches.append(stretch)
      }
    }
    try self.init(stretches, training, on: device)
  }

  /// Sums the lanes' gradients, which are those of weights, into the first lane and returns the
  /// norm of the parameters'.
  package func reduce(_ lanes: [Gradients], on pool: WorkerPool, streams: [KernelStream]) -> Double
  {
    let squares = pool.map(pieces: pieces.count) { worker, index in
      let piece = pieces[index].range
      let parts = lanes.map { $0.values.slice(piece.lowerBound, piece.count) }
      streams[worker].sumLanes(parts[0], lanes: parts)
      let multiplier = pieces[index].multiplier
      return multiplier * multiplier * streams[worker].sumOfSquares(parts[0])
    }
    return squares.reduce(0, +).squareRoot()
  }

  /// One step with the given gradient, clipped to the configuration's norm where that is above 0.
  ///
  /// `learningRate` is the schedule's; each piece multiplies it by its own factor. A weight w is m
  /// theta: the gradient of theta is m times that of w, and what moves theta moves w by m times as
  /// much.
  package func step(
    _ parameters: FloatSlice, gradient: FloatSlice, norm: Double, learningRate: Double,
    stepNumber: Int, on pool: WorkerPool, streams: [KernelStream]
  ) {
    let clip = training.clipNorm > 0 && norm > training.clipNorm ? training.clipNorm / norm : 1
    pool.run(pieces: pieces.count) { worker, index in
      let piece = pieces[index]
      func part(_ block: FloatSlice) -> FloatSlice {
        block.slice(piece.range.lowerBound, piece.range.count)
      }
      let rate = learningRate * piece.rateFactor * piece.multiplier
      let decay = decay(of: piece)
      switch training.optimizer {
      case .adamW, .adamAtan2:
        streams[worker].adam(
          parameters: part(parameters), first: part(first), second: part(second),
          gradient: part(gradient),
          scalars: scalars(
            piece, rate: rate, decay: decay, scale: clip * piece.multiplier, stepNumber: stepNumber)
        )
      case .sgd:
        Momentum(rate: rate, decay: rate * decay, momentum: training.beta1).step(
          part(parameters), part(first), gradient: part(gradient),
          scale: clip * piece.multiplier)
      case .adafactor:
        Adafactor(
          shape: piece.shape ?? [piece.range.count], rate: rate, decay: rate * decay,
          multiplier: piece.multiplier, stepNumber: stepNumber
        ).step(
          part(parameters), part(second), gradient: part(gradient),
          scale: clip * piece.multiplier)
      }
    }
  }

  private func scalars(
    _ piece: Stretch, rate: Double, decay: Double, scale: Double, stepNumber: Int
  ) -> AdamScalars {
    let rule: AdamScalars.Rule =
      training.optimizer == .adamAtan2
      ? .atan2(scale: 1.27, ratio: 1)
      : .adamW(epsilon: Float(training.epsilon * piece.epsilonFactor))
    return AdamScalars(
      rule, learningRate: Float(rate), beta1: Float(training.beta1), beta2: Float(training.beta2),
      weightDecay: Float(decay),
      correction1: Float(1 - pow(training.beta1, Double(stepNumber + 1))),
      correction2: Float(1 - pow(training.beta2, Double(stepNumber + 1))),
      gradientScale: Float(scale))
  }

  /// What is multiplied by a piece's rate and multiplier for decay.
  ///
  /// Independent decay is the schedule's share times lambda. The rate is that share times the
  /// piece's peak, so lambda over the peak it is.
  func decay(of piece: Stretch) -> Double {
    guard piece.isDecayed else { return 0 }
    switch training.weightDecayMode {
    case .coupledToRate: return training.weightDecay / piece.multiplier
    case .independent:
      return training.weightDecay
        / (training.learningRate * piece.rateFactor * piece.multiplier)
    }
  }
}
