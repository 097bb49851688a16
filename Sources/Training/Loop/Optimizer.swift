package import Compute
import Foundation
package import LanguageModel

/// The optimiser over a model's parameter block, in pieces of fixed size so that any number of workers gives the same
/// bits.
package struct Optimizer {
  /// First and second moments, in the layout of the parameters.
  package let first: FloatSlice
  package let second: FloatSlice
  private let training: TrainingConfiguration
  private let pieces: [Piece]
  private static let pieceSize = 1 << 15

  /// A stretch of the block; none crosses from matrices (decayed) to norms (not decayed), nor from one rate to another.
  private struct Piece {
    var range: Range<Int>
    /// Multiplies the learning rate.
    var rateFactor: Double
    var isDecayed: Bool
  }

  /// Moments of 0; throws `LabError` when memory is short.
  package init(_ layout: ParameterLayout, _ training: TrainingConfiguration, on device: Device)
    throws
  {
    first = try DeviceBuffer<Float>(layout.count, on: device).all
    second = try DeviceBuffer<Float>(layout.count, on: device).all
    self.training = training
    let scaling = training.scaling(width: layout.configuration.modelDimension)
    var stretches: [Piece] = []
    for tensor in layout.tensors {
      let piece = Piece(
        range: tensor.offset..<(tensor.offset + tensor.count),
        rateFactor: scaling.learningRateFactor(tensor.role), isDecayed: tensor.role != .norm)
      if let last = stretches.last, last.rateFactor == piece.rateFactor,
        last.isDecayed == piece.isDecayed
      {
        stretches[stretches.count - 1].range = last.range.lowerBound..<piece.range.upperBound
      } else {
        stretches.append(piece)
      }
    }
    pieces = stretches.flatMap { stretch in
      stride(from: stretch.range.lowerBound, to: stretch.range.upperBound, by: Self.pieceSize)
        .map { start in
          var piece = stretch
          piece.range = start..<min(start + Self.pieceSize, stretch.range.upperBound)
          return piece
        }
    }
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
    _ parameters: FloatSlice, gradient: Gradients, norm: Double, learningRate: Double,
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
      switch training.optimizer {
      case .adamW:
        streams[worker].adamW(
          parameters: part(parameters), first: part(first), second: part(second),
          gradient: part(gradient.values),
          scalars: AdamWScalars(
            learningRate: rate, beta1: Float(training.beta1), beta2: Float(training.beta2),
            epsilon: Float(training.epsilon), weightDecay: decay, correction1: correction1,
            correction2: correction2, gradientScale: Float(clip)))
      case .adamAtan2:
        streams[worker].adamAtan2(
          parameters: part(parameters), first: part(first), second: part(second),
          gradient: part(gradient.values),
          scalars: AdamAtan2Scalars(
            learningRate: rate, beta1: Float(training.beta1), beta2: Float(training.beta2),
            scale: 1.27, ratio: 1, weightDecay: decay, correction1: correction1,
            correction2: correction2, gradientScale: Float(clip)))
      }
    }
  }

  /// What the kernel multiplies by the learning rate for decay.
  ///
  /// Independent decay is the schedule's share times lambda. The rate is that share times the piece's peak, so
  /// lambda over the peak it is.
  private func decay(of piece: Piece) -> Double {
    guard piece.isDecayed else { return 0 }
    switch training.weightDecayMode {
    case .coupledToRate: return training.weightDecay
    case .independent: return training.weightDecay / (training.learningRate * piece.rateFactor)
    }
  }
}
