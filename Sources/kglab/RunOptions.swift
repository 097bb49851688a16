import ArgumentParser
import Compute
import Console
import Evaluation
import Foundation
import LabCore
import Training

/// How a result is printed.
struct ResultOptions: ParsableArguments {
  @Flag(help: "Print the result as JSON.")
  var json = false
}

/// What becomes of a file that is there, and how the result is printed.
struct FileOptions: ParsableArguments {
  @Flag(help: "Replace the file if it exists.")
  var force = false

  @OptionGroup var result: ResultOptions
}

/// Where the graph of a run is, and how the result is printed.
struct GraphOptions: ParsableArguments {
  @Option(help: "The run's graph, where it is no longer where training found it.")
  var graph: String?

  @OptionGroup var result: ResultOptions

  var json: Bool { result.json }
  var url: URL? { graph.map { URL(fileURLWithPath: $0) } }

  /// A run as a measure takes it, with the runs that are read beside it.
  func subject(_ run: RunFolder, beside siblings: [RunFolder] = []) -> MeasuredRun {
    let place = url
    return MeasuredRun(
      folder: run.url, record: run.record,
      siblings: siblings.map { other in
        MeasuredRun(folder: other.url, record: other.record) { try other.graph(at: place) }
      }
    ) { try run.graph(at: place) }
  }
}

extension Output {
  /// The line that says where a measurement is stored.
  static func wrote(_ folder: String, _ measure: String, key: String) {
    line("wrote \(folder)/\(RunDatabase.fileName) (\(measure) \(key.prefix(12)))")
  }
}

/// How all queries of a graph are put to a model.
struct AskingOptions: ParsableArguments {
  @Option(help: "Arithmetic of matrix products.")
  var precision: Precision = .fp32

  @OptionGroup var workers: WorkerOptions

  @OptionGroup var graph: GraphOptions

  var json: Bool { graph.json }
}

/// A finished run whose model is asked.
struct RunOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("The folder of a finished run.", valueName: "run"))
  var folder: String

  @Option(help: "Ask the weights that training kept at this step, instead of the last.")
  var checkpoint: Int?

  func open() throws -> RunFolder { try RunFolder.open(folder, checkpoint: checkpoint) }
}

/// A question to a run's model.
struct QuestionOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("The folder of a finished run.", valueName: "run"))
  var folder: String

  @Argument(help: "The name of an entity.")
  var subject: String

  @Argument(help: "The name of a predicate.")
  var predicate: String

  @Option(help: "Ask the weights that training kept at this step, instead of the last.")
  var checkpoint: Int?

  @Option(help: "How many answers to show.")
  var top: Int = 5

  func open() throws -> RunFolder { try RunFolder.open(folder, checkpoint: checkpoint) }
}

extension RunFolder {
  /// The finished run in the folder that a user names.
  static func open(_ folder: String, checkpoint: Int? = nil) throws -> RunFolder {
    try open(URL(fileURLWithPath: folder, isDirectory: true), checkpoint: checkpoint)
  }

  /// Whether there are checkpoints to follow facts through.
  var hasCheckpoints: Bool { !RunFolder.checkpointSteps(url).isEmpty }
}
