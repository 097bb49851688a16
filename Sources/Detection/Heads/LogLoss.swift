import Foundation

/// The loss of logistic regression, in nats, and the probability behind a logit.
package enum LogLoss {
  /// 1 / (1 + exp(-logit)), without overflow.
  package static func probability(_ logit: Double) -> Double {
    if logit >= 0 { return 1 / (1 + exp(-logit)) }
    let odds = exp(logit)
    return odds / (1 + odds)
  }

  /// The log-odds of a probability, which is kept 1e-15 away from 0 and 1.
  package static func logit(_ probability: Double) -> Double {
    let kept = min(max(probability, 1e-15), 1 - 1e-15)
    return log(kept / (1 - kept))
  }

  /// The mean of -log p(label), where p is the probability of true; the arrays have one length
  /// above 0.
  package static func mean(logits: [Float], labels: [Bool]) -> Double {
    var sum = 0.0
    for (logit, label) in zip(logits, labels) {
      // -log sigmoid(x) = log(1 + exp(-x)).
      let margin = label ? Double(logit) : -Double(logit)
      sum += max(0, -margin) + log1p(exp(-abs(margin)))
    }
    return sum / Double(labels.count)
  }

  /// -log of the probability that a score in [0, 1] gives to the label.
  ///
  /// Probabilities are cut to [e, 1 - e], with e the double precision's spacing at 1, as
  /// scikit-learn does.
  package static func ofProbability(_ score: Double, label: Bool) -> Double {
    let probability = label ? score : 1 - score
    return -log(min(max(probability, Double.ulpOfOne), 1 - Double.ulpOfOne))
  }
}
