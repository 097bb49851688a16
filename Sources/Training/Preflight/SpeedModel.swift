/// How long arithmetic takes, by a simple stated model: operations divided by a rate that grows
/// with the width.
///
/// The rate of one thread is `peakRate * C / (C + halfWidth)` floating-point operations a second
/// for a model of width C: narrow models spend their time outside matrix products. Both constants
/// fit the user time of `kglab train --workers 1` on an EPYC Zen 4 (docs/studies.md); a study
/// corrects them as it runs.
package enum SpeedModel {
  /// Floating-point operations a second of one thread on a very wide model.
  package static let peakRate = 110e9
  /// The width at which a thread reaches half of that.
  package static let halfWidth = 40.0
  /// Seconds that any task takes.
  package static let overheadSeconds = 0.05

  /// Seconds of one thread for some operations on a model.
  package static func seconds(flops: Double, modelDimension: Int) -> Double {
    let width = Double(modelDimension)
    return overheadSeconds + flops * (width + halfWidth) / (peakRate * width)
  }
}
