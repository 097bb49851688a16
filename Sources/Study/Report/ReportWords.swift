import Evaluation
import Foundation
import LabCore
import Report

/// The sentences and key numbers of a report.
struct ReportWords {
  let series: ResultSeries

  private var results: StudyResults { series.results }

  var subtitle: Prose {
    let runs = results.runs.count
    let sizes = results.runs.map(\.nonEmbeddingParameters)
    guard let low = sizes.min(), let high = sizes.max() else { return "No run is finished yet." }
    return """
      \(runs) language models from \(Readable.count(Double(low))) to \(Readable.count(Double(high))) \
      non-embedding parameters
      """
  }

  var introduction: [Prose] {
    var paragraphs: [Prose] = []
    if !results.question.isEmpty { paragraphs.append(Prose(plain: results.question)) }
    paragraphs.append(
      """
      Every training text is generated from a knowledge graph, so what a model was taught is known exactly and \
      each answer is right or hallucinated by a look-up. A *query* asks for the object of a subject and a \
      predicate. It is fully visible (FVS) when all of its answers are trained on, partially visible (PVS) when \
      some are, and invisible (IVS) when none is.
      """)
    return paragraphs
  }

  // MARK: Key numbers

  var headlines: [Headline] {
    results.graphs.compactMap { NeededSize(series, on: $0)?.headline }
      + [largest, invisible].compactMap(\.self)
  }

  private var largest: Headline? {
    let runs = series.groups.flatMap(\.runs)
    let measured = runs.filter { $0.epochs == series.longestEpochs }.compactMap { run in
      series.rate(run, "fvs").map { (run, $0) }
    }
    let best = measured.max {
      ($0.0.nonEmbeddingParameters, $0.0.fraction) < ($1.0.nonEmbeddingParameters, $1.0.fraction)
    }
    guard let (run, rate) = best else { return nil }
    return Headline(
      "Largest model of the longest training, taught queries", percent(rate.rate),
      detail: "hallucinated on FVS by \(run.name)\(interval(rate))\(cut)")
  }

  private var invisible: Headline? {
    let rates = results.runs.compactMap { series.rate($0, "ivs")?.rate }
    guard let low = rates.min(), let high = rates.max() else { return nil }
    let only = results.graphs.count == 1 ? results.graphs.first : nil
    let guess = only?.guessRate.map {
      "; guessing from p(o | p) gives \(percent(1 - $0))"
    }
    return Headline(
      "Never-taught queries", "\(percent(low)) – \(percent(high))",
      detail: "hallucinated on IVS over all models\(guess ?? "")\(cut)")
  }

  private var cut: String { series.cut.map { "; cut to \($0)" } ?? "" }

  private func percent(_ share: Double) -> String { ColumnFormat.percent(digits: 1).string(share) }

  private func interval(_ rate: RunRate) -> String {
    guard let lower = rate.measured.lower, let upper = rate.measured.upper else { return "" }
    return ", 95 % interval \(percent(lower)) to \(percent(upper)) over subjects"
  }

  // MARK: Facts

  var graph: [Prose] {
    results.graphs.flatMap { graph -> [Prose] in
      func grouped(_ count: Int) -> String { ColumnFormat.integer.string(Double(count)) }
      var lines: [Prose] = [
        """
        \(graph.name): \(grouped(graph.tripleCount)) triples of \(grouped(graph.entityCount)) entities and \
        \(graph.predicateCount) predicates, \(graph.source); \(grouped(graph.trainedTripleCount)) triples are \
        trained on.
        """,
        """
        Queries: \(grouped(graph.fvsCount)) fully visible, \(grouped(graph.pvsCount)) partially visible, \
        \(grouped(graph.ivsCount)) invisible.
        """,
      ]
      if let guess = graph.guessRate {
        lines.append(
          """
          An invisible query is guessed right \(percent(guess)) of the time by drawing an object as often as \
          training shows it for the predicate.
          """)
      }
      if let bits = graph.bits {
        lines.append("The triples hold \(Readable.count(bits)) bits under their generator.")
      }
      return lines
    }
  }

  func missing(_ count: Int) -> Prose {
    """
    \(count) of the study's tasks gave no result, so the figures lack their points. \
    Running the study again tries them again.
    """
  }

  var reading: [Prose] {
    [
      """
      *Hallucination rate* is the share of answers that are no answer at all in the whole graph, trained on or held \
      out. The headline is exact: one minus the sum of the probabilities of a query's answers at temperature 1, \
      each with its end token, so it has no sampling noise. Where a tokenizer can spell a name in several ways the \
      exact rate counts the canonical spelling. Intervals of a run's rates are 95 % over subjects: they say nothing of \
      another seed or graph.
      """,
      """
      Detector scores are higher where an answer is more likely hallucinated, and a hallucination is the positive \
      class. Detectors learn from and are judged on disjoint sets of subjects. Heads read the frozen model's hidden \
      states; the other scores need no training. The head shown for a model is the one of highest AUROC on a \
      validation part of its own.
      """,
      """
      The three sets of queries are those of arXiv 2408.07852 by name; its construction of them was not found, so \
      this one is ours.
      """,
    ]
  }

  func colophon(command: String) -> [Prose] {
    if results.graphs.count == 1, let graph = results.graphs.first {
      return [
        """
        Made by `\(command)` from study.sqlite; the graph's content hash begins with \
        `\(graph.contentHash.prefix(16))`.
        """
      ]
    }
    return ["Made by `\(command)` from study.sqlite."]
      + results.graphs.map {
        "The content hash of \($0.name) begins with `\($0.contentHash.prefix(16))`."
      }
  }
}
