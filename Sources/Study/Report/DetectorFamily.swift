import Evaluation
import GRDB

/// Detectors that are one idea in several sizes or places, of which a report shows one.
struct DetectorFamily: Hashable {
  let title: String
  /// The kind its detectors have.
  let kind: String
  /// Part of the kind that belongs to it.
  let member: Member

  enum Member: Hashable {
    /// All detectors of the kind, the best on the validation part shown.
    case all
    /// Full detectors that begin with a trained language model, or with fresh weights.
    case pretrained, fresh
    /// The detector called so in each task; nothing is chosen.
    case named(sentence: String, token: String)
  }

  /// In the order of a report.
  static let all: [DetectorFamily] = [
    DetectorFamily(title: "heads", kind: "head", member: .all),
    DetectorFamily(title: "SAPLMA", kind: "saplma", member: .all),
    DetectorFamily(title: "attention-head probe", kind: "attention-probe", member: .all),
    DetectorFamily(title: "lookback", kind: "lookback", member: .all),
    DetectorFamily(title: "entropy probe", kind: "entropy-probe", member: .all),
    DetectorFamily(title: "full, pre-trained", kind: "full", member: .pretrained),
    DetectorFamily(title: "full, fresh", kind: "full", member: .fresh),
    DetectorFamily(
      title: "log-probability", kind: "score",
      member: .named(sentence: "sequence-log-probability", token: "token-log-probability")),
    DetectorFamily(
      title: "semantic or token entropy", kind: "score",
      member: .named(sentence: "semantic-entropy", token: "token-entropy")),
    DetectorFamily(
      title: "object prior or token position", kind: "baseline",
      member: .named(sentence: "object-prior", token: "token-position")),
  ]

  static let heads = all[0]

  /// Those whose detectors come in sizes.
  static let sized = all.filter { $0.kind == "head" || $0.kind == "full" }

  func contains(_ row: DetectorRow) -> Bool {
    guard row.kind == kind else { return false }
    let isPretrained = row.name == "full-own" || row.name.hasSuffix("-pretrained")
    return switch member {
    case .all: true
    case .pretrained: isPretrained
    case .fresh: !isPretrained
    case .named(let sentence, let token): row.name == (row.task == "token" ? token : sentence)
    }
  }
}

/// The detectors of a study's runs by what they are asked for.
struct DetectorResults {
  private struct Key: Hashable {
    var run: String
    var task: String
    var name: String
    var metric: String
  }

  /// All detectors of a run and task that judge each token, in their order: one row for each.
  private let detectors: [String: [DetectorRow]]
  private let rows: [Key: DetectorRow]

  init(_ results: StudyResults) throws {
    var detectors: [String: [DetectorRow]] = [:]
    var rows: [Key: DetectorRow] = [:]
    let all = try results.rows("SELECT * FROM detector WHERE position = 'each' ORDER BY rowid")
    for row in try all.map({ try DetectorRow(row: $0) }) {
      rows[Key(run: row.runID, task: row.task, name: row.name, metric: row.metric)] = row
      if row.metric == "auroc" { detectors["\(row.runID) \(row.task)", default: []].append(row) }
    }
    self.detectors = detectors
    self.rows = rows
  }

  /// Whether a study has none.
  var isEmpty: Bool { rows.isEmpty }

  /// The AUROC of every detector of a run and task.
  func all(_ run: String, _ task: String) -> [DetectorRow] { detectors["\(run) \(task)"] ?? [] }

  /// One metric of one detector; nil where it was not measured.
  func metric(_ name: String, _ run: String, _ task: String, _ detector: String) -> DetectorRow? {
    rows[Key(run: run, task: task, name: detector, metric: name)]
  }

  /// The detector that stands for a family: the one of highest AUROC on the validation part.
  ///
  /// The test part has no say, so that the choice favours no number shown.
  func best(_ family: DetectorFamily, _ run: String, _ task: String) -> DetectorRow? {
    all(run, task).filter(family.contains).max { a, b in
      (a.validationAUROC ?? -1, b.parameters) < (b.validationAUROC ?? -1, a.parameters)
    }
  }

  /// One metric of the detector that stands for a family.
  func metric(
    _ name: String, of family: DetectorFamily, _ run: String, _ task: String
  ) -> DetectorRow? {
    best(family, run, task).flatMap { metric(name, run, task, $0.name) }
  }
}

/// One metric of one detector on one run's answers.
struct DetectorRow: Decodable, Sendable, FetchableRecord {
  var runID: String
  /// "sentence" or "token".
  var task: String
  /// Which tokens the token task judges: "each", "before" (the answer to come), "1", ...; "each" for sentences.
  var position: String
  /// The kind of detector as `kglab detect --kind` calls it: "head", "full", "score", "baseline", ...
  var kind: String
  /// "linear", "mlp-64", "sequence-log-probability".
  var name: String
  /// Trained parameters; 0 for what is not trained.
  var parameters: Int
  /// AUROC on the validation part, by which the head shown in a report is chosen.
  var validationAUROC: Double?
  var metric: String
  var value: Double
  var lower: Double?
  var upper: Double?
  /// Share of hallucinations among the examples judged.
  var prevalence: Double
  var exampleCount: Int

  enum CodingKeys: String, CodingKey {
    case task, position, kind, name, parameters, metric, value, lower, upper, prevalence
    case runID = "run_id"
    case validationAUROC = "validation_auroc"
    case exampleCount = "example_count"
  }
}

extension Measured {
  init(_ row: DetectorRow) { self.init(value: row.value, lower: row.lower, upper: row.upper) }
}
