import Compute
import Corpus
package import LabCore
package import Training

/// When facts were learned and forgotten: `kglab lifeline --all`, `lifeline` in a study that keeps
/// checkpoints.
package struct LifelineMeasure: ListedMeasure {
  package static let name = "lifeline"
  package static let key = "lifeline"
  package static let version = 1
  package static let readsCheckpoints = true
  package static let tables = [ResultTable.lifelineCurve, .lifelineCounts]

  /// What decides the numbers beside the run.
  package struct Settings: StudySettings {
    var precision: Precision = .fp32

    package init() {}

    package static let all: [StudySetting<Settings>] = [
      StudySetting("precision", \.precision) { try $0.precision() }
    ]
  }

  package var selection = ModelSelection()
  package var settings: Settings

  package init(_ settings: Settings) { self.settings = settings }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    // How many checkpoints are kept is known once it is trained; about a dozen are by --keep-steps
    // log.
    let sequences =
      12 * run.configuration.corpus.fraction * Double(graph.queryCount + graph.tripleCount)
    return .inference(run, sequences: sequences, rowsOnDisk: sequences)
  }

  private func request(_ subject: MeasuredRun) -> LifelineRequest {
    LifelineRequest(folder: subject.folder, precision: settings.precision)
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    guard let database = try RunDatabase.read(in: subject.folder),
      let key = try request(subject).keyOfAll()
    else { return nil }
    return try database.summary(LifelineSummary.self, in: "lifeline", key: key)?.key
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try request(subject).run(on: subject.graph(), work: work)
    guard let seen = summary.counts.first(where: { $0.visibility == .seen }) else { return "" }
    return "\(seen.learnedCount) of \(seen.queryCount) learned, \(seen.forgottenCount) forgotten"
  }
}

/// Life-lines of all facts by set, from the rows of run.sqlite.
extension ResultTable {
  /// Each set with its visibilities, as rows.
  private static let sets = """
    (VALUES ('fvs', 'fvs'), ('pvs', 'pvs'), ('ivs', 'ivs'), ('seen', 'fvs'), ('seen', 'pvs'))
    """

  static let lifelineCurve = ResultTable(
    "lifeline_curve", key: "step, visibility",
    columns: """
        step INTEGER NOT NULL, visibility TEXT NOT NULL, query_count INTEGER NOT NULL,
        known_share REAL NOT NULL, mean_probability REAL NOT NULL
      """,
    rows: """
      WITH fact AS (
        SELECT s.step, q.visibility, min(1, sum(exp(p.log_probability))) AS probability
        FROM lifeline h JOIN lifeline_step s ON s.lifeline_id = h.id
        JOIN fact_lifeline l ON l.lifeline_id = h.id
        JOIN fact_probability p ON p.scoring_id = s.scoring_id AND p.query_id = l.query_id
        JOIN query q ON q.id = p.query_id
        WHERE h.key = ? GROUP BY s.step, p.query_id
      )
      SELECT f.step, v.column1, count(*), avg(f.probability > \(FactLifeline.threshold)),
        avg(f.probability)
      FROM fact f JOIN \(sets) v ON v.column2 = f.visibility
      GROUP BY f.step, v.column1 ORDER BY f.step, v.column1
      """)

  static let lifelineCounts = ResultTable(
    "lifeline_count", key: "visibility",
    columns: """
        visibility TEXT NOT NULL, query_count INTEGER NOT NULL, learned_count INTEGER NOT NULL,
        forgotten_count INTEGER NOT NULL, never_known_count INTEGER NOT NULL,
        mean_forgetting_count REAL NOT NULL
      """,
    rows: """
      SELECT v.column1, count(*), sum(l.learned_step IS NOT NULL),
        sum(l.forgotten_step IS NOT NULL), sum(l.first_known_step IS NULL),
        avg(l.forgetting_count)
      FROM lifeline h JOIN fact_lifeline l ON l.lifeline_id = h.id
      JOIN query q ON q.id = l.query_id JOIN \(sets) v ON v.column2 = q.visibility
      WHERE h.key = ? GROUP BY v.column1 ORDER BY v.column1
      """)
}
