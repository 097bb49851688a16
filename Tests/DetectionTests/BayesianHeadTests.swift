import Compute
import Corpus
import Detection
import Foundation
import LabCore
import TestSupport
import Testing
import Training

/// Posteriors of heads against published code, exact Gaussian ones, and each other.
struct BayesianHeadTests {
  /// Fixtures/repriorisation.json, which Fixtures/make_repriorisation.py makes.
  private struct File: Decodable {
    struct Values: Decodable {
      let energy: Double
      let gradient: [Double]
      let theta: [Double]?
    }
    let x: [[Double]]
    let y: [Double]
    let width: Int
    let noise: Double
    let phi: [Double]
    let plain: Values
    let repriorised: Values
  }

  private let file: File
  private let rows: DenseMatrix

  init() throws {
    file = try Repository.fixture("repriorisation.json", as: File.self)
    rows = DenseMatrix(rows: file.x.count, columns: 8, file.x.flatMap(\.self))
  }

  /// The file has weights by input, then unit; the network by unit, then input.
  private func reordered(_ values: [Double]) -> [Double] {
    let weights = DenseMatrix(rows: 8, columns: file.width, Array(values[..<(8 * file.width)]))
    return weights.transposed.values + values[(8 * file.width)...]
  }

  private func posterior(
    _ width: Int, isRepriorised: Bool, noise: Double? = nil, byRows: Bool? = nil
  ) -> BayesianPosterior {
    BayesianPosterior(
      BayesianNetwork(width: width, inputs: 8), rows: rows, targets: file.y,
      noise: noise ?? file.noise, isRepriorised: isRepriorised, byRows: byRows)
  }

