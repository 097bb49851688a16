import Analysis
import LabCore
import Testing

struct McNemarTests {
  /// `binomtest(min(b, c), b + c, 0.5).pvalue` and 2 cdf - pmf of `scipy.stats.binom`, SciPy
  /// 1.17.1.
  @Test(arguments: [
    (3, 12, 0.03515625, 0.02127075195312501),
    (25, 31, 0.5044037600228255, 0.42704285650325513),
    (0, 6, 0.03125, 0.015625),
    (1, 1, 1.0, 1.0),
    (140, 200, 0.0013410446705104107, 0.0011265351213234583),
    (2_000, 2_100, 0.12206497999113655, 0.11838393686129361),
  ])
  func equalsSciPy(onlyFirst: Int, onlySecond: Int, exact: Double, mid: Double) {
    let test = McNemar(both: 50, onlyFirst: onlyFirst, onlySecond: onlySecond, neither: 9)
    #expect(abs(test.exactProbability - exact) < 1e-11 * exact)
    #expect(abs(test.midProbability - mid) < 1e-11 * mid)
    let mirrored = McNemar(both: 0, onlyFirst: onlySecond, onlySecond: onlyFirst, neither: 0)
    #expect(mirrored.exactProbability == test.exactProbability)
    #expect(mirrored.midProbability == test.midProbability)
  }

  @Test func pairsAreCounted() {
    let test = McNemar([(true, true), (true, false), (false, true), (true, false), (false, false)])
    #expect(test == McNemar(both: 1, onlyFirst: 2, onlySecond: 1, neither: 1))
    #expect(test.count == 5)
    #expect(test.discordantCount == 3)
  }

  /// Two that never differ show no difference.
  @Test func noDifferenceHasProbabilityOne() {
    let test = McNemar(both: 5, onlyFirst: 0, onlySecond: 0, neither: 3)
    #expect(test.exactProbability == 1)
    #expect(test.midProbability == 1)
  }
}

struct PairedDifferenceTests {
  /// Against the normal interval of the mean of paired differences, which is narrow where pairs
  /// agree.
  @Test func equalsTheVarianceOfDifferences() throws {
    var stream = Seed(4).stream("test")
    let first = (0..<400).map { _ in stream.uniform() }
    let second = first.map { $0 + 0.1 + 0.05 * (stream.uniform() - 0.5) }
    let paired = try #require(
      Bootstrap(seed: Seed(1), replicates: 2_000).difference(
        first.map { ClusterSum($0, over: 1) }, second.map { ClusterSum($0, over: 1) }, stream: "t"))
    let differences = zip(first, second).map { $1 - $0 }
    let mean = try #require(Mean.of(differences))
    let error = try #require(Mean.standardDeviation(differences)) / 400.0.squareRoot()
    let interval = try #require(paired.difference.interval)
    #expect(abs(paired.difference.value - mean) < 1e-12)
    #expect(abs(interval.low - (mean - 1.96 * error)) < 0.2 * error)
    #expect(abs(interval.high - (mean + 1.96 * error)) < 0.2 * error)
    #expect(paired.probability == 2 / 2_001.0)
    // Unpaired, the spread of the values themselves would hide the difference's sign.
    #expect(try #require(Mean.standardDeviation(first)) > 100 * error)
  }

  @Test func equalMeasurementsDoNotDiffer() throws {
    let values = (0..<20).map { ClusterSum(Double($0), over: 2) }
    let paired = try #require(
      Bootstrap(seed: Seed(1), replicates: 100).difference(values, values, stream: "t"))
    #expect(paired.difference.value == 0)
    #expect(paired.difference.interval == Interval(low: 0, high: 0))
    #expect(paired.probability == 1)
    let single = try #require(
      Bootstrap(seed: Seed(1)).difference([values[3]], [values[5]], stream: "t"))
    #expect(single.difference.value == 1 && single.difference.interval == nil)
    #expect(single.probability == nil)
  }
}
