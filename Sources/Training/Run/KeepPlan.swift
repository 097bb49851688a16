import LabCore

/// The steps whose weights stay when a run has ended; a function of the step alone, never of time.
package struct KeepPlan: Codable, Hashable, Sendable {
  /// Powers of two (1, 2, 4, 8) and the last step.
  package var isLogarithmic = false
  /// Every epoch's last step.
  package var isEveryEpoch = false
  /// Further steps, ascending; 0 is the model before training.
  package var steps: [Int] = []
  /// Epochs whose last steps are kept, ascending.
  package var epochs: [Int] = []

  /// A plan that keeps nothing.
  package init() {}

  /// Reads what `--keep-steps` ("log,100,500") and `--keep-epochs` ("1,5,20" or "all") say.
  ///
  /// Throws `LabError` naming the option and the word that is neither.
  package init(steps: String?, epochs: String?) throws {
    if let steps {
      (isLogarithmic, self.steps) = try Self.parse(
        steps, word: "log", least: 0, option: "--keep-steps")
    }
    if let epochs {
      (isEveryEpoch, self.epochs) = try Self.parse(
        epochs, word: "all", least: 1, option: "--keep-epochs")
    }
  }

  private static func parse(
    _ text: String, word: String, least: Int, option: String
  ) throws -> (Bool, [Int]) {
    var hasWord = false
    var numbers: Set<Int> = []
    for field in text.split(separator: ",", omittingEmptySubsequences: false) {
      let field = field.trimmingWhitespace
      if field == word {
        hasWord = true
      } else if let number = Int(field), number >= least {
        numbers.insert(number)
      } else {
        throw LabError(
          "\(option) '\(text)': '\(field)' is neither '\(word)' nor a number from \(least) on; "
            + "write it like \(word) or 1,2,5", .usage)
      }
    }
    return (hasWord, numbers.sorted())
  }

  package var isEmpty: Bool {
    !isLogarithmic && !isEveryEpoch && steps.isEmpty && epochs.isEmpty
  }

  /// All steps that a training keeps, ascending.
  ///
  /// Throws `LabError` for a step or epoch that the training does not reach.
  package func steps(stepsPerEpoch: Int, stepCount: Int) throws -> [Int] {
    if let step = steps.last(where: { $0 > stepCount }) {
      throw LabError(
        "step \(step) is to be kept and the training has \(stepCount) steps; leave it out", .usage)
    }
    if let epoch = epochs.last(where: { $0 > stepCount / stepsPerEpoch }) {
      throw LabError(
        "epoch \(epoch) is to be kept and the training has \(stepCount / stepsPerEpoch) epochs; "
          + "leave it out", .usage)
    }
    var all = Set(steps).union(epochs.map { $0 * stepsPerEpoch })
    if isEveryEpoch {
      all.formUnion(stride(from: stepsPerEpoch, through: stepCount, by: stepsPerEpoch))
    }
    if isLogarithmic {
      all.insert(stepCount)
      var step = 1
      while step < stepCount {
        all.insert(step)
        step *= 2
      }
    }
    return all.sorted()
  }
}

extension Substring {
  /// Without spaces and tabs at either end.
  fileprivate var trimmingWhitespace: Substring {
    var text = self
    while text.first?.isWhitespace ?? false { text.removeFirst() }
    while text.last?.isWhitespace ?? false { text.removeLast() }
    return text
  }
}
