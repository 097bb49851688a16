import Corpus
package import Foundation
import KnowledgeGraph
import LabCore

/// What a model is given in one step of training.
package struct StepBatch: Codable, Hashable, Sendable {
  /// Tokens that attention runs over, and the next token at each; -1 where no loss is taken.
  package struct Sequence: Codable, Hashable, Sendable {
    package let tokens: [Int32]
    package let targets: [Int32]
  }

  /// Counted from 1, as in steps.jsonl.
  package let step: Int
  /// Counted from 1.
  package let epoch: Int
  package let sequences: [Sequence]
  /// Subject, predicate and object of each triple that is trained on, in order.
  package let triples: [[String]]

  package var tokenCount: Int { sequences.reduce(0) { $0 + $1.tokens.count } }
}

/// The batches of a run, made again from its record: what it was, or will be, trained on at each
/// step.
package struct RunBatches {
  package let stepCount: Int
  private let schedule: BatchSchedule
  private let names: (Int) -> [String]

  /// Reads a run, finished or not, and its graph.
  ///
  /// Throws `LabError` for a folder without a run, a run that was not trained here, or a graph that
  /// is missing or another.
  package init(_ folder: URL, graph location: URL? = nil) throws {
    let run = try RunFolder.openAtAnyStep(folder)
    let (graph, schedule) = try run.schedule(graphAt: location)
    self.schedule = schedule
    let corpus = schedule.corpus
    stepCount = run.record.stepCount
    names = { number in
      let triple = corpus.statements[number].triple
      return [
        graph.entities[Int(triple.subject)].name, graph.predicates[Int(triple.predicate)].name,
        triple.object < 0
          ? corpus.objectText(of: number) : graph.entities[Int(triple.object)].name,
      ]
    }
  }

  /// The batches of the steps in `range`, counted from 1.
  ///
  /// Throws `LabError` for steps that the run does not have.
  package func batches(_ range: ClosedRange<Int>) throws -> [StepBatch] {
    guard range.lowerBound >= 1, range.upperBound <= stepCount else {
      throw LabError(
        "the run has the steps 1 to \(stepCount); --steps asks for \(range.lowerBound) to \(range.upperBound)",
        .usage)
    }
    var epoch = schedule.epoch((range.lowerBound - 1) / schedule.stepsPerEpoch)
    return range.map { step in
      let (number, place) = (step - 1).quotientAndRemainder(dividingBy: schedule.stepsPerEpoch)
      if number != epoch.number { epoch = schedule.epoch(number) }
      let batch = epoch.batch(place)
      let sequences = zip(batch.offsets, batch.offsets.dropFirst()).map { start, end in
        StepBatch.Sequence(
          tokens: Array(batch.tokens[Int(start)..<Int(end)]),
          targets: Array(batch.targets[Int(start)..<Int(end)]))
      }
      return StepBatch(
        step: step, epoch: number + 1, sequences: sequences,
        triples: epoch.triples(inBatch: place).map(names))
    }
  }
}
