import Analysis
import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import Training

/// Answers of a model to what was trained on, read by another, and the objects that are among them.
struct SaidAnswers {
  private let graph: KnowledgeGraph
  private let settings: CollapseMeasure.Settings
  private let popularity: ObjectPopularity
  /// With an answer that is trained on, in order.
  private let queries: [Query]
  /// Those with a token, by query.
  private let items: [Item]
  /// Predicate and name of what was said, whomever it was said of.
  private let said: Set<Name>
  private let triples: [TrainedTriple]

  /// An answer that was drawn.
  private struct Item {
    let subject: Int32
    let isRight: Bool
    /// -log P in nats by the first model, and by the model that said it.
    let loss: Double
    let ownLoss: Double
  }

  /// A trained triple with the probability in 0 to 1 of the model saying just that.
  private struct TrainedTriple {
    let subject: Int32
    let pair: Pair
    let probability: Double
  }

  private struct Pair: Hashable {
    let predicate: Int32
    let object: Int32
  }

  private struct Name: Hashable {
    let predicate: Int32
    /// Names are equal byte for byte only; Swift's String equality is wider.
    let name: [UInt8]
  }

  init(
    run: RunFolder, head: RunFolder, graph: KnowledgeGraph, _ settings: CollapseMeasure.Settings,
    _ work: Work
  ) throws {
    let fraction = run.record.configuration.corpus.fraction
    let queries = graph.queries(fraction: fraction).filter { $0.visibility != .ivs }
    let speaker = try AnsweringRun(run, graph: graph, workers: work.workers)
    let reader = try AnsweringRun(head, graph: graph, workers: work.workers)
    var options = EvaluationOptions()
    options.sampleTemperatures = [1]
    options.samples = settings.samples
    options.seed = settings.seed
    let drawn = try speaker.draw(queries, options, work.part(0...0.5))
    let texts = zip(queries, drawn).map { query, answers in
      (query: query, texts: answers.map(\.line).filter { !$0.isEmpty })
    }
    let losses = try reader.logProbabilities(texts, work.part(0.5...0.7))
    let own =
      run.record.weightsHash == head.record.weightsHash
      ? losses : try speaker.logProbabilities(texts, work.part(0.7...0.9))
    var (items, said): ([Item], Set<Name>) = ([], [])
    for (place, answers) in drawn.enumerated() {
      for (index, answer) in answers.filter({ !$0.line.isEmpty }).enumerated() {
        items.append(
          Item(
            subject: queries[place].subject, isRight: !answer.verdict.isHallucination,
            loss: -losses[place][index][0], ownLoss: -own[place][index][0]))
        if answer.ended {
          said.insert(Name(predicate: queries[place].predicate, name: Array(answer.text.utf8)))
        }
      }
    }
    guard !items.isEmpty else {
      throw LabError(
        "\(run.url.path) answered nothing to the queries that it was trained on, so that there is nothing to read"
      )
    }
    let objects = queries.map { graph.answers[$0.answers].filter(\.isVisible).map(\.object) }
    let known = try speaker.logProbabilities(
      zip(queries, objects).map { ($0, $1.map(speaker.completion)) }, work.part(0.9...1))
    triples = queries.indices.flatMap { place in
      zip(objects[place], known[place]).map { object, logProbability in
        TrainedTriple(
          subject: queries[place].subject,
          pair: Pair(predicate: queries[place].predicate, object: object),
          probability: min(1, exp(logProbability[0])))
      }
    }
    popularity = ObjectPopularity(graph: graph, fraction: fraction)
    (self.graph, self.settings, self.queries) = (graph, settings, queries)
    (self.items, self.said) = (items, said)
  }

  /// Means with their 95 % intervals over subjects, of values that stand by subject.
  private func means(
    _ subjects: [Int32], _ series: [[Double]], areShares: Bool, stream name: String
  ) -> [Measured] {
    SubjectBootstrap(subjects: subjects, series: series, areShares: areShares).measured(
      resamples: settings.resampleCount, Seed(settings.seed).stream("collapse/\(name)"))
  }

  /// What both models make of the answers, of all and of the right and the wrong ones.
  func answers() -> [CollapseAnswers] {
    CollapseAnswers.Kind.allCases.compactMap { kind in
      let own = items.filter { kind.contains(isRight: $0.isRight) }
      guard !own.isEmpty else { return nil }
      let values = means(
        own.map(\.subject), [own.map(\.loss), own.map(\.ownLoss)], areShares: false,
        stream: "answers/\(kind.rawValue)")
      return CollapseAnswers(kind, count: own.count, loss: values[0], ownLoss: values[1])
    }
  }

  /// The answers by the loss that the first model gives them.
  func losses() -> [CollapseLoss] {
    let bins = items.map { CollapseLoss.bin(of: $0.loss) }
    let shares = means(
      items.map(\.subject),
      (0..<CollapseLoss.binCount).map { bin in bins.map { $0 == bin ? 1 : 0 } }, areShares: true,
      stream: "losses")
    return shares.enumerated().map { bin, share in
      let right = zip(items, bins).count { $0.isRight && $1 == bin }
      return CollapseLoss(
        bin: bin, share: share, rightShare: Double(right) / Double(items.count),
        answerCount: bins.count { $0 == bin })
    }
  }

  /// The objects of trained triples by how many of them have them.
  func objects() -> [CollapseObjects] {
    func count(_ pair: Pair) -> Int {
      popularity.count(predicate: pair.predicate, object: pair.object)
    }
    let groups = Dictionary(grouping: triples) { RateGroup.powerLabel(Double(count($0.pair))) }
    return groups.sorted { count($0.value[0].pair) < count($1.value[0].pair) }.map { label, own in
      let values = means(
        own.map(\.subject),
        [
          own.map(\.probability),
          own.map { 1 - pow(1 - $0.probability, Double(settings.samples)) },
        ], areShares: true, stream: "objects/\(label)")
      let pairs = Set(own.map(\.pair))
      let found = pairs.count { pair in
        said.contains(
          Name(
            predicate: pair.predicate, name: Array(graph.entities[Int(pair.object)].name.utf8)))
      }
      return CollapseObjects(
        popularity: label, tripleCount: own.count, objectCount: pairs.count, mass: values[0],
        recall: values[1], saidCount: found)
    }
  }
}
