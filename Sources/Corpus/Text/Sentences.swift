import KnowledgeGraph

/// The templates of a graph's predicates in tokens, and which of them say a fact.
struct Sentences: Sendable {
  /// The tokens before and after the subject of each template: two lists a template.
  private var texts = TokenLists()
  /// Names of entities with a space before them, where a tokenizer takes that for a part of them.
  private var spacedNames: TokenLists?
  /// Names of entities where a text begins with them, for a tokenizer that has others for answers.
  private var firstNames: TokenLists?
  private var followsSpace: [Bool] = []
  /// The first template of each predicate, and their number at the end.
  private var firsts: [Int] = [0]
  private let subjectHashes: [UInt64]
  private let predicateHashes: [UInt64]
  private let wording: Wording
  /// Tokens of the longest template without its names.
  private(set) var longest = 0

  /// Throws `CorpusError` naming the predicate that has no templates, too few, or one that is no
  /// sentence.
  init(graph: KnowledgeGraph, tokenizer: any Tokenizer, wording: Wording) throws(CorpusError) {
    self.wording = wording
    let templates = try Self.templates(of: graph, wording: wording)
    try tokenizer.prepare(templates.flatMap { $0.flatMap(\.texts) }, areWords: true)
    if tokenizer.spacesAnswers {
      firstNames = try TokenLists(graph.entities.map(\.name), tokenizer, isFirst: true)
    }
    for own in templates {
      for template in own {
        let isJoined = template.nameFollowsSpace && tokenizer.keepsSpaces
        let before = isJoined ? String(template.leading.dropLast()) : template.leading
        let start = texts.count
        try texts.appendWords(before, tokenizer)
        try texts.appendWords(template.trailing, tokenizer)
        followsSpace.append(isJoined)
        longest = max(longest, texts[Int32(start)].count + texts[Int32(start + 1)].count)
      }
      firsts.append(followsSpace.count)
    }
    if followsSpace.contains(true) {
      spacedNames = try TokenLists(graph.entities.map(\.name), tokenizer, afterSpace: true)
    }
    let seed = wording.seed
    subjectHashes = graph.entities.map { NameHash.mix(seed, NameHash.hash($0.name)) }
    predicateHashes = graph.predicates.map { NameHash.hash($0.name) }
  }

  /// The templates of each predicate that is asked about, checked; none for the others.
  static func templates(
    of graph: KnowledgeGraph, wording: Wording
  ) throws(CorpusError) -> [[SentenceTemplate]] {
    var isAsked = [Bool](repeating: false, count: graph.predicates.count)
    for query in graph.queries { isAsked[Int(query.predicate)] = true }
    var templates: [[SentenceTemplate]] = []
    for (predicate, isAsked) in zip(graph.predicates, isAsked) {
      guard isAsked else {
        templates.append([])
        continue
      }
      let count = predicate.templates.count
      guard count > 0 else { throw .templatesMissing(predicate: predicate.name) }
      guard count >= wording.paraphrases else {
        throw .templatesFew(
          predicate: predicate.name, count: count, paraphrases: wording.paraphrases)
      }
      guard !wording.asksUnseen || count > wording.paraphrases else {
        throw .templatesAllSeen(predicate: predicate.name, count: count)
      }
      var own: [SentenceTemplate] = []
      for text in predicate.templates {
        own.append(try SentenceTemplate(text, predicate: predicate.name))
      }
      templates.append(own)
    }
    return templates
  }

  /// The template that is number `paraphrase` of those that a fact is said in, counted from 0.
  ///
  /// Templates come in the order of hashes of subject, predicate and template: the first of them
  /// are what the fact is shown in, so that fewer paraphrases are among more.
  private func template(subject: Int32, predicate: Int32, paraphrase: Int) -> Int {
    let own = firsts[Int(predicate)]..<firsts[Int(predicate) + 1]
    let fact = NameHash.mix(subjectHashes[Int(subject)], predicateHashes[Int(predicate)])
    let ranked = own.map { (hash: NameHash.mix(fact, UInt64($0 - own.lowerBound)), place: $0) }
    return ranked.sorted { ($0.hash, $0.place) < ($1.hash, $1.place) }[paraphrase].place
  }

  /// Appends the sentence up to its object; `entities` are the names in tokens.
  func append(
    subject: Int32, predicate: Int32, paraphrase: Int, entities: TokenLists,
    to tokens: inout [Int32]
  ) {
    let template = template(subject: subject, predicate: predicate, paraphrase: paraphrase)
    tokens += texts[Int32(2 * template)]
    if followsSpace[template], let spacedNames {
      tokens += spacedNames[subject]
    } else {
      tokens += (firstNames ?? entities)[subject]
    }
    tokens += texts[Int32(2 * template + 1)]
  }

  /// Tokens of the longest name in a sentence.
  func longestName(entities: TokenLists) -> Int {
    max(entities.longest, spacedNames?.longest ?? 0, firstNames?.longest ?? 0)
  }
}
