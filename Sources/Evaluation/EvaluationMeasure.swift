import Corpus
import Foundation
package import KnowledgeGraph
package import LabCore
package import Report
package import Training

/// How much a model hallucinates: `kglab evaluate`, `evaluation` in a study.
package struct EvaluationMeasure: Measure {
  package static let name = "evaluate"
  package static let key = "evaluation"
  package static let version = 1
  package static let tables = [
    ResultTable.rates, .verdicts, .coverage, .grades,
  ]
  package static let settingNames = EvaluationOptions.names

  package var settings = EvaluationOptions()
  package var selection: ModelSelection { ModelSelection() }

  package init(_ options: EvaluationOptions = EvaluationOptions()) { settings = options }

  package init(study node: SchemaNode) throws { settings = try EvaluationOptions(study: node) }

  package init(from decoder: any Decoder) throws { settings = try EvaluationOptions(from: decoder) }

  package func encode(to encoder: any Encoder) throws { try settings.encode(to: encoder) }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let fraction = run.configuration.corpus.fraction
    let drawn = settings.sampleTemperatures.reduce(0) { $0 + settings.samples(at: $1) }
    let samples = fraction * Double(graph.queryCount) * Double(drawn)
    // Among candidates, each answer is read with all of them.
    let perAnswer = settings.exactTemperatures.count + (settings.candidates.map { $0 + 1 } ?? 0)
    let answers = fraction * Double(graph.tripleCount * perAnswer)
    return .inference(run, sequences: samples * 1.5 + answers, rowsOnDisk: samples)
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    try RunDatabase.read(in: subject.folder)?
      .summary(of: EvaluationIdentity(options: settings, of: subject.record))?.key
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try subject.open().evaluate(settings, graph: subject.graph(), work: work)
    return [QuerySet.fvs, .pvs, .ivs, .unknown].compactMap { set in
      summary.rate(.exact, temperature: 1, set).map {
        String(format: "%@ %.1f %%", set.rawValue.uppercased(), $0.rate * 100)
      }
    }.joined(separator: ", ")
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    let series = try ResultSeries(results)
    var sections: [ReportSection] = []
    if try results.hasRates {
      let rates = RateFigures(series: series, command: command)
      let fits = [rates.bySize(), rates.byTokensPerParameter(), rates.byOperations()]
        .map(RateFits.init)
      let all = fits.map(\.fitted) + [try rates.byVerdict()].compactMap(\.self)
      let needed = results.graphs.compactMap { NeededSize(series, on: $0)?.sentence }
      sections.append(
        ReportSection(
          "Hallucination rate",
          series.cutNote + needed.map(Block.paragraph) + all.map(Block.figure)
            + [.table(RateFits.table(fits, command: command))]))
    }
    if let grades = try GradeTable(series: series, command: command).table() {
      sections.append(ReportSection("True answers among candidates", [.table(grades)]))
    }
    return sections
  }
}
