package import Corpus
package import Foundation
package import KnowledgeGraph
package import LabCore
package import Training

/// What says how good answers are, in place of the graph.
package protocol AnswerReward {
  /// One reward for each answer to each query; above 0 it is taken to be right.
  func rewards(_ answers: [(query: Query, answers: [SampledAnswer])], _ work: Work) throws
    -> [[Double]]
}

/// Draws the answers that a text is made of.
package struct AnswerTextMaker {
  private let graph: KnowledgeGraph
  private let text: AnswerText
  private let runs: [RunFolder]
  private let fraction: Double
  private let reward: (() throws -> any AnswerReward)?

  /// A text of the answers of `runs`, which were trained on `graph`, to the questions of its nested
  /// `fraction`.
  ///
  /// `reward` makes what the text names as one, where it names one. Throws `LabError` for settings
  /// that are impossible, and a run of another graph or tokenizer than the first.
  package init(
    _ text: AnswerText, of runs: [RunFolder], graph: KnowledgeGraph, fraction: Double,
    reward: (() throws -> any AnswerReward)? = nil
  ) throws {
    try text.validate()
    precondition((text.reward == nil) == (reward == nil), "a reward is named and made")
    for run in runs {
      guard run.record.configuration.graphHash == graph.contentHash else {
        throw LabError(
          "\(run.url.path) was trained on another graph, whose questions are others; give a run on this one"
        )
      }
      guard run.record.tokenizerHash == runs[0].record.tokenizerHash else {
        throw LabError(
          "\(run.url.path) and \(runs[0].url.path) have different tokenizers, so that their answers make no one text; "
            + "give runs of one tokenizer")
      }
    }
    self.text = text
    self.runs = runs
    self.graph = graph
    self.fraction = fraction
    self.reward = reward
  }

  /// The text with the hashes of the weights that answer.
  private var named: AnswerText {
    var named = text
    named.of = runs.map { $0.record.weightsHash ?? "" }
    return named
  }

  /// The lines: those that the run in `folder` has already, or drawn now.
  ///
  /// Throws `LabError` where no answer is right of those that must be, and `LabError.interrupted`
  /// when stopped.
  package func lines(storedIn folder: URL? = nil, _ work: Work = Work()) throws -> AnswerLines {
    if let folder, let stored = try AnswerLines.stored(in: folder, named) { return stored }
    let asked = try questions()
    var tally = AnswerTally()
    tally.asked = asked.counts.count
    tally.real = asked.real.count
    tally.generation = 1 + (runs.compactMap { $0.record.answers?.generation }.max() ?? 0)
    var lines: [TextLine] = []
    var kept: [Query: Int] = [:]
    let reward = try self.reward?()
    for (place, run) in runs.enumerated() {
      let share = { (done: Double) in (Double(place) + done) / Double(runs.count) }
      let drawn = try answers(of: run, asked.counts, work, share)
      let rewards = try reward?.rewards(drawn, work)
      for (number, (query, answers)) in drawn.enumerated() {
        tally.drawn += answers.count
        tally.right += answers.count { !$0.verdict.isHallucination }
        for (index, answer) in answers.enumerated()
        where isKept(answer, rewards?[number][index], kept[query, default: 0]) {
          kept[query, default: 0] += 1
          tally.wrong += answer.verdict.isHallucination ? 1 : 0
          lines.append(
            TextLine(
              subject: query.subject, predicate: query.predicate, completion: answer.line,
              exposures: 1))
        }
      }
    }
    tally.kept = lines.count
    tally.answered = kept.count
    lines += asked.real
    guard !lines.isEmpty else {
      throw LabError(
        "none of the \(tally.drawn) answers of \(runs[0].url.path) is \(reward == nil ? "right" : "taken to be right"), so "
          + "that there is nothing to learn from; draw more, or begin with a model that knows more")
    }
    return AnswerLines(named, lines, tally: tally, tokenizerHash: runs[0].record.tokenizerHash)
  }

  private func isKept(_ answer: SampledAnswer, _ reward: Double?, _ already: Int) -> Bool {
    guard let most = text.right else { return true }
    // A held-out fact is never taught, whatever a detector says.
    let isRight = reward.map { $0 > 0 && answer.verdict != .correctHeldOut }
    return isRight ?? (answer.verdict == .correct) && already < most
  }

  // MARK: Questions

  /// How often each query is asked, and the lines that stay.
  private func questions() throws -> (counts: [(query: Query, count: Int)], real: [TextLine]) {
    let statements = graph.statements(fraction: fraction * text.queries)
    var order = statements.indices.flatMap { index in
      repeatElement(index, count: Int(statements[index].exposures))
    }
    var stream = Seed(text.seed).stream("text/lines")
    stream.shuffle(&order)
    let staying = Int((text.real * Double(order.count)).rounded())
    var wanted = Int((text.synthetic * Double(order.count)).rounded())
    // Lines are asked from the front and stay from the back: none is both where there are enough.
    if text.real + text.synthetic <= 1 + 1e-9 { wanted = min(wanted, order.count - staying) }
    var asked = [Int](repeating: 0, count: statements.count)
    for place in 0..<wanted { asked[order[place % order.count]] += 1 }
    var counts: [(query: Query, count: Int)] = []
    for (statement, count) in zip(statements, asked) {
      let triple = statement.triple
      guard let query = graph.query(subject: triple.subject, predicate: triple.predicate) else {
        continue
      }
      if counts.last?.query != query { counts.append((query, 0)) }
      counts[counts.count - 1].count += count
    }
    if let samples = text.samples { counts = counts.map { ($0.query, samples) } }
    return (
      counts.filter { $0.count > 0 }, try real(order.suffix(staying).map { statements[$0].triple })
    )
  }

  private func real(_ triples: [Triple]) throws -> [TextLine] {
    guard !triples.isEmpty else { return [] }
    let names = try TripleText(graph: graph, tokenizer: runs[0].tokenizer)
    return triples.map { triple in
      TextLine(
        subject: triple.subject, predicate: triple.predicate,
        completion: names.completion(object: triple.object), exposures: 1)
    }
  }

  // MARK: Answers

  /// Each query's answers of a run, those that are asked equally often side by side; `share` is of
  /// the whole.
  private func answers(
    of run: RunFolder, _ asked: [(query: Query, count: Int)], _ work: Work,
    _ share: (Double) -> Double
  ) throws -> [(query: Query, answers: [SampledAnswer])] {
    let answering = try AnsweringRun(run, graph: graph, workers: work.workers)
    var found: [(query: Query, answers: [SampledAnswer])] = []
    for (count, group) in Dictionary(grouping: asked, by: \.count).sorted(by: { $0.key < $1.key }) {
      let (start, end) = (found.count, found.count + group.count)
      let part = work.part(
        share(Double(start) / Double(asked.count))...share(Double(end) / Double(asked.count)))
      let queries = group.map(\.query)
      let drawn = try answering.draw(queries, options(count, of: run), part)
      found += zip(queries, drawn).map { ($0, $1) }
    }
    // In the order of the queries, whatever the counts.
    return found.sorted {
      ($0.query.subject, $0.query.predicate) < ($1.query.subject, $1.query.predicate)
    }
  }

  private func options(_ count: Int, of run: RunFolder) throws -> EvaluationOptions {
    var options = EvaluationOptions()
    options.samples = count
    options.sampleTemperatures = [text.temperature]
    options.topK = text.topK
    // A stream for each model: one that learned another's answers draws anew, and none draws what
    // an evaluation does.
    var stream = Seed(text.seed).stream("text/answers/\(run.record.weightsHash ?? "")")
    options.seed = stream.next()
    try options.validate()
    return options
  }
}
