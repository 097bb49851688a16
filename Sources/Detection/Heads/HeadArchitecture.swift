import LabCore

/// The shape of a read-out: a linear map, or hidden layers with ReLU before it.
package struct HeadArchitecture: Hashable, Sendable {
  /// Widths of the hidden layers, first to last; empty for logistic regression.
  package let hiddenSizes: [Int]
  /// Read-outs of the last hidden layer, each with a logit of its own; 1 for every head with a
  /// name.
  package private(set) var outputs = 1

  package static let linear = HeadArchitecture(uncheckedSizes: [])

  /// The default ladder, smallest first: more than two orders of magnitude from first to last.
  package static let ladder =
    [linear] + [4, 16, 64, 256].map { HeadArchitecture(uncheckedSizes: [$0]) }

  private static let widths = 1...65_536
  private static let depths = 1...8

  private init(uncheckedSizes: [Int]) { hiddenSizes = uncheckedSizes }

  /// Hidden layers of the given widths, each above 0, with one read-out of the last or several.
  package init(hiddenSizes: [Int], outputs: Int = 1) {
    precondition(hiddenSizes.allSatisfy { $0 > 0 } && outputs > 0, "layers need units")
    self.hiddenSizes = hiddenSizes
    self.outputs = outputs
  }

  /// The head called "linear", "mlp-64" (one hidden layer of 64 units; "64" for short), "mlp-64x2"
  /// (two), or "mlp-256-128-64" (three of these widths).
  ///
  /// Throws `LabError` for any other name.
  package init(named name: String) throws {
    if name == "linear" {
      self = .linear
      return
    }
    let shape = name.hasPrefix("mlp-") ? String(name.dropFirst(4)) : name
    let sizes = Self.repeated(shape) ?? Self.listed(shape)
    guard let sizes, Self.depths.contains(sizes.count), sizes.allSatisfy(Self.widths.contains)
    else {
      throw LabError(
        "unknown head '\(name)'\(Suggestion.hint(for: name, in: Self.ladder.map(\.name))); "
          + "give linear, mlp-N with N from 1 to 65536 hidden units, mlp-NxD with up to 8 layers, or "
          + "mlp-A-B-C with a width for each layer", .usage)
    }
    hiddenSizes = sizes
  }

  /// "64" and "64x2".
  private static func repeated(_ shape: String) -> [Int]? {
    let parts = shape.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard let first = parts[0], parts.count <= 2, let depth = parts.count == 2 ? parts[1] : 1,
      depths.contains(depth)
    else { return nil }
    return Array(repeating: first, count: depth)
  }

  /// "256-128-64".
  private static func listed(_ shape: String) -> [Int]? {
    let parts = shape.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    return parts.contains(nil) ? nil : parts.compactMap { $0 }
  }

  /// "linear", "mlp-64", "mlp-64x2" or "mlp-256-128-64".
  package var name: String {
    guard let first = hiddenSizes.first else { return "linear" }
    guard hiddenSizes.allSatisfy({ $0 == first }) else {
      return "mlp-" + hiddenSizes.map(String.init).joined(separator: "-")
    }
    return hiddenSizes.count == 1 ? "mlp-\(first)" : "mlp-\(first)x\(hiddenSizes.count)"
  }

  /// Inputs and outputs of each linear map, first to last; the outputs of the last are logits.
  package func layers(inputWidth: Int) -> [(inputs: Int, outputs: Int)] {
    let widths = [inputWidth] + hiddenSizes + [outputs]
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
