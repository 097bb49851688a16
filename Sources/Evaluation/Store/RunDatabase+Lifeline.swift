import Foundation
import GRDB
import KnowledgeGraph
import LabCore

extension RunDatabase {
  /// The life-lines of queries, in their order, from the scores stored of each step.
  func lifelines(
    of queries: [Int], steps: [(step: Int, scoring: Int64)], isChosen: Bool, graph: KnowledgeGraph
  ) throws -> [FactLifeline] {
    var points = [[LifelinePoint]](repeating: [], count: queries.count)
    let places = Dictionary(uniqueKeysWithValues: queries.enumerated().map { ($1, $0) })
    for (step, scoring) in steps {
      for score in try scores(
        of: scoring, queries: isChosen ? queries : nil, graph: graph)
      {
        guard let place = places[score.query] else { continue }
        points[place].append(
          LifelinePoint(
            step: step, probability: score.probability, answer: score.greedyText,
            answerProbability: exp(score.greedyLogProbability), verdict: score.greedyVerdict))
      }
    }
    return zip(queries, points).map { index, points in
      let query = graph.queries[index]
      return FactLifeline(
        subject: graph.entities[Int(query.subject)].name,
        predicate: graph.predicates[Int(query.predicate)].name, visibility: query.visibility,
        points: points)
    }
  }

  /// Stores life-lines in one transaction.
  func store(
    _ summary: LifelineSummary, lifelines: [FactLifeline], queries: [Int],
    steps: [(step: Int, scoring: Int64)], identity: String
  ) throws {
    let json = String(decoding: try CanonicalJSON.compact(summary), as: UTF8.self)
    try write { database in
      try database.execute(
        sql: "INSERT INTO lifeline (key, identity, summary) VALUES (?, ?, ?)",
        arguments: [summary.key, identity, json])
      let id = database.lastInsertedRowID
      for (step, scoring) in steps {
        try database.execute(
          sql: "INSERT INTO lifeline_step VALUES (?, ?, ?)", arguments: [id, step, scoring])
      }
      let statement = try database.makeStatement(
        sql: "INSERT INTO fact_lifeline VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      for (query, fact) in zip(queries, lifelines) {
        let confusion = fact.confusion
        statement.setUncheckedArguments([
          id, query, fact.points.last?.probability ?? 0, fact.firstKnownStep, fact.learnedStep,
          fact.forgottenStep, fact.forgettingCount, confusion?.answer, confusion?.probability,
          confusion?.step,
        ])
        try statement.execute()
      }
    }
  }
}
