package import Compute
import Foundation
package import LanguageModel

/// The optimiser over a block of parameters, in pieces of fixed size so that any number of workers gives the same bits.
package struct Optimizer {
  /// First and second moments, in the layout of the parameters.
  package let first: FloatSlice
  package let second: FloatSlice
  private let training: TrainingConfiguration
  private let pieces: [Stretch]
  private static let pieceSize = 1 << 15

  /// Neighbouring parameters that are updated alike.
  package struct Stretch {
    var range: Range<Int>
    /// Multiplies the learning rate.
    var rateFactor: Double
    var isDecayed: Bool

    /// Parameters that learn at `rateFactor` times the learning rate.
    package init(_ range: Range<Int>, rateFactor: Double = 1, isDecayed: Bool) {
      self.range = range
      self.rateFactor = rateFactor
      self.isDecayed = isDecayed
    }
  }

  /// Moments of 0 for stretches that follow each other; throws `LabError` when memory is short.
  package init(_ stretches: [Stretch], _ training: TrainingConfiguration, on device: Device) throws
  {
    let count = stretches.last?.range.upperBound ?? 0
    first = try DeviceBuffer<Float>(count, on: device).all
    second = try DeviceBuffer<Float>(count, on: device).all
    self.training = training
    pieces = stretches.flatMap { stretch in
      stride(from: stretch.range.lowerBound, to: stretch.range.upperBound, by: Self.pieceSize)
        .map { start in
          var piece = stretch
          piece.range = start..<min(start + Self.pieceSize, stretch.range.upperBound)
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
      let stretch = Stretch(
        tensor.offset..<(tensor.offset + tensor.count),
        rateFactor: scaling.learningRateFactor(tensor.role), isDecayed: tensor.role != .norm)
      if let last = stretches.last, last.rateFactor == stretch.rateFactor,
        last.isDecayed == stretch.isDecayed
      {
        stretches[stretches.count - 1].range = last.range.lowerBound..<stretch.range.upperBound
      } else {
        stretches.append(stretch)
      }
    }
    try self.init(stretches, training, on: device)
  }

  /// Sums the lanes' gradients into the first lane and returns the norm of the sum.
  package func reduce(_ lanes: [Gradients], on pool: WorkerPool, streams: [KernelStream]) -> Double
  {
    let squares = pool.map(pieces: pieces.count) { worker, index in
      let piece = pieces[index].range
      let parts = lanes.map { $0.values.slice(piece.lowerBound, piece.count) }
      streams[worker].sumLanes(parts[0], lanes: parts)
      return streams[worker].sumOfSquares(parts[0])
    }
    return squares.reduce(0, +).squareRoot()
  }

  /// One step with the given gradient, clipped to the configuration's norm where that is above 0.
  ///
  /// `learningRate` is the schedule's; each piece multiplies it by its own factor.
  package func step(
    _ parameters: FloatSlice, gradient: FloatSlice, norm: Double, learningRate: Double,
    stepNumber: Int, on pool: WorkerPool, streams: [KernelStream]
  ) {
    let clip = training.clipNorm > 0 && norm > training.clipNorm ? training.clipNorm / norm : 1
    let correction1 = Float(1 - pow(training.beta1, Double(stepNumber + 1)))
    let correction2 = Float(1 - pow(training.beta2, Double(stepNumber + 1)))
    pool.run(pieces: pieces.count) { worker, index in
      let piece = pieces[index]
      func part(_ block: FloatSlice) -> FloatSlice {
        block.slice(piece.range.lowerBound, piece.range.count)
      }
      let rate = Float(learningRate * piece.rateFactor)
      let decay = Float(decay(of: piece))
      let rule: AdamScalars.Rule =
        switch training.optimizer {
        case .adamW: .adamW(epsilon: Float(training.epsilon))
        case .adamAtan2: .atan2(scale: 1.27, ratio: 1)
        }
      streams[worker].adam(
        parameters: part(parameters), first: part(first), second: part(second),
        gradient: part(gradient),
        scalars: AdamScalars(
          rule, learningRate: rate, beta1: Float(training.beta1), beta2: Float(training.beta2),
          weightDecay: decay, correction1: correction1, correction2: correction2,
          gradientScale: Float(clip)))
    }
  }

  /// What the kernel multiplies by the learning rate for decay.
  ///
  /// Independent decay is the schedule's share times lambda. The rate is that share times the piece's peak, so
  /// lambda over the peak it is.
  private func decay(of piece: Stretch) -> Double {
    guard piece.isDecayed else { return 0 }
    switch training.weightDecayMode {
    case .coupledToRate: return training.weightDecay
    case .independent: return training.weightDecay / (training.learningRate * piece.rateFactor)
    }
  }
}
