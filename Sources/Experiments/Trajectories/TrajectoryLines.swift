import Compute
import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

/// What is known of a line.
package enum LineFamily: String, Codable, CaseIterable, Sendable {
  /// Trained on.
  case right = "true"
  /// Of the right type, and no answer.
  case wrong = "false"
  /// Of a wrong type.
  case broken
  /// As many tokens as the true object, at random.
  case scrambled
  /// Drawn from what a small model finds likelier than a large one.
  case contrast
}

/// Lines of known status about queries that were trained on.
struct TrajectoryLines {
  /// One of each family, but for those that a query has none of.
  struct Item {
    let query: Query
    var lines: [(family: LineFamily, tokens: [Int32])]
  }

  /// About some subjects; those of one subject stand together.
  var items: [Item]
  /// True lines about other subjects, whose loss is the validation loss.
  let validation: [(query: Query, tokens: [Int32])]

  /// The same lines for all models of a graph and tokenizer; throws `LabError` where there are
  /// none.
  init(_ run: RunFolder, _ graph: KnowledgeGraph, count: Int, seed: Seed) throws {
    let text = try TripleText(graph: graph, tokenizer: run.tokenizer)
    let fraction = run.record.configuration.corpus.fraction
    let ordered = graph.queries.indices.filter {
      graph.queries[$0].visibility != .ivs && graph.queries[$0].rank < fraction
    }.sorted { (graph.queries[$0].rank, $0) < (graph.queries[$1].rank, $1) }
    func isFollowed(_ index: Int) -> Bool {
      var stream = seed.stream("trajectories/half/\(graph.queries[index].subject)")
      return stream.below(2) == 0
    }
    func part(_ followed: Bool) -> [Query] {
      ordered.lazy.filter { isFollowed($0) == followed }.prefix(count).sorted().map {
        graph.queries[$0]
      }
    }
    func truth(_ query: Query) -> [Int32] {
      let visible = graph.answers[query.answers].first(where: \.isVisible)
      return visible.map { text.completion(object: $0.object) } ?? []
    }
    let draw = CandidateDraw(graph: graph)
    let tokens = Int32(SpecialToken.allCases.count)..<Int32(run.tokenizer.vocabularySize)
    items = part(true).map { query in
      let right = truth(query)
      var lines: [(family: LineFamily, tokens: [Int32])] = [(.right, right)]
      var stream = seed.stream("trajectories/lines/\(query.subject)/\(query.predicate)")
      if let object = draw.wrongObjects(1, for: query, seed: seed).first {
        lines.append((.wrong, text.completion(object: object)))
      }
      let types = graph.objectTypes(of: query.predicate)
      let known = Set(graph.truth(of: query).map { text.completion(object: $0.object) })
      // Some draws find an entity of another type wherever there are many.
      for _ in 0..<100 {
        let entity = stream.below(graph.entities.count)
        let completion = text.completion(object: Int32(entity))
        guard !types.contains(graph.entities[entity].type), !known.contains(completion) else {
          continue
        }
        lines.append((.broken, completion))
        break
      }
      let scrambled =
        right.dropLast().map { _ in tokens.lowerBound + Int32(stream.below(tokens.count)) }
        + [SpecialToken.end.rawValue]
      if !known.contains(scrambled) { lines.append((.scrambled, scrambled)) }
      return Item(query: query, lines: lines)
    }
    validation = part(false).map { (query: $0, tokens: truth($0)) }
    guard !items.isEmpty, !validation.isEmpty else {
      throw LabError(
        "the graph of \(run.url.relativePath) has too few subjects to follow lines about some of them beside others; take a "
          + "larger one")
    }
  }

