import Compute
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

/// Workers with a session each, which take work in units of queries.
///
/// A unit's results are a function of the unit alone, so that any number of workers gives the same
/// bytes.
final class SessionPool {
  let pool: WorkerPool
  let sessions: [any AskedSession]
  /// Whether one process answers all workers, one after the other.
  private let isAskedInTurns: Bool

  /// Queries of a unit.
  static let unitSize = 32
  /// Queries stored in one transaction; a whole number of units.
  static let blockSize = 256

  /// Sessions of `model` for `workers` threads.
  init(_ model: any AskedModel, precision: Precision, workers: Int) throws {
    pool = try WorkerPool(workerCount: workers)
    let tokens = max(
      1_024, EvaluationOptions.maximumSamples, model.configuration.contextLength)
    isAskedInTurns = model is OutsideModel
    let model = try model.asked(in: precision)
    sessions = try (0..<workers).map { _ in try model.session(maximumTokens: tokens) }
  }

  /// Enough queries a round that workers seldom wait for the last unit; one unit where they wait
  /// for each other anyway, so that what takes long is stored soon.
  var roundSize: Int {
    isAskedInTurns
      ? Self.unitSize : Self.blockSize * max(1, 4 * sessions.count * Self.unitSize / Self.blockSize)
  }

  /// What `body` makes of each unit, in order; nil where `shouldStop`, which any worker may call,
  /// said so.
  func map<Input: Sendable, Output: Sendable>(
    _ inputs: [Input], unless shouldStop: @Sendable () -> Bool,
    _ body: @Sendable ([Input], any AskedSession) throws -> [Output]
  ) throws -> [Output]? {
    let starts = Array(stride(from: 0, to: inputs.count, by: Self.unitSize))
    let units = try pool.map(pieces: starts.count) { worker, piece -> [Output]? in
      if shouldStop() { return nil }
      let unit = inputs[starts[piece]..<min(starts[piece] + Self.unitSize, inputs.count)]
      return try body(Array(unit), sessions[worker])
    }
    let done = units.compactMap(\.self)
    return done.count == units.count ? done.flatMap(\.self) : nil
  }
}
