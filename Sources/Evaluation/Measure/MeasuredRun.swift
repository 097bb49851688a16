package import Foundation
package import KnowledgeGraph
package import Training

/// A finished run that is measured, with the runs read beside it.
package struct MeasuredRun: Sendable {
  package let folder: URL
  package let record: RunRecord
  /// In the order of `Measure.siblings`.
  package let siblings: [MeasuredRun]
  /// The measures of the study whose results are read; empty outside of a study.
  package var inputs: [any Measure] = []
  private let loadGraph: @Sendable () throws -> KnowledgeGraph

  /// `graph` is called when it is needed.
  package init(
    folder: URL, record: RunRecord, siblings: [MeasuredRun] = [],
    graph: @escaping @Sendable () throws -> KnowledgeGraph
  ) {
    self.folder = folder
    self.record = record
    self.siblings = siblings
    loadGraph = graph
  }

  /// The run with its weights.
  package func open() throws -> RunFolder { try RunFolder.open(folder) }

  /// The graph that it was trained on.
  package func graph() throws -> KnowledgeGraph { try loadGraph() }
}
