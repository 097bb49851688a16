extension ModelConfiguration {
  /// Weights of one layer's matrix products.
  private var layerWeightCount: Int {
    let feedForward = activation == .swiglu ? 3 : 2
    return 4 * modelDimension * modelDimension
      + feedForward * modelDimension * feedForwardDimension
  }

  /// Floating-point operations of forward and backward for one token: 6 for each weight of a matrix
  /// product, read-out included, and 12 C for each key a token attends to in each layer.
  package func trainingFLOPsPerToken(meanAttendedLength: Double) -> Double {
    let weights = layerCount * layerWeightCount + vocabularySize * modelDimension
    return 6 * Double(weights) + 12 * Double(layerCount * modelDimension) * meanAttendedLength
  }

  /// Floating-point operations of writing `newTokens` tokens after a prompt, with a key-value
  /// cache.
  ///
  /// The prompt's tokens and all new ones but the last pass the layers: 2 for each weight, and 4 C
  /// for each key attended to. The read-out runs once for each new token.
  package func generationFLOPs(promptLength: Int, newTokens: Int) -> Double {
    guard newTokens > 0 else { return 0 }
    let tokens = promptLength + newTokens - 1
    let attended = Double(tokens) * Double(tokens + 1) / 2
    return 2 * Double(layerCount * layerWeightCount) * Double(tokens)
      + 4 * Double(layerCount * modelDimension) * attended
      + 2 * Double(vocabularySize * modelDimension) * Double(newTokens)
  }
}
