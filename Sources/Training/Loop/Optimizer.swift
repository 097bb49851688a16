import Compute
import Foundation
import LanguageModel

/// AdamW over a model's parameter block, in pieces of fixed size so that any number of workers gives the same bits.
struct Optimizer {
  let first: FloatSlice
  let second: FloatSlice
  /// Pieces of the block; none crosses from matrices (decayed) to norms (not decayed).
  private let pieces: [Range<Int>]
  private let matrixCount: Int
  private static let pieceSize = 1 << 15

  init(_ layout: ParameterLayout, on device: Device) throws {
    first = try DeviceBuffer<Float>(layout.count, on: device).all
    second = try DeviceBuffer<Float>(layout.count, on: device).all
    matrixCount = layout.matrixCount
    func cut(_ range: Range<Int>) -> [Range<Int>] {
      stride(from: range.lowerBound, to: range.upperBound, by: Self.pieceSize).map {
        $0..<min($0 + Self.pieceSize, range.upperBound)
      }
    }
    pieces = cut(0..<layout.matrixCount) + cut(layout.matrixCount..<layout.count)
  }

  /// Sums the lanes' gradients into the first lane and returns the norm of the sum.
  func reduce(_ lanes: [Gradients], on pool: WorkerPool, streams: [KernelStream]) -> Double {
    let squares = SharedResults(count: pieces.count)
    pool.run(pieces: pieces.count) { worker, index in
      let piece = pieces[index]
      let parts = lanes.map { $0.values.slice(piece.lowerBound, piece.count) }
      streams[worker].sumLanes(parts[0], lanes: parts)
      squares.set(index, streams[worker].sumOfSquares(parts[0]))
    }
    return squares.values.reduce(0, +).squareRoot()
  }

  /// One step with the given gradient, clipped to `clipNorm` where that is above 0.
  func step(
    _ parameters: FloatSlice, gradient: Gradients, norm: Double, learningRate: Double,
    stepNumber: Int, _ training: TrainingConfiguration, on pool: WorkerPool, streams: [KernelStream]
  ) {
    let clip = training.clipNorm > 0 && norm > training.clipNorm ? training.clipNorm / norm : 1
    var scalars = AdamWScalars(
      learningRate: Float(learningRate), beta1: Float(training.beta1), beta2: Float(training.beta2),
      epsilon: Float(training.epsilon), weightDecay: 0,
      correction1: Float(1 - pow(training.beta1, Double(stepNumber + 1))),
      correction2: Float(1 - pow(training.beta2, Double(stepNumber + 1))),
      gradientScale: Float(clip))
    let plain = scalars
    scalars.weightDecay = Float(training.weightDecay)
    let decayed = scalars
    pool.run(pieces: pieces.count) { worker, index in
      let piece = pieces[index]
      func part(_ block: FloatSlice) -> FloatSlice { block.slice(piece.lowerBound, piece.count) }
      streams[worker].adamW(
        parameters: part(parameters), first: part(first), second: part(second),
        gradient: part(gradient.values), scalars: piece.lowerBound < matrixCount ? decayed : plain)
    }
  }
}
