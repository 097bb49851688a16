/// One training of a sweep over learning rates.
package struct LearningRateTrial: Hashable, Sendable {
  package var learningRate: Double
  /// Loss before any update.
  package var initialLoss: Double
  /// Loss at the end; nil where training diverged.
  package var finalLoss: Double?

  package init(learningRate: Double, initialLoss: Double, finalLoss: Double?) {
    self.learningRate = learningRate
    self.initialLoss = initialLoss
    self.finalLoss = finalLoss
  }

  /// What counts: the final loss, and never more than the initial one.
  package var boundedLoss: Double {
    guard let finalLoss, finalLoss.isFinite else { return initialLoss }
    return min(finalLoss, initialLoss)
  }
}

/// How much a final loss depends on the learning rate (Wortsman 2023, arXiv 2309.14322).
///
/// The mean over the learning rates tried of min(loss, loss at initialisation) - best loss, in the
/// loss's unit: 0 where every rate trains as well as the best. It is a number of one range of
/// rates, so only equal ranges compare.
package struct LearningRateSensitivity: Hashable, Sendable {
  package var value: Double
  package var bestLearningRate: Double
  package var bestLoss: Double
  /// Rates tried.
  package var rateCount: Int
  /// Trials that diverged.
  package var divergedCount: Int

  /// The sensitivity of some trials; those of one learning rate, such as seeds, are averaged first.
  ///
  /// Nil for fewer than two learning rates or where every trial diverged.
  package init?(_ trials: [LearningRateTrial]) {
    let rates = Set(trials.map(\.learningRate)).sorted()
    guard rates.count > 1, trials.contains(where: { $0.finalLoss?.isFinite == true }) else {
      return nil
    }
    let losses = rates.compactMap { rate in
      Mean.of(trials.filter { $0.learningRate == rate }.map(\.boundedLoss))
    }
    guard let best = losses.enumerated().min(by: { $0.element < $1.element }),
      let mean = Mean.of(losses.map { $0 - best.element })
    else { return nil }
    value = mean
    bestLearningRate = rates[best.offset]
    bestLoss = best.element
    rateCount = rates.count
    divergedCount = trials.count { !($0.finalLoss?.isFinite ?? false) }
  }
}
