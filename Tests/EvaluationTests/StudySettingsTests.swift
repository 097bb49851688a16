import Compute
import Evaluation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

struct StudySettingsTests {
  /// Settings of every sort.
  private struct Settings: StudySettings {
    var sizes: [Int] = []
    var samples = 4
    var isFast = false
    var limit: Int?
    var seed: UInt64 = 7
    var resamples = 100

    static let all: [StudySetting<Settings>] = [
      StudySetting("sizes", \.sizes, example: "[1, 2]") { try $0.distinctIntegers(in: 1...9) },
      StudySetting("samples", \.samples, in: 1...16),
      StudySetting("fast", \.isFast) { try $0.boolean() },
      StudySetting("limit", \.limit) { try $0.integer(in: 0...3) }, .seed(\.seed),
      .resamples(\.resamples, atLeast: 1),
    ]

    mutating func finish(_ node: SchemaNode) throws {
      guard !isFast || limit != nil else { throw node.failure("is fast without a limit") }
    }
  }

  private func settings(_ text: String) throws -> Settings {
    try Settings(study: SchemaNode.root(of: text, file: "s.yaml", examples: "experiments/"))
  }

  @Test func whatIsGivenGoesOverTheUsual() throws {
    let read = try settings("sizes: [2, 1]\nfast: true\nlimit: 3\nseed: 9\n")
    #expect(read.sizes == [2, 1] && read.isFast && read.limit == 3 && read.seed == 9)
    #expect(read.samples == 4 && read.resamples == 100)
  }

  @Test func namesAndRangesFollowFromTheList() {
    #expect(Settings.names == ["sizes", "samples", "fast", "limit", "seed", "resamples"])
    #expect(Settings.ranges.map(\.name) == ["samples", "resamples"])
    #expect(Settings.ranges.map(\.range) == [1...16, 1...1_000_000])
  }

  @Test(arguments: [
    ("sizes: 1\nsamples: 17\n", "s.yaml:2: samples must be between 1 and 16, not 17"),
    ("samples: 3\n", "s.yaml:1: has no sizes; add for example 'sizes: [1, 2]'"),
    ("sizes: 1\nfast: true\n", "s.yaml:1: is fast without a limit"),
    ("sizes: 1\nseed: -1\n", "s.yaml:2: seed must be at least 0, not -1"),
  ])
  func whatIsWrongIsNamedWithItsLine(text: String, words: String) throws {
    #expect(failure { try settings(text) } == words)
  }

  // MARK: Units

  /// Stopped in any unit, what was stored before stays, and the same call does the rest.
  @Test(arguments: [1, 3], [0, 4, 8, 9])
  func unitsGoOnWhereTheyWereStopped(workers: Int, stop: Int) throws {
    let pool = try WorkerPool(workerCount: workers)
    var stored: [Int] = []
    func run(until limit: Int) throws {
      try Work(workers: workers).inUnits(
        of: 10, from: stored.count, size: 4, "items, which are stored", on: pool
      ) { _, items -> [Int]? in
        items.contains(limit) ? nil : Array(items)
      } store: { unit in
        stored += unit
      }
    }
    let whole = stop / 4 * 4
    #expect(
      failure { try run(until: stop) }
        == "stopped after \(whole) of 10 items, which are stored; "
        + "run the same command again to continue")
    #expect(stored == Array(0..<whole))
    try run(until: 10)
    #expect(stored == Array(0..<10))
  }
}
