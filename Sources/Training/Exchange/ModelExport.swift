import Compute
import Corpus
package import Foundation
import LabCore
import LanguageModel

/// Writes a run's model as a folder that `AutoModelForCausalLM` and `AutoTokenizer` load as it is.
package enum ModelExport {
  /// Which of a run's weights to take.
  package enum Source: Hashable, Sendable {
    /// Those at the end of training.
    case final
    /// Those of the newest checkpoint, or the final ones where training has ended.
    case newest
    /// Those after so many steps: 0 for the initial model, which is made again from the seed.
    case step(Int)
  }

  /// The names of an export's files.
  package static let files = [
    ModelFiles.configuration, ModelFiles.generation, ExportRecord.name, ModelFiles.weights,
    TokenizerFile.name, TokenizerFile.configurationName,
  ]

  /// Exports the run in `folder` to `destination`, over an earlier export if there is one.
  ///
  /// Throws `LabError` when no Hugging Face class matches the model, the weights asked for are not
  /// there, or `destination` holds anything but an export.
  package static func write(
    _ folder: URL, source: Source = .final, to destination: URL
  ) throws -> ExportRecord {
    let run = try RunFolder.openAtAnyStep(folder)
    try checkClass(run.record.configuration.model, folder)
    try checkFree(destination)
    let (model, step) = try weights(of: run, source)
    var record = ExportRecord(step: step, weightsHash: "", run: run.record)
    record.run.graphPath = ""
    record.run.graphAbsolutePath = nil
    try AtomicFile.makeFolder(destination) { folder in
      record.weightsHash = try ModelFiles.save(model, to: folder).hex
      try AtomicFile.write(
        CanonicalJSON.pretty(record), to: folder.appendingPathComponent(ExportRecord.name))
      try TokenizerFile.save(run.tokenizer, to: folder)
    }
    return record
  }

  private static func checkClass(_ model: ModelConfiguration, _ folder: URL) throws {
    guard model.activation == .swiglu else {
      throw LabError(
        "the model in \(folder.path) cannot be exported: no Hugging Face class matches its "
          + "\(model.activation.rawValue) feed-forward block (two matrices, no biases, RMS norm); "
          + "train with --activation swiglu to export")
    }
  }

  /// Refuses a folder with files that no export wrote.
  private static func checkFree(_ destination: URL) throws {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: destination.path)) ?? []
    let visible = names.filter { !$0.hasPrefix(".") }.sorted()
    let stranger = visible.first { !files.contains($0) }
    guard stranger != nil || !visible.isEmpty && ExportRecord.read(destination) == nil else {
      return
    }
    throw LabError(
      "\(destination.path) is not empty and is no earlier export (it has "
        + "'\(stranger ?? visible[0])'); choose another --out")
  }

  // MARK: Weights

  private static func weights(
    of run: RunFolder, _ source: Source
  ) throws -> (model: LanguageModel, step: Int) {
    let record = run.record
    let isComplete = record.status == .complete
    let last = record.imported?.step ?? record.stepCount
    switch source {
    case .final where isComplete, .newest where isComplete, .step(last) where isComplete:
      // Opened again, with its weights held to their hash.
      return (try RunFolder.open(run.url).loadModel(), last)
    case .final:
      throw LabError(
        "the run in \(run.url.path) has not finished its \(record.stepCount) steps; run the same "
          + "kglab train command again, or export its newest checkpoint with --checkpoint newest")
    case .step(0) where hasFreshStart(record):
      let training = record.configuration.training
      let model = record.configuration.model
      return (
        try LanguageModel(
          model, seed: record.configuration.initialSeed,
          scaling: training.scaling(width: model.modelDimension), on: .cpu), 0
      )
    case .newest, .step:
      return try checkpoint(of: run, source)
    }
  }

  /// Whether the weights before the first step are those of the seed.
  private static func hasFreshStart(_ record: RunRecord) -> Bool {
    record.configuration.training != .none && record.configuration.start == nil
  }

  private static func checkpoint(
    of run: RunFolder, _ source: Source
  ) throws -> (model: LanguageModel, step: Int) {
    let steps = RunFolder.checkpointSteps(run.url)
    let wanted: Int? = if case .step(let step) = source { step } else { steps.last }
    guard let wanted, steps.contains(wanted) else {
      let asked = wanted.map { "no checkpoint of step \($0)" } ?? "no checkpoint"
      var there = steps.map { "\($0)" }
      if hasFreshStart(run.record) { there.insert("0 (the initial model)", at: 0) }
      if run.record.status == .complete {
        there.append("\(run.record.stepCount) (the final model)")
      }
      throw LabError(
        "the run in \(run.url.path) has \(asked); it has the steps "
          + there.joined(separator: ", "))
    }
    return (try RunFolder.open(run.url, checkpoint: wanted).loadModel(), wanted)
  }
}
