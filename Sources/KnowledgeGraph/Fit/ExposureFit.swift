import Foundation

/// How often triples are presented.
enum ExposureFit {
  /// The likeliest of constant, Zipf and Pareto counts; nil where every triple is presented once.
  static func model(_ counts: [Int: Int]) -> ExposureModel? {
    guard let high = counts.keys.max(), let low = counts.keys.min(), high > 1 else { return nil }
    guard low < high, high <= 100_000 else { return .constant(min(high, 100_000)) }
    let observed = (1...high).map { Double(counts[$0] ?? 0) }
    let total = observed.reduce(0, +)
    let range = ExposureModel.range(min: low, max: high)
    let even = range.weights.map { $0 * total / Double(high - low + 1) }
    if ChiSquare.test(observed, expected: even, fitted: 0) >= 0.05 { return range }
    func likelihood(_ model: ExposureModel) -> Double {
      let weights = model.weights
      let sum = weights.reduce(0, +)
      return zip(observed, weights).reduce(0) {
        $0 + ($1.0 > 0 ? $1.0 * log(max(1e-300, $1.1 / sum)) : 0)
      }
    }
    let exponent = ObjectCountFit.zipfExponent(observed).rounded(digits: 4)
    let zipf = ExposureModel.zipf(exponent: exponent, max: high)
    let best = PeakSearch.maximum(in: 0.05...8) { likelihood(.pareto(shape: $0, max: high)) }
    return likelihood(zipf) >= best.value
      ? zipf : .pareto(shape: best.place.rounded(digits: 4), max: high)
  }
}
