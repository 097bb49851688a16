import Detection
import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// Infinitely wide heads as detectors.
struct KernelDetectorTests {
  /// The label is whether two features have one sign: nothing to a linear head, all to one that
  /// bends.
  private func synthetic(shufflesLabels: Bool = false) throws -> SyntheticMaterial {
    try SyntheticMaterial(subjects: 100, perSubject: 4, shufflesLabels: shufflesLabels) {
      _, _, stream in
      let features = (0..<4).map { _ in Float(stream.normal()) }
      return (features[0] * features[1] > 0, features)
    }
  }

  private func detector(_ name: String, _ synthetic: SyntheticMaterial) throws -> KernelDetector {
    try KernelDetector(
      KernelHead(named: name), layer: .final, place: .last, of: synthetic.material.set,
      synthetic.material.features.configuration)
  }

  private func auroc(_ name: String, shufflesLabels: Bool = false) throws -> Double {
    let synthetic = try synthetic(shufflesLabels: shufflesLabels)
    let measured = try synthetic.measure([detector(name, synthetic)])
    return try #require(measured.detectors[0].result[.auroc]?.value)
  }

  @Test func kernelsBendWhereLinearHeadsDoNot() throws {
    let synthetic = try synthetic()
    let linear = try synthetic.measure([synthetic.head(.linear)]).detectors[0].result
    #expect(try abs(#require(linear[.auroc]?.value) - 0.5) < 0.2)
    for name in ["ntk-relu-1", "nngp-gelu-2", "ntk-tanh-1"] {
      #expect(try auroc(name) > 0.85, "\(name)")
    }
    // Of 80 test examples AUROC at chance has a standard deviation of about 0.065.
    #expect(try abs(auroc("ntk-relu-1", shufflesLabels: true) - 0.5) < 0.25)
  }

  @Test func landmarksSayHowGoodTheyAre() throws {
    let synthetic = try synthetic()
    func fitted(_ name: String) throws -> (auroc: Double, error: Double?) {
      let result = try synthetic.measure([detector(name, synthetic)]).detectors[0].result
      return (try #require(result[.auroc]?.value), result.training?.kernelError)
    }
    let (few, many) = (
      try fitted("ntk-relu-2-nystrom-10"), try fitted("ntk-relu-2-nystrom-120")
    )
    #expect(try fitted("ntk-relu-2").error == nil)
    #expect(try #require(few.error) > 2 * #require(many.error))
    #expect(many.auroc > 0.85)
  }

  /// The folder of a run's detector gives the scores that were measured, to the last bit.
  @Test(arguments: [
    "ntk-relu-1", "ntk-relu-1-nystrom-20", "ntk-relu-1-sketch-16", "ntk-relu-1-kip-4",
  ])
  func whatIsSavedScoresAsWhatWasMeasured(name: String) throws {
    let head = try KernelHead(named: name)
    let copy = try RunCopy()
    let options = DetectionOptions.linear { options in
      options.kinds = [.kernel]
      options.kernels = [head]
    }
    let runner = try DetectionRunner(run: copy.run, graph: copy.graph, options: options)
    let summary = try runner.run()
    let result = try #require(summary.detectors.first { $0.kind == .kernel })
    #expect(result.name == name && result.parameters == 0)
    let loaded = try DetectorFiles.load(from: copy.run.detector(result.folder)).detector
    let material = try #require(
      try runner.experiment().materials(cache: runner.featureCache()).first)
    let made = try KernelDetector(
      head, layer: .final, place: .last, of: material.set, material.features.configuration
    ).make(material)
    let model = try #require(loaded.model as? KernelReadOut)
    #expect(model.machine == (made.model as? KernelReadOut)?.machine)
    #expect(result.training?.distilled?.count == head.distilled?.count)
  }

  /// Drawn examples are themselves the nearest real ones.
  @Test func drawnExamplesAreDescribedAsThemselves() throws {
    let head = try KernelHead(named: "ntk-relu-1-random-6")
    let copy = try RunCopy()
    let options = DetectionOptions.linear { options in
      options.kinds = [.kernel]
      options.tasks = [.sentence]
      options.kernels = [head]
    }
    let runner = try DetectionRunner(run: copy.run, graph: copy.graph, options: options)
    let result = try #require(try runner.run().detectors.first { $0.kind == .kernel })
    let points = try #require(result.training?.distilled)
    #expect(points.count == 6)
    for point in points {
      #expect(abs(point.similarity - 1) < 1e-6 && point.size > 0)
      #expect((0...1).contains(point.logProbability) && (0...1).contains(point.popularity))
      #expect(copy.graph.predicates.contains { $0.name == point.predicate })
    }
    // Three of each verdict, or as many as there are.
    #expect(Set(points.map(\.isHallucination)).count == 2)
  }

  @Test func whatIsTooLargeIsRefusedWithWhatFits() throws {
    let head = KernelHead.limit
    #expect(head.refusal(train: 12_000, scored: 4_000, width: 64, memory: nil) == nil)
    let tooMany = try #require(head.refusal(train: 20_000, scored: 4_000, width: 64, memory: nil))
    #expect(
      tooMany.contains("would learn from 20000 examples")
        && tooMany.hasSuffix("give ntk-relu-1-nystrom-2000"))
    // 12,000 squared of 8 bytes, 96 MB of kernels with others for each 1,000 of them.
    let cost = head.cost(train: 12_000, scored: 1_000, width: 64)
    #expect(cost.bytes == 8 * (144_000_000 + 13_000 * 64 + 12_000_000))
    let tight = try #require(
      head.refusal(train: 12_000, scored: 1_000, width: 64, memory: 100_000_000))
    #expect(tight.hasSuffix("are free, so give ntk-relu-1-nystrom-1000"))
  }
}
