package import LabCore

/// Draws wrong answers of the right type.
package struct CandidateDraw: Sendable {
  private let graph: KnowledgeGraph
  /// For each predicate, the entities of its object types, the first of each name.
  private let pools: [[Int32]]

  /// Collects the entities that may stand as an object of each predicate.
  package init(graph: KnowledgeGraph) {
    self.graph = graph
    var byTypes: [[Int32]: [Int32]] = [:]
    pools = graph.predicates.indices.map { predicate in
      let types = graph.objectTypes(of: Int32(predicate))
      let key = types.sorted()
      if let known = byTypes[key] { return known }
      var names: Set<[UInt8]> = []
      let pool = graph.entities.indices.filter { index in
        types.contains(graph.entities[index].type)
          && names.insert(Array(graph.entities[index].name.utf8)).inserted
      }.map { Int32($0) }
      byTypes[key] = pool
      return pool
    }
  }

  /// Entities, of different names, that may stand as an object of a predicate.
  package func poolCount(of predicate: Int32) -> Int { pools[Int(predicate)].count }

  /// Up to `count` different entities that are no answer to a query, each as likely as any other.
  ///
  /// Fewer where the graph has fewer. A pure function of the seed, the query and the count.
  package func wrongObjects(_ count: Int, for query: Query, seed: Seed) -> [Int32] {
    let pool = pools[Int(query.predicate)]
    let right = Set(
      graph.truth(of: query).map { Array(graph.entities[Int($0.object)].name.utf8) })
    func isRight(_ entity: Int32) -> Bool {
      right.contains(Array(graph.entities[Int(entity)].name.utf8))
    }
    var stream = seed.stream("evaluation/candidates/\(query.subject)/\(query.predicate)")
    guard pool.count > 2 * (count + right.count) else {
      var rest = pool.filter { !isRight($0) }
      let taken = min(count, rest.count)
      for place in 0..<taken { rest.swapAt(place, place + stream.below(rest.count - place)) }
      return Array(rest.prefix(taken))
    }
    var drawn: [Int32] = []
    var seen: Set<Int32> = []
    while drawn.count < count {
      let entity = pool[stream.below(pool.count)]
      if isRight(entity) || !seen.insert(entity).inserted { continue }
      drawn.append(entity)
    }
    return drawn
  }
}
