import KnowledgeGraph

/// Small graphs made from names.
enum SampleGraph {
  /// A triple by its names.
  struct Row {
    var subject: String
    var predicate: String
    var object: String
    var isVisible = true
    var exposures: Int32 = 1
    /// Of a falsehood.
    var noise: Noise?

    init(
      _ subject: String, _ predicate: String, _ object: String, isVisible: Bool = true,
      exposures: Int32 = 1, noise: Noise? = nil
    ) {
      self.subject = subject
      self.predicate = predicate
      self.object = object
      self.isVisible = isVisible
      self.exposures = exposures
      self.noise = noise
    }
  }

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
    make(
      (0..<count).flatMap { index in
        let subject = "first \(index % 40) last \(index)"
        return [
          Row(
            subject, "lives in", "city \(index % 7)", isVisible: index % 6 != 0,
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
    make(rows.map { Row($0.0, $0.1, $0.2, isVisible: $0.3) })
  }

  /// A graph of rows; every predicate has the given templates.
  static func make(_ rows: [Row], templates: [String] = []) -> KnowledgeGraph {
    var names: [String] = []
    var predicates: [String] = []
    func id(_ name: String, in list: inout [String]) -> Int32 {
      if let known = list.firstIndex(of: name) { return Int32(known) }
      list.append(name)
      return Int32(list.count - 1)
    }
    var answers: [[Int32]: [Answer]] = [:]
    var falsehoods: [TaughtTriple] = []
    for row in rows {
      let key = [id(row.subject, in: &names), id(row.predicate, in: &predicates)]
      let object = id(row.object, in: &names)
      if let noise = row.noise {
        falsehoods.append(
          TaughtTriple(
            triple: Triple(subject: key[0], predicate: key[1], object: object),
            exposures: row.exposures, noise: noise))
        continue
      }
      answers[key, default: []].append(
        Answer(object: object, isVisible: row.isVisible, bits: 1, exposures: row.exposures))
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
      predicates: predicates.map {
        Predicate(name: $0, subjectType: 0, objectType: 0, templates: templates)
      },
      queries: queries, answers: all, contentHash: "sample",
      falsehoods: falsehoods.sorted { $0.triple < $1.triple })
  }
}
