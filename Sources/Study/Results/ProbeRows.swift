import Evaluation
import Foundation
import GRDB
import LabCore
import LanguageModel
import Training

/// What the probes of a training say, as rows of study.sqlite; a training that diverged has those
/// before its end.
enum ProbeRows {
  /// A row for each probed step.
  private static let steps = ResultTable(
    "probe", key: "step",
    columns: """
        step INTEGER NOT NULL, learning_rate REAL NOT NULL, cross_entropy REAL NOT NULL,
        gradient_norm REAL NOT NULL, output_logit_mean REAL
      """, rows: "")

  /// A row for each of its layers.
  private static let layers = ResultTable(
    "probe_layer", key: "step, layer",
    columns: """
        step INTEGER NOT NULL, layer INTEGER NOT NULL, attention_logit_max REAL
      """, rows: "")

  /// A row for each of its tensors.
  private static let tensors = ResultTable(
    "probe_tensor", key: "step, tensor",
    columns: """
        step INTEGER NOT NULL, tensor TEXT NOT NULL, layer INTEGER, kind TEXT NOT NULL,
        alignment REAL, alpha REAL, omega REAL, u REAL, gradient_rms REAL NOT NULL, epsilon REAL
      """, rows: "")

  /// Makes the tables.
  static let layout = [steps, layers, tensors].map(\.studyDefinition).joined()

  /// Inserts the probes that a run's folder has, if any.
  static func insert(of folder: URL, as run: String, into database: Database) throws {
    let probed = StepLog.probes(in: folder)
    try steps.insert(probed.map { Step($0.metrics, $0.probe) }, of: run, into: database)
    try layers.insert(
      probed.flatMap { metrics, probe in
        probe.largestAttentionLogits.enumerated().map { index, logit in
          Layer(step: metrics.step, layer: index + 1, attentionLogitMax: logit)
        }
      }, of: run, into: database)
    try tensors.insert(
      probed.flatMap { metrics, probe in
        probe.gradientRMS.sorted { $0.key < $1.key }.map { name, size in
          Tensor(metrics.step, name, gradientRMS: size, probe)
        }
      }, of: run, into: database)
  }

  private struct Step: ResultRow {
    let step: Int
    let learningRate: Double
    let crossEntropy: Double
    let gradientNorm: Double
    let outputLogitMean: Double?

    init(_ metrics: TrainingMetrics, _ probe: StepProbe) {
      step = metrics.step
      learningRate = metrics.learningRate
      crossEntropy = metrics.crossEntropy
      gradientNorm = metrics.gradientNorm
      outputLogitMean = probe.meanOutputLogit
    }
  }

  private struct Layer: ResultRow {
    let step: Int
    /// Counted from 1.
    let layer: Int
    let attentionLogitMax: Double?
  }

  private struct Tensor: ResultRow {
    let step: Int
    let tensor: String
    /// Counted from 1; nil for what no layer has.
    let layer: Int?
    /// "q_proj" of "model.layers.0.self_attn.q_proj.weight".
    let kind: String
    let alignment: Double?
    let alpha: Double?
    let omega: Double?
    let u: Double?
    let gradientRMS: Double
    let epsilon: Double?

    init(_ step: Int, _ name: String, gradientRMS: Double, _ probe: StepProbe) {
      let parts = name.split(separator: ".")
      self.step = step
      tensor = name
      layer = parts.lazy.compactMap { Int($0) }.first.map { $0 + 1 }
      kind = parts.dropLast().last.map(String.init) ?? name
      alignment = probe.alignment[name]
      let update = probe.updateAlignment?[name]
      (alpha, omega, u) = (update?.alpha, update?.omega, update?.u)
      self.gradientRMS = gradientRMS
      epsilon = probe.epsilon?[name]
    }
  }
}
