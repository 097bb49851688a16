import Analysis
import Evaluation
import GRDB
import KnowledgeGraph
import LabCore
import Report

/// Everything that decides the ranks.
package struct InterferenceIdentity: Codable, Hashable, Sendable {
  package let weightsHash: String
  package let graphHash: String
  package let settings: InterferenceMeasure.Settings

  enum CodingKeys: String, SnakeCaseKey { case weightsHash, graphHash, settings }
}

/// What is said of the places of wrong answers among their candidates.
package enum InterferenceQuantity: String, Codable, CaseIterable, Sendable {
  /// How often the wrong answer is the first, ties broken by lot.
  case first
  /// (rank - 1) / (candidates - 1): 0 where it always is the first, 0.5 by chance.
  case rank
}

/// A mean over wrong answers, with its interval over subjects.
package struct InterferenceRate: Codable, Hashable, Sendable, EncodableRecord {
  /// What candidates are ranked by, or "chance".
  package let scorer: String
  /// The scorer that `value` is a difference to, of the same answers; empty for none.
  package let against: String
  package let quantity: InterferenceQuantity
  package let value: Double
  /// By resampling subjects with their answers; nil for one subject.
  package let lower: Double?
  package let upper: Double?
  package let answerCount: Int

  enum CodingKeys: String, SnakeCaseKey {
    case scorer, against, quantity, value, lower, upper, answerCount
  }

  /// Every scorer by itself and less each that is simpler, and what chance gives.
  static func all(_ answers: [RankedWrongAnswer], _ bootstrap: Bootstrap) -> [InterferenceRate] {
    let chance = "chance"
    let scorers = InterferenceScorer.allCases.map(\.rawValue) + [chance]
    func value(
      _ answer: RankedWrongAnswer, _ scorer: String, _ quantity: InterferenceQuantity
    ) -> Double {
      guard let scorer = InterferenceScorer(rawValue: scorer) else {
        return quantity == .first ? 1 / Double(answer.candidateCount) : 0.5
      }
      return quantity == .first
        ? answer.firsts[scorer] ?? 0
        : ((answer.ranks[scorer] ?? 1) - 1) / Double(answer.candidateCount - 1)
    }
    return InterferenceQuantity.allCases.flatMap { quantity in
      scorers.enumerated().flatMap { place, scorer in
        // Against the simpler ones of popularity, names and chance, which stand behind the
        // kernel's.
        ([""] + scorers.dropFirst(max(place + 1, 2))).compactMap { against in
          var clusters: [Int32: ClusterSum] = [:]
          for answer in answers {
            let difference =
              value(answer, scorer, quantity)
              - (against.isEmpty ? 0 : value(answer, against, quantity))
            clusters[answer.subject, default: ClusterSum(0, over: 0)].numerator += difference
            clusters[answer.subject, default: ClusterSum(0, over: 0)].denominator += 1
          }
          let sums = clusters.sorted { $0.key < $1.key }.map(\.value)
          let stream = "interference/\(quantity.rawValue)/\(scorer)/\(against)"
          guard let mean = bootstrap.ratio(sums, stream: stream) else { return nil }
          return InterferenceRate(
            scorer: scorer, against: against, quantity: quantity, value: mean.value,
            lower: mean.interval?.low, upper: mean.interval?.high, answerCount: answers.count)
        }
      }
    }
  }
}

/// Everything that is found of a run's wrong answers.
package struct InterferenceSummary: Codable, Hashable, Sendable {
  package let key: String
  package let identity: InterferenceIdentity
  /// Questions that were asked for so many wrong objects.
  package let askedCount: Int
  package let wrongCount: Int
  package let rates: [InterferenceRate]

  enum CodingKeys: String, SnakeCaseKey { case key, identity, askedCount, wrongCount, rates }
}

/// The place of one wrong answer by one scorer.
struct RankedAnswerRow: Codable, EncodableRecord {
  let queryID: Int
  let object: String
  let scorer: InterferenceScorer
  let rank: Double
  let candidateCount: Int
  let nearestSubject: String
  let nearestObject: String
  let nearestCosine: Double

  enum CodingKeys: String, SnakeCaseKey {
    case object, scorer, rank, candidateCount, nearestSubject, nearestObject, nearestCosine
    case queryID = "query_id"
  }

  static func rows(_ answer: RankedWrongAnswer, _ graph: KnowledgeGraph) -> [RankedAnswerRow] {
    func name(_ entity: Int32) -> String { graph.entities[Int(entity)].name }
    return InterferenceScorer.allCases.map { scorer in
      RankedAnswerRow(
        queryID: answer.query, object: name(answer.object), scorer: scorer,
        rank: answer.ranks[scorer] ?? 1, candidateCount: answer.candidateCount,
        nearestSubject: name(answer.nearest.triple.subject),
        nearestObject: name(answer.nearest.triple.object), nearestCosine: answer.nearestCosine)
    }
  }
}

extension ResultTable {
  static let interference = ResultTable(
    "interference", key: "scorer, against, quantity",
    columns: """
        scorer TEXT NOT NULL, against TEXT NOT NULL,
        quantity TEXT NOT NULL CHECK (quantity IN ('first', 'rank')),
        value REAL NOT NULL, lower REAL, upper REAL,
        answer_count INTEGER NOT NULL CHECK (answer_count > 0)
      """)

