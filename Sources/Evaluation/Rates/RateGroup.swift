/// What the queries of a rate have in common, besides their set.
package enum RateGroup: Hashable, Sendable {
  case all
  /// Name of the predicate.
  case predicate(String)
  /// How many answers a query has: "1" to "4", "5-9" or "10+".
  case answerCount(String)
  /// Mean presentations in an epoch of the query's trained answers: "0" for none, "1", "2-3", "4-7"
  /// and so on.
  case exposure(String)
  /// How many other trained triples of the predicate have the query's most popular answer, in
  /// quarters of the queries: "0-3".
  case popularity(String)
  /// Whether the query's answers follow from others: "drawn", "entailed" or "mixed".
  case entailment(String)
  /// Whether the query's held-out answers follow from trained ones: "inferable", "unknowable" or
  /// "mixed".
  case inferability(String)

  /// Names of all kinds, in the order of tables.
  package static let kinds = [
    "all", "predicate", "answer_count", "exposure", "popularity", "entailment", "inferability",
  ]

  /// "all", "predicate" and so on.
  package var kind: String {
    switch self {
    case .all: "all"
    case .predicate: "predicate"
    case .answerCount: "answer_count"
    case .exposure: "exposure"
    case .popularity: "popularity"
    case .entailment: "entailment"
    case .inferability: "inferability"
    }
  }

  /// The predicate's name, the number of answers and so on; empty for `all`.
  package var value: String {
    switch self {
    case .all: ""
    case .predicate(let value), .answerCount(let value), .exposure(let value),
      .popularity(let value), .entailment(let value), .inferability(let value):
      value
    }
  }

  /// The group of a kind and value as they stand in files; nil for an unknown kind.
  package init?(kind: String, value: String) {
    switch kind {
    case "all": self = .all
    case "predicate": self = .predicate(value)
    case "answer_count": self = .answerCount(value)
    case "exposure": self = .exposure(value)
    case "popularity": self = .popularity(value)
    case "entailment": self = .entailment(value)
    case "inferability": self = .inferability(value)
    default: return nil
    }
  }

  static let answerCountLabels = ["1", "2", "3", "4", "5-9", "10+"]

  static func answerCountLabel(_ count: Int) -> String {
    answerCountLabels[count < 5 ? max(count, 1) - 1 : count < 10 ? 4 : 5]
  }

  /// "0", "1", "2-3", "4-7": the power of two below a number and the numbers up to the next.
  package static func powerLabel(_ value: Double) -> String {
    guard value >= 1 else { return "0" }
    var low = 1
    while Double(2 * low) <= value { low *= 2 }
    return low == 1 ? "1" : "\(low)-\(2 * low - 1)"
  }
}
