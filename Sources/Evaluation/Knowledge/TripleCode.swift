package import Analysis
import Foundation
import KnowledgeGraph
import LabCore

/// One true triple with the lengths of its object's codes, in bits.
struct TripleCode {
  let query: Query
  let answer: Answer
  /// Entropy of the trained objects of the predicate.
  let entropy: Double
  /// Information content under the generator, or under the frequencies of trained objects.
  let reference: Double
  /// -log2 of the model's probability.
  let code: Double

  var stored: Double { max(0, entropy - code) }
  var memorised: Double { max(0, reference - code) }
}

/// Turns scores of facts into bits of knowledge.
struct KnowledgeBits {
  let graph: KnowledgeGraph
  let bootstrap: Bootstrap
  /// In order of the queries.
  let triples: [TripleCode]
  /// Whether the graph states the information content of all triples.
  let hasGeneratorBits: Bool

  /// `fraction` is the nested share that was trained on.
  init(graph: KnowledgeGraph, fraction: Double, scores: [StoredScore], bootstrap: Bootstrap) {
    self.graph = graph
    self.bootstrap = bootstrap
    let frequencies = ObjectFrequencies(graph: graph, fraction: fraction)
    let asked = scores.map { ($0, graph.queries[$0.query]) }
    let isStated = asked.allSatisfy { _, query in
      graph.answers[query.answers].allSatisfy { $0.bits.isFinite }
    }
    hasGeneratorBits = isStated
    triples = asked.flatMap { score, query -> [TripleCode] in
      graph.answers[query.answers].compactMap { answer in
        guard let scored = Self.score(of: answer.object, in: score, graph) else { return nil }
        return TripleCode(
          query: query, answer: answer, entropy: frequencies.entropy(of: query.predicate),
          reference: isStated ? answer.bits : frequencies.bits(query.predicate, answer.object),
          code: scored.bits)
      }
    }
  }

  /// The score of an object, or of the one that stands for all of its name.
  private static func score(
    of object: Int32, in score: StoredScore, _ graph: KnowledgeGraph
  ) -> ScoredObject? {
    score.truth.first { $0.object == object }
      ?? score.truth.first {
        graph.entities[Int($0.object)].name.utf8
          .elementsEqual(graph.entities[Int(object)].name.utf8)
      }
  }

  /// Trained triples, then held-out ones: all, by predicate, by exposures.
  func rows() -> [StoredBits] {
    [true, false].flatMap { isTrained -> [StoredBits] in
      let own = triples.filter { $0.answer.isVisible == isTrained }
      guard !own.isEmpty else { return [] }
      var rows = [row(own, isTrained, .all)]
      for (predicate, value) in graph.predicates.enumerated() {
        let part = own.filter { $0.query.predicate == predicate }
        if !part.isEmpty { rows.append(row(part, isTrained, .predicate(value.name))) }
      }
      guard isTrained else { return rows }
      var labels: [String] = []
      for count in Set(own.map(\.answer.exposures)).sorted() {
        let label = RateGroup.powerLabel(Double(count))
        if labels.last != label { labels.append(label) }
      }
      return rows
        + labels.map { label in
          row(
            own.filter { RateGroup.powerLabel(Double($0.answer.exposures)) == label }, true,
            .exposure(label))
        }
    }
  }

  private func row(_ own: [TripleCode], _ isTrained: Bool, _ group: RateGroup) -> StoredBits {
    var net = [Double](repeating: 0, count: graph.predicates.count)
    for triple in own { net[Int(triple.query.predicate)] += triple.entropy - triple.code }
    let clusters = ClusterSum.grouped(own.map(\.query.subject), own.map { ($0.stored, 1) })
    let name = "knowledge/\(isTrained ? "trained" : "held_out")/\(group.kind)/\(group.value)"
    let mean = bootstrap.ratio(clusters, stream: name)
    return StoredBits(
      isTrained: isTrained, groupKind: group.kind, groupValue: group.value,
      tripleCount: own.count, entropyBits: Mean.sum(own.lazy.map(\.entropy)),
      codeBits: Mean.sum(own.lazy.map(\.code)), storedBits: Mean.sum(own.lazy.map(\.stored)),
      netBits: Mean.sum(net.lazy.map { max(0, $0) }),
      referenceBits: Mean.sum(own.lazy.map(\.reference)),
      memorisedBits: Mean.sum(own.lazy.map(\.memorised)),
      storedBitsPerTriple: mean ?? Estimate(value: 0, interval: nil, count: clusters.count))
  }
}

/// How the trained objects of each predicate are distributed.
struct ObjectFrequencies {
  private let popularity: ObjectPopularity
  private var totals: [Int]
  private var entropies: [Double]

  init(graph: KnowledgeGraph, fraction: Double) {
    popularity = ObjectPopularity(graph: graph, fraction: fraction)
    totals = [Int](repeating: 0, count: graph.predicates.count)
    // Each trained triple brings the logarithm of how often its object stands there.
    var logarithms = [Double](repeating: 0, count: graph.predicates.count)
    for query in graph.queries where query.rank < fraction {
      let predicate = Int(query.predicate)
      for answer in graph.answers[query.answers] where answer.isVisible {
        totals[predicate] += 1
        logarithms[predicate] += log2(
          Double(popularity.count(predicate: query.predicate, object: answer.object)))
      }
    }
    entropies = zip(totals, logarithms).map { $0 == 0 ? 0 : log2(Double($0)) - $1 / Double($0) }
  }

  /// Entropy in bits of the trained objects of a predicate, each triple counted once.
  func entropy(of predicate: Int32) -> Double { entropies[Int(predicate)] }

  /// -log2 of an object's share among them; one that is not there counts as if it stood there once.
  func bits(_ predicate: Int32, _ object: Int32) -> Double {
    let count = max(1, popularity.count(predicate: predicate, object: object))
    return log2(Double(max(1, totals[Int(predicate)])) / Double(count))
  }
}

extension ClusterSum {
  /// Sums of (numerator, denominator) over neighbours with the same subject.
  package static func grouped(_ subjects: [Int32], _ values: [(Double, Double)]) -> [ClusterSum] {
    var clusters: [ClusterSum] = []
    for (index, value) in values.enumerated() {
      if index == 0 || subjects[index] != subjects[index - 1] {
        clusters.append(ClusterSum(0, over: 0))
      }
      clusters[clusters.count - 1].numerator += value.0
      clusters[clusters.count - 1].denominator += value.1
    }
    return clusters
  }
}