  /// Adds a line for each query, drawn token by token from p(small) - p(large), cut at 0 and scaled
  /// to a sum of 1.
  mutating func addContrast(
    _ small: RunFolder, _ large: RunFolder, _ graph: KnowledgeGraph, seed: Seed, _ work: Work
  ) throws {
    let text = try TripleText(graph: graph, tokenizer: small.tokenizer)
    guard try small.tokenizer.file.hash == large.tokenizer.file.hash else {
      throw LabError(
        "\(small.url.path) and \(large.url.path) have different tokenizers, so that one cannot be taken from the other"
      )
    }
    let prompts = items.map { item in
      text.prompt(subject: item.query.subject, predicate: item.query.predicate)
    }
    var decoder = try ContrastDecoder(small.loadModel(), large.loadModel())
    let longest = text.maximumNewTokens(graph)
    let lines = try decoder.lines(after: prompts, longest: longest, work) { place in
      seed.stream(
        "trajectories/contrast/\(items[place].query.subject)/\(items[place].query.predicate)")
    }
    for (place, line) in lines.enumerated() { items[place].lines.append((.contrast, line)) }
  }
}

/// Draws from what one model finds likelier than another.
struct ContrastDecoder {
  private let sessions: [InferenceSession]
  private let vocabulary: Int

  init(_ small: LanguageModel, _ large: LanguageModel) throws {
    sessions = try [small, large].map { try InferenceSession($0) }
    vocabulary = small.configuration.vocabularySize
  }

  /// The part of p that is above q, scaled to a sum of 1, or p where nothing is left.
  ///
  /// Special tokens other than the end are left out.
  static func distribution(_ small: [Double], _ large: [Double]) -> [Double] {
    let allowed = { (token: Int) in
      token >= SpecialToken.allCases.count || token == Int(SpecialToken.end.rawValue)
    }
    var weights = small.indices.map { allowed($0) ? max(0, small[$0] - large[$0]) : 0 }
    var total = weights.reduce(0, +)
    if total < 1e-12 {
      weights = small.indices.map { allowed($0) ? small[$0] : 0 }
      total = weights.reduce(0, +)
    }
    return weights.map { $0 / total }
  }

  /// A line after each prompt, with the end token; after `longest` tokens it is put there.
  mutating func lines(
    after prompts: [[Int32]], longest: Int, _ work: Work, stream: (Int) -> RandomStream
  ) throws -> [[Int32]] {
    var streams = prompts.indices.map(stream)
    var lines = [[Int32]](repeating: [], count: prompts.count)
    let end = SpecialToken.end.rawValue
    var open = Array(prompts.indices)
    for step in 0..<longest where !open.isEmpty {
      if work.shouldStop() { throw LabError.interrupted("stopped while lines were drawn") }
      let texts = open.map { prompts[$0] + lines[$0] }
      let distributions = sessions.map { next($0, texts) }
      for (index, place) in open.enumerated() {
        let weights = Self.distribution(distributions[0][index], distributions[1][index])
        var left = streams[place].uniform()
        let drawn = weights.indices.first { token in
          left -= weights[token]
          return left < 0
        }
        lines[place].append(
          step == longest - 1
            ? end : Int32(drawn ?? weights.lastIndex { $0 > 0 } ?? Int(end)))
      }
      open = open.filter { lines[$0].last != end }
      work.report(Double(step + 1) / Double(longest), "drawing lines")
    }
    return lines
  }

  /// softmax(logits) after each text.
  private func next(_ session: InferenceSession, _ texts: [[Int32]]) -> [[Double]] {
    var results: [[Double]] = []
    var batch = TokenBatch()
    func flush() {
      guard batch.tokens.count > 0 else { return }
      let logits = session.allLogits(batch)
      for last in batch.offsets.dropFirst() {
        let row = (Int(last) - 1) * vocabulary
        let own = logits[row..<row + vocabulary].map(Double.init)
        let largest = own.max() ?? 0
        let powers = own.map { exp($0 - largest) }
        let total = powers.reduce(0, +)
        results.append(powers.map { $0 / total })
      }
      batch = TokenBatch()
    }
    for text in texts {
      if batch.tokens.count + text.count > session.maximumTokens { flush() }
      batch.append(tokens: text, targets: text.map { _ in -1 })
    }
    flush()
    return results
  }
}
