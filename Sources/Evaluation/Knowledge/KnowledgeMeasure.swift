import Compute
import Corpus
package import KnowledgeGraph
package import LabCore
package import Training

/// What a model knows, in bits, and how honest its probabilities are: `kglab knowledge`, `knowledge` in a study.
package struct KnowledgeMeasure: Measure {
  package static let name = "knowledge"
  package static let key = "knowledge"
  package static let version = 1
  package static let tables = [
    ResultTable.storedBits, .calibration, .reliability, .reversal,
  ]
  package static let settingNames =
    ModelSelection.settingNames + ["bins", "seed", "resamples", "precision"]

  package var selection: ModelSelection
  package var settings = KnowledgeOptions()

  package init(study node: SchemaNode) throws {
    selection = try ModelSelection(study: node)
    if let value = node.optional("bins") { settings.bins = try value.integer(in: 1...1_000) }
    if let value = node.optional("seed") {
      settings.seed = UInt64(try value.integer(in: 0...Int.max))
    }
    if let value = node.optional("resamples") {
      settings.resampleCount = try value.integer(in: 1...1_000_000)
    }
    if let value = node.optional("precision") { settings.precision = try value.precision() }
  }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let fraction = run.configuration.corpus.fraction
    let queries = fraction * Double(graph.queryCount)
    return .inference(
      run, sequences: queries * 2 + fraction * Double(graph.tripleCount), rowsOnDisk: queries * 2)
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    try RunDatabase.read(in: subject.folder)?.summary(
      KnowledgeSummary.self, in: "knowledge",
      key: KnowledgeIdentity(subject.record, settings).key
    )?.key
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try subject.open().knowledge(settings, graph: subject.graph(), work: work)
    guard let bits = summary.storedBits(trained: true) else { return "" }
    let perParameter = bits.storedBits / Double(max(1, summary.nonEmbeddingParameterCount))
    return
      "\(Readable.count(bits.storedBits)) bits stored, \(Readable.count(perParameter)) a parameter"
  }
}
