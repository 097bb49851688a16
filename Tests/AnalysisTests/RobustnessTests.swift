import Analysis
import Foundation
import LabCore
import TestSupport
import Testing

/// Slopes of attacks: those that were planted, and those of the published runs.
@Suite struct RobustnessTests {
  /// GCG on classifiers of ten sizes, five seeds, ten iterations: the success rates and FLOPs an
  /// iteration that stand beside the code of arXiv 2407.18213 (github
  /// AlignmentResearch/robust-llm-2024), to five digits.
  private static func published(_ task: String) throws -> [AttackedModel] {
    let file = Repository.file("Tests/AnalysisTests/Fixtures/gcg-success.csv")
    let csv = try CSVTable(file).rows(where: "task", is: task)
    let (sizes, seeds) = (try csv.numbers("size"), try csv.numbers("seed"))
    let flops = try csv.numbers("flops")
    var points: [Double: [AttackedModel.Point]] = [:]
    for iteration in 1...10 {
      for (row, rate) in try csv.numbers("rate_\(iteration)").enumerated() {
        guard let size = sizes[row], let seed = seeds[row], let flops = flops[row], let rate
        else { continue }
        points[size, default: []].append(
          AttackedModel.Point(
            seed: Int(seed), iteration: Double(iteration), rate: rate, flops: flops))
      }
    }
    return points.map { AttackedModel(size: $0, points: $1) }.sorted { $0.size < $1.size }
  }

  /// Slopes to two decimals, slope of slopes, its R² and intervals, of the same rates by numpy:
  /// `polyfit`, the jackknife written out, t quantiles of 4 and 8 degrees of freedom.
  @Test(
    arguments: [
      (
        "imdb", [2.83, 2.66, 1.82, 1.56, 1.55, 1.65, 1.66, 1.73, 1.34, 1.13],
        [2.521675517479838, 3.1310772334591417],
        [-0.42652391328122113, -0.6329254868579094, -0.22012233970453288, 0.7394824733621876]
      ),
      (
        "spam", [2.14, 1.76, 2.05, 1.68, 1.74, 2.06, 1.74, 1.59, 1.79, 0.57],
        [1.8870123611038794, 2.383626437716538],
        [-0.2463770206231853, -0.5073105672603717, 0.01455652601400112, 0.37210083557747076]
      ),
    ])
  func publishedSlopes(
    task: String, slopes: [Double], first: [Double], line: [Double]
  ) throws {
    let models = try Self.published(task)
    let found = try models.map { try #require($0.slope()) }
    for (slope, expected) in zip(found, slopes) {
      #expect(abs(slope.value - expected) < 0.00501 && slope.count == 5)
    }
    let interval = try #require(found[0].interval)
    #expect(abs(interval.low - first[0]) < 1e-9 && abs(interval.high - first[1]) < 1e-9)
    let fitted = try #require(
      OffenceDefence.slopeOfSlopes(
        zip(models, found).map { (size: $0.size, slope: $1.value) }))
    let range = try #require(fitted.slope.interval)
    #expect(abs(fitted.slope.value - line[0]) < 1e-9)
    #expect(abs(range.low - line[1]) < 1e-9 && abs(range.high - line[2]) < 1e-9)
    #expect(abs(try #require(fitted.explained) - line[3]) < 1e-9)
  }

  /// 5 % of successes on IMDB at 353.8m: between the mean rates 0.028658 and 0.060468 of iterations
  /// 1 and 2.
  @Test func publishedTarget() throws {
    let model = try #require(try Self.published("imdb").first { $0.size == 353_824_768 })
    let found = try #require(model.iteration(reaching: 0.05))
    #expect(abs(found - (1 + (0.05 - 0.0286578) / (0.0604677 - 0.0286578))) < 1e-4)
    #expect(model.iteration(reaching: 0.49) == nil)
    let early = try #require(model.iteration(reaching: 0.01))
    #expect(abs(early - 0.01 / 0.0286578) < 1e-4)
  }

  private func planted(_ slope: Double, seeds: [Double], size: Double = 1e6) -> AttackedModel {
    let points = seeds.indices.flatMap { seed in
      (1...20).map { iteration in
        let odds = pow(10, slope * log10(Double(iteration)) - 1 + seeds[seed])
        return AttackedModel.Point(
          seed: seed, iteration: Double(iteration), rate: odds / (1 + odds), flops: 5)
      }
    }
    return AttackedModel(size: size, points: points)
  }

  /// A planted slope comes back whatever shifts the seeds; ends of infinite logit are dropped.
  @Test func plantedSlope() throws {
    let model = planted(1.25, seeds: [0, 0.3, -0.2])
    let slope = try #require(model.slope())
    #expect(abs(slope.value - 1.25) < 1e-12)
    #expect(try #require(slope.interval).width < 1e-9)
    let dead = (21...25).map {
      AttackedModel.Point(seed: 0, iteration: Double($0), rate: 1, flops: 5)
    }
    let start = AttackedModel.Point(seed: 0, iteration: 0, rate: 0, flops: 5)
    let more = AttackedModel(size: 1e6, points: [start] + model.points + dead)
    #expect(more.usedCount == 60 && more.points.count == 65)
    #expect(more.slope()?.value == slope.value)
    #expect(planted(1, seeds: [0]).slope()?.interval == nil)
    #expect(AttackedModel(size: 1, points: dead).slope() == nil)
  }

  /// The exponent that was planted, and who gains from it.
  @Test func plantedExponent() throws {
    func line(_ exponent: Double, noise: [Double]) -> OffenceDefence.Line? {
      OffenceDefence.exponent(
        noise.enumerated().map {
          let defence = pow(10, 9 + Double($0) / 2)
          return (defence: defence, attack: 3 * pow(defence, exponent) * $1)
        })
    }
    let exact = try #require(line(0.6, noise: [1, 1, 1, 1, 1]))
    #expect(abs(exact.slope.value - 0.6) < 1e-12 && (exact.explained ?? 0) > 1 - 1e-12)
    #expect(OffenceDefence.Side(exponent: exact.slope) == .offence)
    let rising = try #require(line(1.4, noise: [1, 1.1, 0.9, 1, 1.05]))
    #expect(OffenceDefence.Side(exponent: rising.slope) == .defence)
    let rough = try #require(line(0.9, noise: [1, 3, 0.4, 2, 0.7]))
    #expect(OffenceDefence.Side(exponent: rough.slope) == .undecided)
    let two = try #require(line(0.5, noise: [1, 1]))
    #expect(two.slope.interval == nil)
    #expect(OffenceDefence.Side(exponent: two.slope) == .undecided)
    #expect(line(0.5, noise: [1]) == nil)
  }
}
