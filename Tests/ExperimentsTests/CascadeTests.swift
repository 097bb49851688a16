import Evaluation
import Experiments
import KnowledgeGraph
import LabCore
import Testing

struct CascadeTests {
  /// Right or wrong of the small and the large model, with the score of the small one's answer.
  private typealias Case = (small: Bool, large: Bool, score: Double)

  private func cascade(_ cases: [Case]) -> Cascade {
    let queries = cases.enumerated().map { index, one in
      CascadedQuery(
        subject: Int32(index / 2), visibility: index % 3 == 2 ? .ivs : .fvs,
        small: .init(isHallucination: !one.small, flops: 10 + Double(index % 2)),
        large: .init(isHallucination: !one.large, flops: 100 + 10 * Double(index % 5)))
    }
    return Cascade(
      large: "10k", queries: queries, switches: [Switch("unsure", .score, cases.map(\.score))])
  }

  private func drawn(_ count: Int, seed: UInt64 = 1) -> [Case] {
    var stream = Seed(seed).stream("cases")
    return (0..<count).map { _ in
      // Scores that tie, and say something of the small model's errors.
      let isRight = stream.uniform() < 0.4
      let score = Double(Int(stream.uniform() * 4)) - (isRight ? 2 : 0)
      return (isRight, stream.uniform() < 0.7, score)
    }
  }

  private func curve(
    _ name: String, _ cases: [Case], _ set: QuerySet = .fvs
  ) -> [CascadePoint] {
    cascade(cases).points(set, resamples: 0, seed: Seed(0)).filter { $0.switch == name }
  }

