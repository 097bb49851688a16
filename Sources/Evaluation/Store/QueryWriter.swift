package import GRDB
package import KnowledgeGraph

/// Inserts the rows of queries that answers refer to.
package struct QueryWriter {
  private let graph: KnowledgeGraph
  private let statement: Statement

  /// Prepares inserts into run.sqlite for queries of `graph`.
  package init(_ database: Database, graph: KnowledgeGraph) throws {
    self.graph = graph
    statement = try database.makeStatement(
      sql: "INSERT OR IGNORE INTO query VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
  }

  /// Inserts the query at an index in `KnowledgeGraph.queries`, unless it is there.
  package func insert(_ index: Int) throws {
    let value = graph.queries[index]
    let answers = graph.answers[value.answers]
    statement.setUncheckedArguments([
      index, value.subject, value.predicate, graph.entities[Int(value.subject)].name,
      graph.predicates[Int(value.predicate)].name, value.visibility.rawValue, answers.count,
      answers.count(where: \.isVisible),
    ])
    try statement.execute()
  }
}
