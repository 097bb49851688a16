package import Foundation
package import KnowledgeGraph
package import Training

/// Trains a model of size 3k on `graph` into `folder`, by one worker unless `change` says
/// otherwise.
///
/// The graph need not be in `file`, which the run names.
@discardableResult package func trainTiny(
  _ graph: KnowledgeGraph = SmallGraph.people(60), in file: URL? = nil, into folder: URL,
  epochs: Int = 4,
  _ change: (inout TrainingRequest, inout RuntimeOptions) throws -> Void = { _, _ in }
) throws -> RunRecord {
  var request = TrainingRequest(size: "3k", epochs: epochs)
  request.training.tokensPerStep = 256
  var options = RuntimeOptions()
  options.workers = 1
  try change(&request, &options)
  return try Trainer(
    graph: graph, graphURL: file ?? folder.appendingPathComponent("graph.sqlite"), request: request,
    folder: folder, options: options
  ).run()
}

/// A small run on disk, trained in the test; its folder goes with it.
package final class TrainedRun: Sendable {
  package let graph: KnowledgeGraph
  package let run: RunFolder
  private let place: TemporaryFolder

  package var folder: URL { place.url }

  package init(
    _ graph: KnowledgeGraph, epochs: Int,
    change: (inout TrainingRequest, inout RuntimeOptions) throws -> Void
  ) throws {
    self.graph = graph
    place = try TemporaryFolder()
    try trainTiny(graph, into: place.url, epochs: epochs, change)
    run = try RunFolder.open(place.url)
  }

  /// The run in a copy of its folder.
  package func copy(to folder: URL) throws -> RunFolder {
    let target = folder.appendingPathComponent("run")
    try FileManager.default.copyItem(at: place.url, to: target)
    return try RunFolder.open(target)
  }
}
