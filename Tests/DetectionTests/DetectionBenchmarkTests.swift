import Benchmarks
import Compute
import Detection
import Foundation
import TestSupport
import Testing

struct DetectionBenchmarkTests {
  @Test func measuresEveryWork() throws {
    let benchmark = DetectionBenchmark(rows: 300, width: 8, precisions: [.fp32, .bf16])
    let rows = try benchmark.run(seconds: 1e-6)
    let both = ["mlp-16, one epoch", "mlp-64, one epoch", "mlp-256, one epoch", "ladder"]
    #expect(rows.map(\.work) == ["linear"] + both + both)
    #expect(rows.dropFirst().map(\.precision) == both.map { _ in .fp32 } + both.map { _ in .bf16 })
    #expect(rows.allSatisfy { $0.seconds > 0 && $0.processorSeconds >= 0 && $0.rows == 300 })
    // Better than knowing nothing, log 2, and few iterations since they begin with a guess at the
    // Hessian.
    let linear = rows[0]
    #expect(try #require(linear.loss) < 0.65)
    #expect((1...15).contains(try #require(linear.passes)))
  }

  @Test func exportsTheSameFeatures() throws {
    let folder = try TemporaryFolder()
    let benchmark = DetectionBenchmark(rows: 100, width: 5)
    let (features, labels) = benchmark.data()
    #expect(features.count == 500 && Set(labels) == [true, false])
    try benchmark.export(to: folder.url)
    let bytes = try folder.data("features.f32")
    #expect(bytes.count == 2_000)
    #expect(
      Array(bytes.prefix(4))
        == (0..<4).map { UInt8(truncatingIfNeeded: features[0].bitPattern >> (8 * $0)) })
    let stored = try folder.data("labels.u8")
    #expect(stored.map { $0 == 1 } == labels)
  }

  /// Fewer rows than the guess at the Hessian would take.
  @Test(arguments: [20, 60, 129, 257])
  func linearHeadsLearnFromFewRows(rows: Int) throws {
    let data = DetectionBenchmark(rows: rows, width: 4).data()
    let toy = ToyExamples(width: 4, features: data.features, labels: data.labels)
    let head = try toy.head(.linear)
    #expect(head.report.validationLoss < 1 && head.parameters.count == 5)
  }
}
