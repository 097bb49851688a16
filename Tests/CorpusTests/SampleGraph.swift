import KnowledgeGraph

/// Small graphs made from names.
enum SampleGraph {
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

  static func make(_ rows: [(String, String, String, Bool)]) -> KnowledgeGraph {
    var names: [String] = []
    var predicates: [String] = []
    func id(_ name: String, in list: inout [String]) -> Int32 {
      if let known = list.firstIndex(of: name) { return Int32(known) }
      list.append(name)
      return Int32(list.count - 1)
    }
    var answers: [[Int32]: [Answer]] = [:]
    for (subject, predicate, object, isVisible) in rows {
      let key = [id(subject, in: &names), id(predicate, in: &predicates)]
      answers[key, default: []].append(
        Answer(object: id(object, in: &names), isVisible: isVisible, bits: 1))
    }
    var queries: [Query] = []
    var all: [Answer] = []
    for key in answers.keys.sorted(by: { ($0[0], $0[1]) < ($1[0], $1[1]) }) {
      let own = (answers[key] ?? []).sorted { $0.object < $1.object }
      let visible = own.count(where: \.isVisible)
      queries.append(
        Query(
          subject: key[0], predicate: key[1],
          visibility: visible == own.count ? .fvs : visible == 0 ? .ivs : .pvs,
          answers: all.count..<(all.count + own.count),
          rank: Double(queries.count) / Double(answers.count)))
      all += own
    }
    return KnowledgeGraph(
      entityTypes: [EntityType(name: "thing")],
      entities: names.map { Entity(name: $0, type: 0) },
      predicates: predicates.map { Predicate(name: $0, subjectType: 0, objectType: 0) },
      queries: queries, answers: all, contentHash: "sample")
  }
}
