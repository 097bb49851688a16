import LabCore

/// Numbers in [0, 1) that decide the draws of one query's completions at one temperature.
///
/// Each is a pure function of the seed, the query, the temperature, the sample and the step:
/// neither the number of workers nor which other queries or temperatures are asked changes it. The
/// mixing is SplitMix64's finaliser (Steele, Lea & Flood 2014), twice for each number.
package struct SampleUniforms: Sendable {
  private let key: UInt64

  /// `base` comes from `base(seed:)`.
  package init(base: UInt64, subject: Int32, predicate: Int32, temperature: Double) {
    let query =
      UInt64(UInt32(bitPattern: subject)) << 32 | UInt64(UInt32(bitPattern: predicate))
    key = Self.mix(Self.mix(base ^ query) ^ temperature.bitPattern)
  }

  /// The word all queries of an evaluation share.
  package static func base(seed: UInt64) -> UInt64 {
    var stream = Seed(seed).stream("evaluation/samples")
    return stream.next()
  }

  /// 24 random bits, so that every value is a single-precision number below 1.
  package func value(sample: Int, step: Int) -> Float {
    let counter = UInt64(sample) << 32 | UInt64(step)
    return Float(Self.mix(Self.mix(key ^ counter) &+ 0x9E37_79B9_7F4A_7C15) >> 40) * 0x1p-24
  }

  private static func mix(_ word: UInt64) -> UInt64 {
    var z = word &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
