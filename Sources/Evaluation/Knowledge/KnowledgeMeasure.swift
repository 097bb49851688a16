import Compute
import Corpus
package import LabCore
package import Training

/// What a model knows, in bits, and how honest its probabilities are: `kglab knowledge`,
/// `knowledge` in a study.
package struct KnowledgeMeasure: ListedMeasure {
  package static let name = "knowledge"
  package static let key = "knowledge"
  package static let version = 1
  package static let tables = [
    ResultTable.storedBits, .calibration, .reliability, .reversal,
  ]

  package var selection = ModelSelection()
  package var settings: KnowledgeOptions

  package init(_ settings: KnowledgeOptions) { self.settings = settings }

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

extension KnowledgeOptions: StudySettings {
  package static let all: [StudySetting<KnowledgeOptions>] = [
    StudySetting("bins", \.bins, in: 1...1_000), .seed(\.seed),
    .resamples(\.resampleCount, atLeast: 1),
    StudySetting("precision", \.precision) { try $0.precision() },
  ]
}
