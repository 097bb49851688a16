import Detection
import Foundation
import LabCore

/// Made-up features with known structure.
struct ToyExamples {
  let width: Int
  let features: [Float]
  let labels: [Bool]

  /// `rows` rows of independent normal features; `label` decides from a row and a uniform number.
  init(rows: Int, width: Int, seed: UInt64, label: ([Double], Double) -> Bool) {
    var stream = Seed(seed).stream("toy")
    var features: [Float] = []
    var labels: [Bool] = []
    for _ in 0..<rows {
      let row = (0..<width).map { _ in stream.normal() }
      labels.append(label(row, stream.uniform()))
      features += row.map(Float.init)
    }
    self.width = width
    self.features = features
    self.labels = labels
  }

  init(width: Int, features: [Float], labels: [Bool]) {
    self.width = width
    self.features = features
    self.labels = labels
  }

  var train: [Int] { Array(0..<(labels.count * 3 / 5)) }
  var validation: [Int] { Array((labels.count * 3 / 5)..<(labels.count * 4 / 5)) }
  var test: [Int] { Array((labels.count * 4 / 5)..<labels.count) }

  func head(
    _ architecture: HeadArchitecture, seed: UInt64 = 0,
    options: HeadTrainingOptions = HeadTrainingOptions()
  ) throws -> TrainedHead {
    let examples = try HeadExamples(
      features: features, width: width, labels: labels, subjects: separateSubjects(labels.count),
      train: train, validation: validation)
    return try HeadTrainer(examples, options: options, seed: Seed(seed))
      .train(architecture, name: architecture.name)
  }

  /// What a head says of the last fifth, which it has not seen.
  func scored(by head: TrainedHead) throws -> ScoredExamples {
    let rows = features[(test[0] * width)...]
    return try ScoredExamples(
      scores: head.probabilities(of: Array(rows)), labels: test.map { labels[$0] },
      subjects: separateSubjects(test.count))
  }
}
