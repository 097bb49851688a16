import Compute
import Detection
import Foundation
import LabCore
import TestSupport
import Testing

/// Kernel inducing points against neural-tangents, differences and what planted data allow.
struct KernelDistillationTests {
  /// Fixtures/kip.json, which Fixtures/make_kip.py makes.
  private struct File: Decodable {
    let support: [[Double]]
    let targets: [[Double]]
    let supportTargets: [Double]
    let wanted: [Double]
    let loss: Double
    let pointGradient: [[Double]]
    let targetGradient: [Double]
    let solved: [Double]
    let solvedLoss: Double

    enum CodingKeys: String, CodingKey {
      case support, targets, loss
      case supportTargets = "y_support"
      case wanted = "y_target"
      case pointGradient = "gradient_x"
      case targetGradient = "gradient_y"
      case solved = "label_solve"
      case solvedLoss = "loss_label_solve"
    }
  }

  private func matrix(_ rows: [[Double]]) -> DenseMatrix {
    DenseMatrix(rows: rows.count, columns: rows[0].count, rows.flatMap(\.self))
  }

  @Test func lossGradientsAndSolvedTargetsAreThoseOfNeuralTangents() throws {
    let file = try Repository.fixture("kip.json", as: File.self)
    let distillation = KernelDistillation(
      NeuralKernel(.ntk, .relu, depth: 1), points: matrix(file.targets), targets: file.wanted)
    var support = KernelDistillation.Support(
      points: matrix(file.support), targets: file.supportTargets)
    let step = try distillation.step(support)
    #expect(abs(step.loss - file.loss) < 1e-9)
    for (own, expected) in zip(step.points.values, file.pointGradient.flatMap(\.self)) {
      #expect(abs(own - expected) < 1e-8)
    }
    for (own, expected) in zip(step.targets, file.targetGradient) {
      #expect(abs(own - expected) < 1e-8)
    }
    support.targets = try distillation.solvedTargets(support.points)
    for (own, expected) in zip(support.targets, file.solved) {
      #expect(abs(own - expected) < 1e-6)
    }
    #expect(abs(try distillation.step(support).loss - file.solvedLoss) < 1e-9)
  }

  @Test(arguments: [
    NeuralKernel(.ntk, .relu, depth: 3), NeuralKernel(.nngp, .relu, depth: 2),
  ]) func gradientsEqualDifferences(kernel: NeuralKernel) throws {
    var stream = Seed(5).stream("test/kip")
    func rows(_ count: Int) -> DenseMatrix {
      DenseMatrix(rows: count, columns: 4, (0..<(count * 4)).map { _ in stream.normal() })
    }
    let distillation = KernelDistillation(
      kernel, points: rows(12), targets: (0..<12).map { $0 % 2 == 0 ? 1 : -1 })
    let support = KernelDistillation.Support(points: rows(3), targets: [1, -1, 0.5])
    let step = try distillation.step(support)
    for place in 0..<12 {
      func loss(_ sign: Double) throws -> Double {
        var moved = support
        moved.points.values[place] += sign * 1e-5
        return try distillation.step(moved).loss
      }
      let numeric = (try loss(1) - loss(-1)) / 2e-5
      #expect(abs(numeric - step.points.values[place]) < 1e-6 * max(1, abs(numeric)), "\(place)")
    }
    for place in 0..<3 {
      func loss(_ sign: Double) throws -> Double {
        var moved = support
        moved.targets[place] += sign * 1e-5
        return try distillation.step(moved).loss
      }
      #expect(abs((try loss(1) - loss(-1)) / 2e-5 - step.targets[place]) < 1e-6)
    }
  }

  /// Two clouds on each side, so that a line does not part them: four learned points do better than
  /// as many drawn ones.
  @Test func fewPointsStandForMany() throws {
    var stream = Seed(2).stream("test/clouds")
    func clouds(_ count: Int) -> (rows: DenseMatrix, targets: [Double]) {
      var (values, targets): ([Double], [Double]) = ([], [])
      for index in 0..<count {
        let corner = index % 4
        values += [corner < 2 ? 1 : -1, corner % 2 == 0 ? 1 : -1, 0, 0].map {
          1.2 * Double($0) + stream.normal()
        }
        targets.append((corner < 2) == (corner % 2 == 0) ? 1 : -1)
      }
      return (DenseMatrix(rows: count, columns: 4, values), targets)
    }
    let (train, known, test) = (clouds(160), clouds(80), clouds(200))
    let regression = KernelRegression(
      NeuralKernel(.ntk, .relu, depth: 1), points: train.rows, targets: train.targets)
    func auroc(_ scores: [Double], _ targets: [Double]) throws -> Double {
      try ScoredExamples(
        scores: scores, labels: targets.map { $0 > 0 }, subjects: targets.indices.map(Int32.init)
      ).auroc()
    }
    func found(_ name: String) throws -> (auroc: Double, points: Int) {
      let head = try KernelHead(named: "ntk-relu-1-" + name)
      #expect(head.name == "ntk-relu-1-" + name && !head.isExact)
      var stream = Seed(1).stream("test/" + name)
      let best = try regression.distilled(
        try #require(head.distilled), others: known.rows, &stream
      ) { try auroc($0, known.targets) }
      #expect(
        abs(best.quality - (try auroc(best.machine.values(known.rows), known.targets))) < 1e-12)
      return (try auroc(best.machine.values(test.rows), test.targets), best.machine.points.rows)
    }
    let whole = try regression.best(others: known.rows) { try auroc($0, known.targets) }
    let all = try auroc(whole.machine.values(test.rows), test.targets)
    let (kip, random, centres) = (try found("kip-4"), try found("random-4"), try found("kmeans-4"))
    #expect(kip.points == 4 && random.points == 4 && centres.points == 4)
    #expect(all > 0.85 && kip.auroc > 0.5 + 0.9 * (all - 0.5), "\(kip) of \(all)")
    #expect(kip.auroc > random.auroc + 0.03, "\(kip) \(random)")
    // Centres of the four clouds are where the clouds are.
    #expect(centres.auroc > 0.5 + 0.9 * (all - 0.5))
    #expect(try found("solve-20").auroc > 0.8)
    // Drawn points are of both classes alike.
    var drawing = Seed(3).stream("test/drawn")
    let drawn = KernelDistillation(
      regression.kernel, points: train.rows, targets: train.targets
    ).drawn(6, &drawing)
    #expect(drawn.targets.reduce(0, +) == 0 && drawn.targets.count == 6)
  }

  @Test(arguments: [
    "ntk-erf-1-kip-10", "ntk-relu-1-kip-1", "ntk-relu-1-kip-1000", "ntk-relu-1-few-3",
  ])
  func namesThatCannotBeAreRefused(name: String) {
    expectFailure("-kip-M (of relu)") { _ = try KernelHead(named: name) }
  }
}
