import Analysis
package import Compute
import Detection
package import Foundation
package import LabCore
import LanguageModel

/// The speed of training heads on made-up features of known structure.
package struct DetectionBenchmark {
  /// How fast one piece of work is.
  package struct Row: Codable, Hashable, Sendable {
    package let work: String
    /// Of products while an MLP learns.
    package let precision: Precision
    package let rows: Int
    package let width: Int
    /// Median of the repetitions.
    package let seconds: Double
    /// Processor time of a repetition, which other programs on the machine do not lengthen.
    package let processorSeconds: Double
    package let repetitions: Int
    /// Passes over the rows: iterations of a linear head, epochs of an MLP; nil for the ladder.
    package let passes: Int?
    /// Mean log-loss in nats on the rows it learned from, of the linear head with its penalty; nil
    /// for the ladder.
    package let loss: Double?

    enum CodingKeys: String, CodingKey {
      case work, precision, rows, width, seconds, repetitions, passes, loss
      case processorSeconds = "processor_seconds"
    }
  }

  private let rows: Int
  private let width: Int
  private let precisions: [Precision]
  private let seed: Seed

  /// `rows` examples of `width` features, correlated and of unequal scale as a model's states are.
  ///
  /// MLPs learn with products in each of `precisions`.
  package init(rows: Int, width: Int, precisions: [Precision] = [.fp32], seed: Seed = Seed(0)) {
    self.rows = rows
    self.width = width
    self.precisions = precisions
    self.seed = seed
  }

  /// Standardised features, shape (rows, width), and labels of which some are noise.
  package func data() -> (features: [Float], labels: [Bool]) {
    var stream = seed.stream("bench/detect")
    let factors = 16
    let mixing = (0..<(width * factors)).map { _ in Float(stream.normal()) }
    let scales = (0..<factors).map { Float(1) / Float(1 + $0) }
    var features = [Float](repeating: 0, count: rows * width)
    var labels: [Bool] = []
    labels.reserveCapacity(rows)
    for row in 0..<rows {
      let hidden = (0..<factors).map { scales[$0] * Float(stream.normal()) }
      for column in 0..<width {
        // Sums of uniform numbers are near enough to normal here, and quick.
        var value = Float(stream.uniform() + stream.uniform() + stream.uniform() - 1.5)
        for factor in 0..<factors { value += mixing[column * factors + factor] * hidden[factor] }
        features[row * width + column] = value
      }
      let logit = 2 * hidden[0] + 3 * hidden[1] - 3 * hidden[2] - 0.5
      labels.append(Float(stream.uniform()) < 1 / (1 + exp(-logit)))
    }
    let standardizer = Standardizer(fitting: features, width: width, rows: Array(0..<rows))
    return (standardizer.apply(features), labels)
  }

  /// Writes features.f32 (row by row) and labels.u8 into a folder, for other programs.
  ///
  /// Throws `LabError` when the folder cannot be written.
  package func export(to folder: URL) throws {
    let (features, labels) = data()
    try AtomicFile.createFolder(folder)
    try AtomicFile.write(
      try FloatBytes.encode(features), to: folder.appendingPathComponent("features.f32"))
    try AtomicFile.write(
      Data(labels.map { $0 ? 1 : 0 }), to: folder.appendingPathComponent("labels.u8"))
  }

  /// Each work for `seconds`, at least once; `onProgress` is told which is under way.
  package func run(
    seconds: Double, onProgress: (String) -> Void = { _ in }
  ) throws -> [Row] {
    let (features, labels) = data()
    let all = Array(0..<rows)
    let examples = try HeadExamples(
      features: features, width: width, labels: labels, subjects: all.map(Int32.init), train: all,
      validation: Array(all.prefix(max(1, rows / 5))))
    onProgress("linear")
    var results = [try linear(examples, seconds)]
    for precision in precisions {
      var options = HeadTrainingOptions()
      options.precision = precision
      for units in [16, 64, 256] {
        guard !Interruption.isRequested else { throw LabError.interrupted("interrupted") }
        onProgress("mlp-\(units) \(precision.rawValue)")
        results.append(try mlp(units, examples, options, seconds))
      }
      onProgress("ladder \(precision.rawValue)")
      results.append(try ladder(examples, options, seconds))
    }
    return results
  }

  /// Logistic regression with penalty 1 to scikit-learn's default tolerance, one thread.
  private func linear(_ examples: HeadExamples, _ seconds: Double) throws -> Row {
    let network = try HeadNetwork(.linear, inputWidth: width, maximumRows: 1_024)
    let regression = try LogisticRegression(examples, network: network)
    let start = [Double](repeating: 0, count: width + 1)
    var minimum = regression.fit(from: start, penalty: 1, tolerance: 1e-4)
    let timing = try timed(seconds) {
      minimum = try LogisticRegression(examples, network: network)
        .fit(from: start, penalty: 1, tolerance: 1e-4)
    }
    return row("linear", .fp32, timing, passes: minimum.iterationCount, loss: minimum.value)
  }

  /// One epoch of an MLP in batches of 256, one thread.
  private func mlp(
    _ units: Int, _ examples: HeadExamples, _ training: HeadTrainingOptions, _ seconds: Double
  ) throws -> Row {
    var options = training
    options.stepCount = 1
    let epochs = 5
    options.exactStepCount = epochs * (rows / options.batchSize)
    options.validationInterval = .max
    let trainer = HeadTrainer(examples, options: options, seed: seed)
    let architecture = HeadArchitecture(hiddenSizes: [units])
    var loss = 0.0
    let timing = try timed(seconds) {
      loss = try trainer.train(architecture, name: architecture.name).report.validationLoss
    }
    return row(
      "\(architecture.name), one epoch", options.precision, timing, share: 1 / Double(epochs),
      passes: 1, loss: loss)
  }

  /// Every head of the default ladder, trained as detection does, one after the other.
  private func ladder(
    _ examples: HeadExamples, _ options: HeadTrainingOptions, _ seconds: Double
  ) throws -> Row {
    let trainer = HeadTrainer(examples, options: options, seed: seed)
    let timing = try timed(seconds) {
      for head in HeadArchitecture.ladder { _ = try trainer.train(head, name: head.name) }
    }
    return row("ladder", options.precision, timing, passes: nil, loss: nil)
  }

  // MARK: Time

  /// Repetitions and the processor time of each on average.
  private func timed(
    _ seconds: Double, _ body: () throws -> Void
  ) throws -> (timing: Timing, processor: Double) {
    let began = clock()
    let timing = try Timing.collect(for: seconds, warmUps: 0, atLeast: 1) {
      try Timing.seconds { try body() }
    }
    // POSIX counts in millionths of a second.
    let processor = Double(clock() - began) / 1e6
    return (timing, processor / Double(timing.seconds.count))
  }

  private func row(
    _ work: String, _ precision: Precision, _ time: (timing: Timing, processor: Double),
    share: Double = 1, passes: Int?,
    loss: Double?
  ) -> Row {
    Row(
      work: work, precision: precision, rows: rows, width: width,
      seconds: share * time.timing.median,
      processorSeconds: share * time.processor, repetitions: time.timing.seconds.count,
      passes: passes, loss: loss)
  }
}
