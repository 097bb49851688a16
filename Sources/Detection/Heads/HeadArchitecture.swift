import LabCore

/// The shape of a read-out: a linear map, or hidden layers with ReLU before it.
package struct HeadArchitecture: Hashable, Sendable {
  /// Widths of the hidden layers, first to last; empty for logistic regression.
  package let hiddenSizes: [Int]

  package static let linear = HeadArchitecture(uncheckedSizes: [])

  /// The default ladder, smallest first.
  package static let ladder = [
    linear, HeadArchitecture(uncheckedSizes: [16]), HeadArchitecture(uncheckedSizes: [64]),
    HeadArchitecture(uncheckedSizes: [256]),
  ]

  private static let widths = 1...65_536
  private static let depths = 1...8

  private init(uncheckedSizes: [Int]) { hiddenSizes = uncheckedSizes }

  /// The head called "linear", "mlp-64" (one hidden layer of 64 units; "64" for short) or "mlp-64x2" (two).
  ///
  /// Throws `LabError` for any other name.
  package init(named name: String) throws {
    if name == "linear" {
      self = .linear
      return
    }
    let shape = name.hasPrefix("mlp-") ? String(name.dropFirst(4)) : name
    let parts = shape.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard let first = parts[0], Self.widths.contains(first), parts.count <= 2,
      let depth = parts.count == 2 ? parts[1] : 1, Self.depths.contains(depth)
    else {
      throw LabError(
        "unknown head '\(name)'\(Suggestion.hint(for: name, in: Self.ladder.map(\.name))); "
          + "give linear, mlp-N with N from 1 to 65536 hidden units, or mlp-NxD with up to 8 layers",
        .usage)
    }
    hiddenSizes = Array(repeating: first, count: depth)
  }

  /// "linear", "mlp-64" or "mlp-64x2".
  package var name: String {
    guard let first = hiddenSizes.first else { return "linear" }
    return hiddenSizes.count == 1 ? "mlp-\(first)" : "mlp-\(first)x\(hiddenSizes.count)"
  }

  /// Inputs and outputs of each linear map, first to last; the last has one output, the logit.
  package func layers(inputWidth: Int) -> [(inputs: Int, outputs: Int)] {
    let widths = [inputWidth] + hiddenSizes + [1]
    return zip(widths, widths.dropFirst()).map { (inputs: $0, outputs: $1) }
  }

  /// Weights and biases: the size of the detector.
  package func parameterCount(inputWidth: Int) -> Int {
    layers(inputWidth: inputWidth).reduce(0) { $0 + ($1.inputs + 1) * $1.outputs }
  }
}

extension HeadArchitecture: Codable {
  package init(from decoder: any Decoder) throws {
    try self.init(named: decoder.singleValueContainer().decode(String.self))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}