  @Test(arguments: [true, false]) func energiesAreThoseOfThePublishedCode(isRepriorised: Bool)
    throws
  {
    let expected = isRepriorised ? file.repriorised : file.plain
    let point = try #require(
      posterior(file.width, isRepriorised: isRepriorised, byRows: false)
        .point(reordered(file.phi)))
    #expect(abs(point.energy / expected.energy - 1) < 1e-9)
    let largest = expected.gradient.map(abs).max() ?? 1
    for (own, value) in zip(point.gradient, reordered(expected.gradient)) {
      #expect(abs(own - value) < 1e-8 * largest)
    }
    for (own, value) in zip(point.parameters, reordered(expected.theta ?? file.phi)) {
      #expect(abs(own - value) < 1e-8)
    }
  }

  /// A matrix of examples or one of units: the same energy and gradient, and a read-out as far from
  /// the mean in units of the posterior's own covariance, so that its density without
  /// repriorisation is the same.
  @Test(arguments: [6, 40]) func bothMatricesGiveOnePosterior(width: Int) throws {
    func posterior(_ isRepriorised: Bool, byRows: Bool) -> BayesianPosterior {
      self.posterior(width, isRepriorised: isRepriorised, noise: 0.3, byRows: byRows)
    }
    var stream = Seed(7).stream("test/matrices")
    let place = (0..<(10 * width + 1)).map { _ in stream.normal() }
    let units = try #require(posterior(true, byRows: false).point(place))
    let examples = try #require(posterior(true, byRows: true).point(place))
    #expect(abs(examples.energy - units.energy) < 1e-9 * abs(units.energy))
    let largest = units.gradient.map(abs).max() ?? 1
    for (a, b) in zip(examples.gradient, units.gradient) { #expect(abs(a - b) < 1e-9 * largest) }
    let plain = posterior(false, byRows: false)
    let energies = try [units, examples].map { try #require(plain.point($0.parameters)).energy }
    #expect(abs(energies[0] - energies[1]) < 1e-8 * abs(energies[0]))
    #expect(examples.parameters != units.parameters)
  }

  private func sample(
    _ width: Int, isRepriorised: Bool, noise: Double = 0.5, steps: Int
  ) throws -> (mean: [Double], report: ChainReport) {
    let posterior = posterior(width, isRepriorised: isRepriorised, noise: noise)
    let sample = try PosteriorSample(
      posterior, probes: probes, seed: Seed(4), stream: "test/bayes", warmUp: 300, steps: steps,
      on: WorkerPool(workerCount: 2))
    #expect(sample.draws.count == 100)
    var mean = [Double](repeating: 0, count: probes.rows)
    for draw in sample.draws {
      for (place, value) in posterior.network.values(draw, probes).enumerated() {
        mean[place] += value / Double(sample.draws.count)
      }
    }
    return (mean, sample.report)
  }

  /// Points seen, and between them.
  private var probes: DenseMatrix {
    var between = rows
    for row in 0..<rows.rows {
      for column in 0..<8 {
        between[row, column] = 0.5 * (rows[row, column] + rows[(row + 1) % rows.rows, column])
      }
    }
    return DenseMatrix(rows: 2 * rows.rows, columns: 8, rows.values + between.values)
  }

  /// Both spaces have one posterior.
  @Test func bothParameterisationsAgree() throws {
    let (plain, repriorised) = (
      try sample(6, isRepriorised: false, steps: 1_500),
      try sample(6, isRepriorised: true, steps: 1_500)
    )
    #expect(repriorised.report.rHat < 1.1 && plain.report.rHat < 1.3)
    #expect(abs(repriorised.report.acceptance - LangevinChain.acceptance) < 0.12)
    for (a, b) in zip(plain.mean, repriorised.mean) { #expect(abs(a - b) < 0.3) }
  }

  /// Of one hidden unit the posterior is known by quadrature: Fixtures/posterior.json, which
  /// make_posterior.py makes.
  @Test(arguments: [true, false]) func smallPosteriorsAreThoseOfQuadrature(isRepriorised: Bool)
    throws
  {
    struct Known: Decodable {
      let x: [Double]
      let y: [Double]
      let asked: [Double]
      let noise: Double
      let mean: [Double]
      let deviation: [Double]
    }
    let known = try Repository.fixture("posterior.json", as: Known.self)
    func column(_ values: [Double]) -> DenseMatrix {
      DenseMatrix(rows: values.count, columns: 1, values)
    }
    let posterior = BayesianPosterior(
      BayesianNetwork(width: 1, inputs: 1), rows: column(known.x), targets: known.y,
      noise: known.noise, isRepriorised: isRepriorised)
    var values = [[Double]](repeating: [], count: known.asked.count)
    for number in 0..<4 {
      var chain = try #require(
        LangevinChain(posterior, stream: Seed(5).stream("test/quadrature/\(number)")))
      for step in 0..<11_000 {
        if step == 1_000 { chain.settle() }
        chain.advance()
        guard step >= 1_000 else { continue }
        for (place, value) in posterior.network.values(
          chain.point.parameters, column(known.asked)
        ).enumerated() {
          values[place].append(value)
        }
      }
    }
    for (place, own) in values.enumerated() {
      let mean = own.reduce(0, +) / Double(own.count)
      let square = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(own.count)
      // Some thousand effective draws: a tenth of the deviation is three standard errors and more.
      #expect(abs(mean - known.mean[place]) < 0.1 * known.deviation[place], "\(place) \(mean)")
      #expect(abs(square.squareRoot() / known.deviation[place] - 1) < 0.1, "\(place) \(square)")
    }
  }

  /// Of targets with noise of 0.6 about a smooth function the likeliest noise is near that.
  @Test func noiseIsFoundFromTheTargets() {
    var stream = Seed(6).stream("test/noise")
    let rows = DenseMatrix(rows: 200, columns: 3, (0..<600).map { _ in stream.normal() })
    let targets = (0..<200).map { tanh(rows[$0, 0] - rows[$0, 1]) + 0.6 * stream.normal() }
    let network = BayesianNetwork(width: 8, inputs: 3)
    #expect(abs(network.likeliestNoise(rows, targets) - 0.6) < 0.11)
    #expect(network.likeliestNoise(rows, (0..<200).map { rows[$0, 2] }) == 0.3)
  }

  /// Where the noise is small the repriorised posterior is got through in fewer steps.
  @Test func repriorisedChainsMixFaster() throws {
    let (plain, repriorised) = (
      try sample(12, isRepriorised: false, noise: 0.1, steps: 500).report,
      try sample(12, isRepriorised: true, noise: 0.1, steps: 500).report
    )
    #expect(
      repriorised.effectivePerGradient > 2 * plain.effectivePerGradient,
      "\(repriorised) \(plain)")
  }

  /// A wide network's posterior is the Gaussian process's, whose mean is known in closed form.
  @Test func wideNetworksAreGaussianProcesses() throws {
    let kernel = NeuralKernel(.nngp, .gelu, depth: 1)
    // The read-out's weights have variance 1 here, and 2 in the kernel.
    func halved(_ matrix: DenseMatrix) -> DenseMatrix {
      DenseMatrix(
        rows: matrix.rows, columns: matrix.columns,
        matrix.values.map { 0.5 * ($0 - 0.01) + 0.01 })
    }
    let (seen, asked) = (kernel.points(rows), kernel.points(probes))
    var matrix = CholeskyMatrix(halved(kernel.gram(seen)))
    let isFactored = matrix.factor(ridge: 0.25)
    #expect(isFactored)
    let mean = halved(kernel.cross(asked, seen)).times(matrix.solve(file.y))
    let wide = try sample(48, isRepriorised: true, steps: 250)
    #expect(wide.report.rHat < 1.2)
    for (a, b) in zip(wide.mean, mean) { #expect(abs(a - b) < 0.25, "\(a) \(b)") }
    let spread = (mean.max() ?? 0) - (mean.min() ?? 0)
    #expect(spread > 1)
  }

  // MARK: Detectors

  private func synthetic() throws -> SyntheticMaterial {
    try SyntheticMaterial(subjects: 100, perSubject: 4) { _, _, stream in
      let features = (0..<4).map { _ in Float(stream.normal()) }
      return (features[0] * features[1] > 0, features)
    }
  }

  private func detector(_ name: String, _ synthetic: SyntheticMaterial) throws -> BayesianDetector {
    try BayesianDetector(
      BayesianHead(named: name), layer: .final, place: .last, of: synthetic.material.set,
      synthetic.material.features.configuration)
  }

  @Test func ensemblesAreMeansOfTrainings() throws {
    let synthetic = try synthetic()
    let measured = try synthetic.measure([detector("ensemble-8-3", synthetic)]).detectors[0]
    #expect(measured.result.parameters == 3 * (5 * 8 + 9) && measured.trained == nil)
    #expect(try #require(measured.result[.auroc]?.value) > 0.7)
    #expect(measured.scores.allSatisfy { (0...1).contains($0) })
  }

  /// The folder of a run's detector gives the scores that were measured.
  @Test func whatIsSavedScoresAsWhatWasMeasured() throws {
    let copy = try RunCopy()
    let head = try BayesianHead(named: "bayes-4-on-50")
    let options = DetectionOptions.linear { options in
      options.kinds = [.bayes]
      options.bayesian = [head]
      options.tasks = [.sentence]
      options.samples = 1
    }
    let runner = try DetectionRunner(run: copy.run, graph: copy.graph, options: options)
    let result = try #require(try runner.run().detectors.first { $0.kind == .bayes })
    guard result.unmeasured == nil else {
      // Chains that have not mixed give no number, and nothing is saved.
      #expect(result.unmeasured?.contains("have not mixed after 4000 steps (R-hat") == true)
      #expect(result.metrics.isEmpty && result.folder == nil)
      #expect(result.unmixedChains?.hasMixed == false)
      return
    }
    let chains = try #require(result.training?.chains)
    #expect(chains.rHat <= PosteriorSample.mixedRHat && chains.effectivePerGradient > 0)
    let loaded = try DetectorFiles.load(from: copy.run.detector(result.folder)).detector
    let material = try #require(
      try runner.experiment().materials(cache: runner.featureCache()).first)
    let text = try TripleText(graph: copy.graph, tokenizer: copy.run.tokenizer)
    let rows = material.rows(.test)
    let scored = try ScoredExamples(
      scores: loaded.scores(rows, of: material, text: text),
      labels: rows.map { material.set.examples[$0].isHallucination },
      subjects: rows.map { material.set.examples[$0].subject })
    #expect(abs(try scored.auroc() - #require(result[.auroc]?.value)) < 1e-12)
    #expect((loaded.model as? BayesianReadOut)?.draws.count == 100)
  }

  @Test func namesSayHowManyExamples() throws {
    for name in ["bayes-8", "bayes-8-plain", "bayes-8-on-250", "bayes-8-plain-on-250"] {
      #expect(try BayesianHead(named: name).name == name)
    }
    #expect(try BayesianHead(named: "bayes-8-plain-on-250").exampleCount == 250)
    #expect(try BayesianHead(named: "bayes-8-on-1000") == BayesianHead(named: "bayes-8"))
  }

  /// Chains that have not mixed give no number, but say how far they are from it.
  @Test func unmixedChainsAreReportedWithoutNumbers() throws {
    let report = ChainReport(rHat: 1.8, effectivePerGradient: 0.001, acceptance: 0.9, step: 0.1)
    struct Unmixed: DetectorRecipe {
      let kind = DetectorKind.bayes
      let name = "bayes-8"
      let report: ChainReport
      func make(_ material: DetectorMaterial) throws -> FittedDetector {
        throw DetectionError.unmixed(name: name, report)
      }
    }
    let result = try synthetic().measure([Unmixed(report: report)]).detectors[0].result
    #expect(result.metrics.isEmpty && result.unmixedChains == report && !report.hasMixed)
    #expect(result.unmeasured?.contains("bayes-8: the chains") == true)
    #expect(result.unmeasured?.contains("(R-hat 1.80, and at most 1.1 counts") == true)
  }

  @Test(arguments: [
    "bayes-64-on-10", "ensemble-8-5-on-100", "bayes", "bayes-2", "bayes-64-other", "ensemble-64",
    "ensemble-64-1", "mlp-64",
  ])
  func namesThatCannotBeAreRefused(name: String) {
    expectFailure("unknown Bayesian head '\(name)'") { _ = try BayesianHead(named: name) }
  }
}
