package import KnowledgeGraph
import LabCore

/// A set and group with the positions of its queries among those asked, in order.
struct QueryCell {
  let set: QuerySet
  let group: RateGroup
  let positions: [Int]
}

/// Sorts the queries asked into sets and groups.
struct QueryGroups {
  let graph: KnowledgeGraph
  /// The nested share of the graph that was trained on and asked.
  let fraction: Double
  /// Indices in `KnowledgeGraph.queries`, in order.
  let queries: [Int]

  /// Every set with each of its groups, empty ones left out, in the order of tables.
  var cells: [QueryCell] {
    let labels = columns
    return QuerySet.all.flatMap { set -> [QueryCell] in
      let positions = queries.indices.filter { set.contains(graph.queries[queries[$0]].visibility) }
      guard !positions.isEmpty else { return [] }
      let groups = labels.flatMap { column -> [QueryCell] in
        var members = [[Int]](repeating: [], count: column.order.count)
        for position in positions {
          if let label = column.labels[position] { members[label].append(position) }
        }
        return zip(column.order, members).filter { !$0.1.isEmpty }.map {
          QueryCell(set: set, group: $0, positions: $1)
        }
      }
      return [QueryCell(set: set, group: .all, positions: positions)] + groups
    }
  }

  /// One way of grouping: the groups in the order of tables, and each query's place among them.
  private struct Column {
    let order: [RateGroup]
    let labels: [Int?]
  }

  private var columns: [Column] {
    let asked = queries.map { graph.queries[$0] }
    let counts = RateGroup.answerCountLabels
    return [
      Column(
        order: graph.predicates.map { .predicate($0.name) }, labels: asked.map { Int($0.predicate) }
      ),
      Column(
        order: counts.map { .answerCount($0) },
        labels: asked.map { counts.firstIndex(of: RateGroup.answerCountLabel($0.answers.count)) }),
      exposures(asked), popularities(asked), entailments(asked), inferabilities(asked),
    ]
  }

  // MARK: What is known of a query

  private func exposures(_ asked: [Query]) -> Column {
    let values = asked.map { query in
      let trained = graph.answers[query.answers].filter(\.isVisible)
      let sum = trained.reduce(0) { $0 + Double($1.exposures) }
      return trained.isEmpty ? 0 : sum / Double(trained.count)
    }
    let order = values.sorted().map(RateGroup.powerLabel).distinct
    let places = Dictionary(uniqueKeysWithValues: zip(order, order.indices))
    return Column(
      order: order.map { .exposure($0) }, labels: values.map { places[RateGroup.powerLabel($0)] })
  }

  private func popularities(_ asked: [Query]) -> Column {
    let popularity = ObjectPopularity(graph: graph, fraction: fraction)
    let values = asked.map { query in
      graph.answers[query.answers].map { popularity.others(of: $0, to: query) }.max() ?? 0
    }
    let bins = QuantileBins(values, count: 4)
    return Column(
      order: bins.labels.map { .popularity($0) }, labels: values.map { bins.place(of: $0) })
  }

  private func entailments(_ asked: [Query]) -> Column {
    Column(
      order: ["drawn", "entailed", "mixed"].map { .entailment($0) },
      labels: asked.map { query in
        let own = graph.answers[query.answers]
        let entailed = own.count { $0.derivation != nil }
        return entailed == 0 ? 0 : entailed == own.count ? 1 : 2
      })
  }

  private func inferabilities(_ asked: [Query]) -> Column {
    Column(
      order: ["inferable", "unknowable", "mixed"].map { .inferability($0) },
      labels: asked.map { query in
        let heldOut = graph.answers[query.answers].filter { !$0.isVisible }
        guard !heldOut.isEmpty else { return nil }
        let inferable = heldOut.count(where: \.isInferable)
        return inferable == heldOut.count ? 0 : inferable == 0 ? 1 : 2
      })
  }
}

/// How often training says an object of other subjects.
package struct ObjectPopularity {
  private var counts: [UInt64: Int] = [:]

  /// Counts the trained triples of a nested fraction by predicate and object, each once.
  package init(graph: KnowledgeGraph, fraction: Double) {
    for query in graph.queries where query.rank < fraction {
      for answer in graph.answers[query.answers] where answer.isVisible {
        counts[Self.key(query.predicate, answer.object), default: 0] += 1
      }
    }
  }

  /// Trained triples with this predicate and object.
  package func count(predicate: Int32, object: Int32) -> Int {
    counts[Self.key(predicate, object)] ?? 0
  }

  /// The same without the answer's own triple.
  package func others(of answer: Answer, to query: Query) -> Int {
    count(predicate: query.predicate, object: answer.object) - (answer.isVisible ? 1 : 0)
  }

  private static func key(_ predicate: Int32, _ object: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: predicate)) << 32 | UInt64(UInt32(bitPattern: object))
  }
}

/// Bins that hold about equally many of some numbers; equal numbers stay together.
struct QuantileBins {
  /// "0", "1-3" and so on: the least and the largest number of each bin.
  let labels: [String]
  /// The largest number of each bin, ascending.
  private let upper: [Int]

  init(_ values: [Int], count: Int) {
    let sorted = values.sorted()
    var labels: [String] = []
    var upper: [Int] = []
    var first = 0
    for bin in 1...count {
      let end = bin * sorted.count / count
      guard end > first else { continue }
      var last = end - 1
      while last + 1 < sorted.count, sorted[last + 1] == sorted[last] { last += 1 }
      labels.append(
        sorted[first] == sorted[last] ? "\(sorted[first])" : "\(sorted[first])-\(sorted[last])")
      upper.append(sorted[last])
      first = last + 1
    }
    self.labels = labels
    self.upper = upper
  }

  /// The bin of one of the numbers; numbers above all of them belong to the last.
  func place(of value: Int) -> Int {
    upper.firstIndex { value <= $0 } ?? max(0, upper.count - 1)
  }
}
