package import Compute
package import LanguageModel

/// The one training step: each lane's gradient of an objective, their sum and its norm, and the
/// update.
///
/// Lanes are summed in their order, so that any number of workers gives the same bits.
package struct TrainingStep {
  package let optimizer: Optimizer
  package let laneCount: Int
  private let model: LanguageModel
  private let lanes: [Gradients]
  private let pool: WorkerPool
  private let streams: [KernelStream]

  /// Allocates gradients and moments; `streams` has the kernels of each worker.
  ///
  /// Throws `LabError` when memory is short.
  package init(
    _ model: LanguageModel, _ training: TrainingConfiguration, on pool: WorkerPool,
    streams: [KernelStream]
  ) throws {
    self.model = model
    self.pool = pool
    self.streams = streams
    laneCount = training.lanes
    optimizer = try Optimizer(model.layout, training, on: model.device)
    lanes = try (0..<training.lanes).map { _ in try Gradients(model.layout, on: model.device) }
  }

  /// Computes the gradient: `objective` adds that of one lane's part to gradients of 0, by a
  /// worker.
  ///
  /// Returns what the objective makes of each lane, in their order, and the norm of the sum.
  package func gradient<Part: Sendable>(
    _ objective: (_ worker: Int, _ lane: Int, _ gradients: Gradients) -> Part
  ) -> (parts: [Part], norm: Double) {
    packModel()
    let parts = pool.map(pieces: laneCount) { worker, lane in
      streams[worker].zero(lanes[lane].values)
      return objective(worker, lane, lanes[lane])
    }
    return (parts, optimizer.reduce(lanes, on: pool, streams: streams))
  }

  /// The gradient that was computed last, summed over lanes and before clipping, in the order of
  /// `layout`.
  var gradient: FloatSlice { lanes[0].values }

  var layout: ParameterLayout { model.layout }

  /// Brings packed weights up to date with the parameters, for passes outside a step.
  package func packModel() { model.pack(on: pool, streams: streams) }

  /// Updates the model along the gradient that was computed, as the step with this number, counted
  /// from 0.
  package func update(norm: Double, learningRate: Double, number: Int) {
    optimizer.step(
      model.parameters, gradient: lanes[0].values, norm: norm, learningRate: learningRate,
      stepNumber: number, on: pool, streams: streams)
  }
}
