import KnowledgeGraph
import TestSupport

/// Small graphs made from names.
enum SampleGraph {
  typealias Row = SmallGraph.Row

  /// Four visible triples of three subjects, and one held out.
  static let people = make([
    ("Ada Lovelace", "born in", "London", true),
    ("Ada Lovelace", "field", "mathematics", true),
    ("Ada Lovelace", "field", "poetry", false),
    ("Alan Turing", "born in", "London", true),
    ("Emmy Noether", "born in", "Erlangen", true),
  ])

  /// `count` subjects with one triple of each of two predicates.
  static func large(_ count: Int) -> KnowledgeGraph {
    make(
      (0..<count).flatMap { index in
        [
          ("first \(index % 40) last \(index)", "lives in", "city \(index % 7)", true),
          ("first \(index % 40) last \(index)", "likes", "thing \(index % 5) of many", true),
        ]
      })
  }

  /// The same with exposures from 1 to 9, some held out, and a falsehood for every fifth subject.
  static func uneven(_ count: Int, templates: [String] = []) -> KnowledgeGraph {
    SmallGraph.make(
      (0..<count).flatMap { index in
        let subject = "first \(index % 40) last \(index)"
        return [
          Row(
            subject, "lives in", "city \(index % 7)", visible: index % 6 != 0,
            exposures: Int32(1 + index * index % 9)),
          Row(subject, "likes", "thing \(index % 5) of many", exposures: Int32(1 + index % 2)),
        ]
          + (index % 5 == 1
            ? [
              Row(
                subject, "lives in", "city \((index + 3) % 7)", exposures: 3, noise: .contradictory)
            ] : [])
      }, templates: templates)
  }

  static func make(_ rows: [(String, String, String, Bool)]) -> KnowledgeGraph {
    SmallGraph.make(rows.map { Row($0.0, $0.1, $0.2, visible: $0.3) })
  }
}