  /// Tenths together are all that there is to gain, and those by the oracle's own scores are in
  /// order.
  @Test func tenthsAddUp() throws {
    let cases = drawn(600)
    let cascade = cascade(cases)
    let own = cascade.deciles(.fvs, resamples: 200, seed: Seed(0))
    #expect(own.map(\.decile) == Array(1...10))
    let points = curve("unsure", cases)
    let (first, last) = (try #require(points.first), try #require(points.last))
    #expect(abs(own.reduce(0) { $0 + $1.gain } / 10 - (first.rate - last.rate)) < 1e-9)
    #expect(abs(own.reduce(0) { $0 + $1.rate } / 10 - first.rate) < 1e-9)
    // The least certain tenth is what the first tenth deferred gains.
    let tenth = try #require(points.first { $0.share == 0.1 })
    #expect(abs(own[9].gain / 10 - (first.rate - tenth.rate)) < 1e-9)
    #expect(own.allSatisfy { ($0.lower ?? 1) <= $0.gain && $0.gain <= ($0.upper ?? -1) })
  }

  /// A tenth of which every query gains alike gains so in every resample, however many of its
  /// queries were drawn.
  @Test func intervalsOfTenthsAreOfTheirOwnQueries() {
    let cases: [Case] = (0..<600).map { (small: false, large: true, score: Double($0)) }
    let own = cascade(cases).deciles(.fvs, resamples: 200, seed: Seed(0))
    #expect(own.count == 10)
    #expect(own.allSatisfy { $0.gain == 1 && $0.rate == 1 && $0.lower == 1 && $0.upper == 1 })
    let plain = cascade(cases).deciles(.fvs, resamples: 0, seed: Seed(0))
    #expect(plain.map(\.gain) == own.map(\.gain) && plain.allSatisfy { $0.lower == nil })
  }

  /// Where all queries cost the same, FLOPs are shares; a switch that costs something begins later.
  @Test func areasOverComputeAreThoseOverShares() throws {
    let cases = drawn(60)
    let queries = cases.enumerated().map { index, one in
      CascadedQuery(
        subject: Int32(index / 2), visibility: .fvs,
        small: .init(isHallucination: !one.small, flops: 10),
        large: .init(isHallucination: !one.large, flops: 100))
    }
    let scores = cases.map(\.score)
    let costly = scores.map { _ in 20.0 }
    let points = Cascade(
      large: "10k", queries: queries,
      switches: [
        Switch("unsure", .score, scores), Switch("costly", .score, scores, flops: costly),
      ]
    ).points(.fvs, resamples: 0, seed: Seed(0))
    let areas = Cascade.areas(points)
    let compute = Cascade.compute(points)
    #expect(compute.map(\.switch) == ["random", "oracle", "unsure", "costly"])
    for index in 0..<3 {
      #expect(abs(compute[index].meanRate - areas[index].meanRate) < 1e-12)
      #expect(abs((compute[index].gain ?? 9) - (areas[index].gain ?? 8)) < 1e-9)
    }
    // A fifth of the way is spent before the first is deferred, and the last fifth is never
    // reached.
    let unsure = points.filter { $0.switch == "unsure" }.map(\.rate)
    let reached = zip(unsure, unsure.dropFirst()).prefix(16).reduce(0) { $0 + ($1.0 + $1.1) / 40 }
    #expect(abs(compute[3].meanRate - (0.2 * unsure[0] + reached)) < 1e-9)
  }

  /// Worked out by hand: of four queries the first is put right, the second spoilt, the others
  /// stay.
  @Test func fourQueries() throws {
    // Hallucinations and operations of both models.
    let answers: [(small: CascadedQuery.Answer, large: CascadedQuery.Answer)] = [
      (.init(isHallucination: true, flops: 10), .init(isHallucination: false, flops: 100)),
      (.init(isHallucination: false, flops: 10), .init(isHallucination: true, flops: 200)),
      (.init(isHallucination: true, flops: 20), .init(isHallucination: true, flops: 300)),
      (.init(isHallucination: false, flops: 20), .init(isHallucination: false, flops: 400)),
    ]
    let cascade = Cascade(
      large: "10k",
      queries: answers.enumerated().map { index, one in
        CascadedQuery(
          subject: Int32(index), visibility: .fvs, small: one.small, large: one.large)
      }, switches: [Switch("unsure", .score, [3, 2, 1, 0])])
    let points = cascade.points(.fvs, resamples: 50, seed: Seed(0))
    let curve = points.filter { $0.switch == "unsure" }
    #expect(curve.map(\.share) == Cascade.shares && curve.allSatisfy { $0.queryCount == 4 })
    let quarters = [0, 5, 10, 15, 20].map { curve[$0] }
    #expect(quarters.map(\.rate) == [0.5, 0.25, 0.5, 0.5, 0.5])
    #expect(quarters.map(\.meanFLOPs) == [15, 40, 90, 165, 265])
    // A fifth of the first query is deferred at 5 %.
    #expect(abs(curve[1].rate - 0.45) < 1e-12 && abs(curve[1].meanFLOPs - 20) < 1e-12)
    #expect(points.allSatisfy { ($0.lower ?? 1) <= $0.rate && $0.rate <= ($0.upper ?? 0) })
    let areas = Cascade.areas(points)
    #expect(areas.map(\.switch) == ["random", "oracle", "unsure"])
    #expect(zip(areas.map(\.meanRate), [0.5, 0.3125, 0.4375]).allSatisfy { abs($0 - $1) < 1e-12 })
    let gains = areas.compactMap(\.gain)
    #expect(zip(gains, [0, 1, 1.0 / 3]).allSatisfy { abs($0 - $1) < 1e-12 } && gains.count == 3)
    #expect(cascade.points(.ivs, resamples: 0, seed: Seed(0)).isEmpty)
  }

  @Test(arguments: QuerySet.allCases) func endsAreTheTwoModels(set: QuerySet) throws {
    let cases = drawn(90)
    let own = cases.enumerated().filter { set.contains($0.offset % 3 == 2 ? .ivs : .fvs) }
    for name in ["random", "oracle", "unsure"] {
      let curve = curve(name, cases, set)
      guard let first = curve.first, let last = curve.last else {
        #expect(own.isEmpty)
        continue
      }
      let count = Double(own.count)
      #expect(abs(first.rate - Double(own.count { !$0.element.small }) / count) < 1e-12)
      #expect(abs(last.rate - Double(own.count { !$0.element.large }) / count) < 1e-12)
    }
  }

  @Test func randomDeferralIsAStraightLine() throws {
    let curve = curve("random", drawn(90))
    let (first, last) = (try #require(curve.first), try #require(curve.last))
    for point in curve {
      #expect(abs(point.rate - first.rate - point.share * (last.rate - first.rate)) < 1e-12)
      let flops = first.meanFLOPs + point.share * (last.meanFLOPs - first.meanFLOPs)
      #expect(abs(point.meanFLOPs - flops) < 1e-9)
    }
  }

  /// Nor is it above random deferral; its slope is one hallucination for each query deferred, until
  /// all are mended.
  @Test(arguments: 1..<6) func noSwitchBeatsTheOracle(seed: UInt64) throws {
    let cases = drawn(90, seed: seed)
    let oracle = curve("oracle", cases)
    for name in ["random", "unsure"] {
      #expect(zip(oracle, curve(name, cases)).allSatisfy { $0.rate <= $1.rate + 1e-12 })
    }
    let (start, next) = (oracle[0], oracle[1])
    #expect(abs(start.rate - next.rate - next.share) < 1e-12)
  }

  @Test func equalModelsGainNothing() throws {
    let cases = drawn(90).map { ($0.small, $0.small, $0.score) }
    let points = cascade(cases).points(.fvs, resamples: 20, seed: Seed(0))
    #expect(points.allSatisfy { abs($0.rate - points[0].rate) < 1e-12 })
    #expect(Cascade.areas(points).allSatisfy { $0.gain == nil })
  }

  @Test func equalScoresAreDeferredInEqualParts() {
    let parts = Switch("unsure", .score, [1, 2, 1, 0]).deferral(of: 0.5)
    #expect(parts == [0.5, 1, 0.5, 0])
  }
}