  /// Every wrong answer that was ranked, with the fact of largest cosine among all of its
  /// candidates'.
  static let rankedAnswers = ResultTable(
    "ranked_answer", key: "query_id, scorer",
    columns: """
        query_id INTEGER NOT NULL, object TEXT NOT NULL, scorer TEXT NOT NULL,
        rank REAL NOT NULL CHECK (rank >= 1), candidate_count INTEGER NOT NULL,
        nearest_subject TEXT NOT NULL, nearest_object TEXT NOT NULL, nearest_cosine REAL NOT NULL
      """)
}

/// Interference in a study's report.
struct InterferenceFigure {
  let results: StudyResults
  let command: String

  /// How often the wrong answer is the first of its candidates, and its rank, against the model's
  /// size.
  func figure() throws -> Figure {
    let number = ColumnFormat.number(digits: 3)
    let data = try results.records(
      [
        Column("quantity", "Quantity"), Column("scorer", "Ranked by"), Column("size", "Size"),
        Column("training", "Training"), Column("parameters", "Parameters", .integer),
        Column("seed", "Seed", .integer), Column("value", "Value", number),
        Column("lower", "Lower", number), Column("upper", "Upper", number),
        Column("answer_count", "Wrong answers (n)", .integer),
      ],
      """
      SELECT CASE i.quantity WHEN 'first' THEN 'first of its candidates' ELSE 'rank, 0 is the first' END AS quantity,
        CASE i.scorer WHEN 'kernel' THEN 'kernel mass' WHEN 'cosine' THEN 'nearest fact by the kernel'
          WHEN 'names' THEN 'likeness of names' ELSE i.scorer END AS scorer,
        run.size, \(StudyResults.training) AS training,
        run.non_embedding_parameters AS parameters, run.seed, i.value, i.lower, i.upper, i.answer_count
      FROM interference i JOIN run ON run.id = i.run_id
      WHERE i.against = '' ORDER BY i.quantity, run.non_embedding_parameters, i.scorer, run.rowid
      """)
    return Figure(
      id: "interference", title: "Which fact a wrong answer is borrowed from",
      caption: """
        Wrong objects of greedy answers among other wrong objects that training says under the predicate, ranked by what a \
        step of training on an object's facts would add to its log-probability (kernel mass), by the cosine of the nearest \
        of those facts, by how often training says the object, and by the likeness of subjects' names. Means over wrong \
        answers; bars are 95 % by resampling subjects.
        """,
      command: command, data: data,
      x: Axis("parameters", "Non-embedding parameters", scale: .log, format: .count),
      y: Axis("value", "Value", format: number), color: Channel("scorer", "Ranked by"),
      shape: Channel("training", "Training"), panel: Channel("quantity", "Quantity"),
      marks: [.interval(low: "lower", high: "upper"), .points],
      tooltip: [
        "quantity", "scorer", "size", "training", "seed", "value", "lower", "upper", "answer_count",
      ])
  }

  private struct Difference: Decodable, FetchableRecord {
    let scorer: String
    let against: String
    let training: String
    let size: String
    let value: Double
    let lower: Double?
    let upper: Double?
    let answerCount: Int
  }

  /// Whether either kernel puts the wrong answer first more often than something simpler does, by
  /// training and size.
  func table() throws -> Report.Table? {
    let rows = try results.rows(
      """
      SELECT i.scorer, i.against, run.size, i.value, i.lower, i.upper, i.answer_count AS answerCount,
        \(StudyResults.training) AS training
      FROM interference i JOIN run ON run.id = i.run_id
      WHERE i.quantity = 'first' AND i.scorer IN ('kernel', 'cosine') AND i.against IN ('chance', 'popularity', 'names')
      ORDER BY training, i.scorer DESC, i.against, run.non_embedding_parameters, run.rowid
      """
    ).map { try Difference(row: $0) }
    guard !rows.isEmpty else { return nil }
    let number = ColumnFormat.number(digits: 3)
    var data = Records([
      Column("claim", "Claim"), Column("verdict", "Verdict"), Column("size", "Size"),
      Column("estimate", "Difference", number), Column("lower", "Lower", number),
      Column("upper", "Upper", number), Column("runs", "LMs", .integer),
      Column("answer_count", "Wrong answers (n)", .integer), Column("training", "Training"),
    ])
    for (_, seeds) in rows.grouped(by: { [$0.training, $0.scorer, $0.against, $0.size] }) {
      let row = seeds[0]
      let mean = seeds.count > 1 ? StudentT.mean(seeds.map(\.value)) : nil
      let (lower, upper) = (
        mean?.interval?.low ?? row.lower, mean?.interval?.high ?? row.upper
      )
      let verdict =
        (lower ?? -1) > 0 ? "holds" : (upper ?? 1) < 0 ? "reversed" : "open"
      data.append([
        .text(
          (row.scorer == "kernel"
            ? "the wrong object has the highest kernel mass"
            : "the nearest fact by the kernel has the wrong object")
            + ", more often than by \(row.against)"),
        .text(verdict), .text(row.size), .number(mean?.value ?? row.value), Cell(lower),
        Cell(upper), .integer(seeds.count),
        .integer(seeds.reduce(0) { $0 + $1.answerCount }), .text(row.training),
      ])
    }
    return Report.Table(
      id: "interference-claims", title: "Whose fact a wrong answer is: claims",
      caption: """
        How much more often the wrong object comes first of its candidates by the kernel than by chance, by popularity and by \
        likeness of names, on the same answers. Intervals are 95 %: by Student's t over seeds of the language model, and by \
        resampling subjects where there is one. A claim *holds* or is *reversed* where the interval leaves out zero.
        """,
      command: command, data: data)
  }
}
