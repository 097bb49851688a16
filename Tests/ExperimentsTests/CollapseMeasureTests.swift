import Analysis
import Corpus
import Evaluation
import Experiments
import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing
import Training

/// What a model that learned from answers still says, by the model that gave them.
@Suite struct CollapseMeasureTests {
  /// Cities from that of one subject to that of many, and subjects of two of which one is held out.
  private static let graph: KnowledgeGraph = {
    var rows: [SmallGraph.Row] = []
    for person in 0..<60 {
      let city = Int(log2(Double(person + 1)))
      rows.append(.init("Ada\(person)", "born in", "Port\(city)", "city"))
      rows.append(
        .init("Ada\(person)", "works on", "Field\(person % 7)", "field", visible: person % 5 > 0))
    }
    return SmallGraph.make(rows, subjects: "person")
  }()
  private static let queries = graph.queries.filter { $0.visibility != .ivs }
  private let folder: TemporaryFolder
  private let base: RunFolder
  private let later: RunFolder
  private let quiet = Work(shouldStop: { false })

  init() throws {
    folder = try TemporaryFolder()
    try trainTiny(Self.graph, into: folder["base"], epochs: 15)
    let base = try RunFolder.open(folder["base"])
    let lines = try AnswerTextMaker(AnswerText(), of: [base], graph: Self.graph, fraction: 1)
      .lines()
    try trainTiny(Self.graph, into: folder["later"], epochs: 15) { request, _ in
      request.answers = lines
    }
    self.base = base
    later = try RunFolder.open(folder["later"])
  }

  private func summary(of run: RunFolder, samples: Int = 16) throws -> CollapseSummary {
    func measured(_ run: RunFolder, _ siblings: [MeasuredRun] = []) -> MeasuredRun {
      MeasuredRun(folder: run.url, record: run.record, siblings: siblings) { Self.graph }
    }
    var settings = CollapseMeasure.Settings()
    (settings.samples, settings.resampleCount) = (samples, 50)
    let (measure, subject) = (CollapseMeasure(settings), measured(run, [measured(base)]))
    #expect(try measure.storedKey(of: subject) == nil)
    let summary = try measure.summary(of: subject, quiet)
    #expect(try measure.storedKey(of: subject) == summary.key)
    #expect(try measure.summary(of: subject, quiet) == summary)
    return summary
  }

  /// A query's answers by name, and the model's probability of each object of the graph.
  private func probabilities(_ run: RunFolder) throws -> [[Double]] {
    let model = try AnsweringRun(run, graph: Self.graph, workers: 1)
    let objects = Self.graph.entities.indices.map { model.completion(Int32($0)) }
    return try model.logProbabilities(Self.queries.map { ($0, objects) }).map {
      $0.map { exp($0[0]) }
    }
  }

  @Test func theFirstModelReadsAnswersAsItGaveThem() throws {
    let summary = try summary(of: base)
    let all = try #require(summary.answers.first)
    #expect(summary.answers.map(\.answers) == [.all, .right, .wrong])
    #expect(all.loss == all.ownLoss && all.lower == all.ownLower)
    #expect(all.answerCount == summary.answers[1].answerCount + summary.answers[2].answerCount)
    #expect(summary.answers[1].loss < summary.answers[2].loss, "what it says right is likelier")
    // Of a graph whose names are the likeliest texts, the mean loss is the entropy of its answers.
    let entropy = try Mean.of(
      probabilities(base).map { $0.reduce(0) { $0 - ($1 > 0 ? $1 * log($1) : 0) } })
    #expect(abs(all.loss - (try #require(entropy))) < 0.15)
  }

  @Test func theHistogramHasEveryAnswerOnce() throws {
    let summary = try summary(of: later)
    let bins = summary.losses
    let all = try #require(summary.answers.first)
    #expect(bins.count == CollapseLoss.binCount && bins.last?.toLoss == nil)
    #expect(bins.map(\.answerCount).reduce(0, +) == all.answerCount)
    #expect(abs(bins.map(\.share).reduce(0, +) - 1) < 1e-9)
    let right = Double(summary.answers[1].answerCount) / Double(all.answerCount)
    #expect(abs(bins.map(\.rightShare).reduce(0, +) - right) < 1e-9)
    let least = bins.reduce(0) { $0 + $1.share * $1.fromLoss }
    #expect(least <= all.loss)
    // By what it says itself, another model's answers are no likelier than to that model.
    #expect(all.loss > all.ownLoss)
    for bin in bins where bin.answerCount > 0 {
      #expect(bin.share == Double(bin.answerCount) / Double(all.answerCount))
      #expect(try #require(bin.lower) <= bin.share + 1e-12)
    }
  }

  /// Enumeration of all objects under every query says what is expected of each number.
  @Test func rareObjectsAreCounted() throws {
    let samples = 16
    let summary = try summary(of: later, samples: samples)
    let exact = try probabilities(later)
    #expect(summary.objects.map(\.popularity).prefix(4) == ["1", "2-3", "4-7", "8-15"])
    let popularity = ObjectPopularity(graph: Self.graph, fraction: 1)
    for group in summary.objects {
      var (masses, recalls): ([Double], [Double]) = ([], [])
      var missing: [[Int32]: Double] = [:]
      for (place, query) in Self.queries.enumerated() {
        for object in Self.graph.entities.indices {
          let count = popularity.count(predicate: query.predicate, object: Int32(object))
          guard RateGroup.powerLabel(Double(count)) == group.popularity else { continue }
          missing[[query.predicate, Int32(object)], default: 1] *= pow(
            1 - exact[place][object], Double(samples))
        }
        for answer in Self.graph.answers[query.answers] where answer.isVisible {
          let count = popularity.count(predicate: query.predicate, object: answer.object)
          guard RateGroup.powerLabel(Double(count)) == group.popularity else { continue }
          masses.append(exact[place][Int(answer.object)])
          recalls.append(1 - pow(1 - exact[place][Int(answer.object)], Double(samples)))
        }
      }
      #expect(group.tripleCount == masses.count && group.objectCount == missing.count)
      #expect(abs(group.mass - (try #require(Mean.of(masses)))) < 1e-6)
      #expect(abs(group.recall - (try #require(Mean.of(recalls)))) < 1e-6)
      let expected = missing.values.reduce(0) { $0 + 1 - $1 }
      let variance = missing.values.reduce(0) { $0 + $1 * (1 - $1) }
      let said = group.said * Double(group.objectCount)
      #expect(abs(said - expected) <= 3 * variance.squareRoot() + 1e-9)
    }
    #expect(
      summary.objects.first.map { $0.mass < summary.objects[3].mass } == true,
      "what few have is known least")
    // One answer to each query says fewer.
    let fewer = try self.summary(of: later, samples: 1)
    #expect(zip(fewer.objects, summary.objects).allSatisfy { $0.said <= $1.said })
    #expect(fewer.objects.map(\.said) != summary.objects.map(\.said))
  }

  @Test func anotherGraphIsRefused() throws {
    try trainTiny(SmallGraph.people(10), into: folder["other"])
    let other = try RunFolder.open(folder["other"])
    expectFailure("different graphs or tokenizers") { try summary(of: other) }
  }
}
