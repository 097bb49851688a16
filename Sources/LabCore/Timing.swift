/// Seconds since it was made, by a clock that runs on whatever is done to the date.
package struct Stopwatch: Sendable {
  private let began = ContinuousClock.now

  package init() {}

  package var seconds: Double { (ContinuousClock.now - began) / .seconds(1) }
}

/// Times of one piece of work done again and again, in seconds.
package struct Timing: Sendable {
  package let seconds: [Double]

  package init(seconds: [Double]) { self.seconds = seconds }

  /// The middle time; of an even number of times the later of the two.
  package var median: Double { seconds.sorted()[seconds.count / 2] }

  /// Seconds that one call of `body` takes.
  package static func seconds(of body: () throws -> Void) rethrows -> Double {
    let watch = Stopwatch()
    try body()
    // A clock of coarse steps must not make any work free.
    return max(watch.seconds, 1e-9)
  }

  /// Repeats `body`, which returns the seconds that count, for `budget` seconds and at least
  /// `atLeast` times.
  ///
  /// Up to `warmUps` calls come first and are left out, fewer once they have taken the budget.
  package static func collect(
    for budget: Double, warmUps: Int = 1, atLeast: Int = 3, _ body: () throws -> Double
  ) rethrows -> Timing {
    let warming = Stopwatch()
    var left = warmUps
    while left > 0, left == warmUps || warming.seconds < budget {
      _ = try body()
      left -= 1
    }
    let watch = Stopwatch()
    var times: [Double] = []
    while times.count < max(atLeast, 1) || watch.seconds < budget { times.append(try body()) }
    return Timing(seconds: times)
  }
}

/// Speed of work that is counted in triples, look-ups or bytes.
package struct WorkRate: Codable, Hashable, Sendable {
  /// What was done, such as "generate".
  package let work: String
  /// What is counted, such as "triples".
  package let unit: String
  /// How many of them one repetition does.
  package let count: Int
  /// Median seconds of a repetition.
  package let seconds: Double
  package let repetitions: Int
  package let perSecond: Double
  /// Largest resident size of the process during the work.
  package let peakMemoryMiB: Double?

  enum CodingKeys: String, SnakeCaseKey {
    case work, unit, count, seconds, repetitions, perSecond
    case peakMemoryMiB = "peak_memory_mib"
  }

  /// Repeats `body` as `Timing.collect` does; it returns how many units it did.
  package static func measure(
    _ work: String, unit: String, for budget: Double, warmUps: Int = 0, atLeast: Int = 1,
    _ body: () throws -> Int
  ) rethrows -> WorkRate {
    ProcessMemory.resetPeak()
    var count = 0
    let timing = try Timing.collect(for: budget, warmUps: warmUps, atLeast: atLeast) {
      try Timing.seconds { count = try body() }
    }
    return WorkRate(
      work: work, unit: unit, count: count, seconds: timing.median,
      repetitions: timing.seconds.count, perSecond: Double(count) / timing.median,
      peakMemoryMiB: ProcessMemory.peakMiB)
  }
}
