import Compute
import Foundation
import LabCore
import LanguageModel
import Testing
import Training

@Suite struct ConfigurationTests {
  /// As `kglab train --epochs 20` wrote it before there were other optimisers, schedules and
  /// horizons.
  private static let old = """
    {"beta1":0.9,"beta2":0.95,"clip_norm":1,"epochs":20,"epsilon":1e-08,"final_learning_rate_share":0.05,\
    "lanes":4,"learning_rate":0.0125,"precision":"fp32","tokens_per_step":128,"warm_up_share":0.05,\
    "weight_decay":0.1,"z_loss":0}
    """

  private func read(_ text: String) throws -> TrainingConfiguration {
    try JSONDecoder().decode(TrainingConfiguration.self, from: Data(text.utf8))
  }

  private func written(_ training: TrainingConfiguration) throws -> String {
    String(decoding: try CanonicalJSON.compact(training), as: UTF8.self)
  }

  /// Older runs are read, and the same settings are written as they were: hashes and ids stay.
  @Test func settingsOfOlderRunsKeepTheirBytes() throws {
    var training = TrainingConfiguration(epochs: 20, learningRate: 0.0125)
    training.tokensPerStep = 128
    #expect(try read(Self.old) == training)
    #expect(try written(training) == Self.old)
  }

  @Test func newSettingsAreWrittenWhereTheyDiffer() throws {
    var training = TrainingConfiguration(horizon: .steps(500), learningRate: 0.01)
    training.optimizer = .adamAtan2
    training.schedule = .wsd
    training.warmUpSteps = 25
    training.decayShare = 0.5
    training.weightDecayMode = .independent
    training.parameterization = .meanField
    training.alignment = .none
    training.baseWidth = 32
    let text = try written(training)
    for part in [
      #""steps":500"#, #""optimizer":"adam-atan2""#, #""schedule":"wsd""#, #""warm_up_steps":25"#,
      #""decay_share":0.5"#, #""weight_decay_mode":"independent""#,
      #""parameterization":"mean-field""#, #""alignment":"none""#, #""base_width":32"#,
    ] { #expect(text.contains(part), "\(part) in \(text)") }
    #expect(!text.contains("epochs"))
    #expect(try read(text) == training)
  }

  @Test(arguments: [Horizon.epochs(3), .steps(7), .tokens(5_000_000_000), .flops(2.5e15)])
  func horizonsSurviveJSON(horizon: Horizon) throws {
    let training = TrainingConfiguration(horizon: horizon, learningRate: 0.01)
    #expect(try read(try written(training)).horizon == horizon)
  }

  @Test func twoHorizonsOrNoneAreRefused() {
    let two = Self.old.replacingOccurrences(of: #""epochs":20"#, with: #""epochs":20,"steps":5"#)
    let none = Self.old.replacingOccurrences(of: #""epochs":20,"#, with: "")
    for text in [two, none] {
      #expect(throws: DecodingError.self) { try read(text) }
    }
  }

  @Test func impossibleValuesAreNamed() {
    func expectNamed(_ name: String, _ change: (inout TrainingConfiguration) -> Void) {
      var training = TrainingConfiguration(epochs: 1, learningRate: 0.01)
      change(&training)
      #expect { try training.validate() } throws: { "\($0)".hasPrefix("\(name) is ") }
    }
    expectNamed("decay_share") { $0.decayShare = 0 }
    expectNamed("warm_up_steps") { $0.warmUpSteps = -1 }
    expectNamed("base_width") { $0.baseWidth = 0 }
    expectNamed("steps") { $0.horizon = .steps(0) }
    expectNamed("tokens") { $0.horizon = .tokens(0) }
    expectNamed("flops") { $0.horizon = .flops(.infinity) }
    expectNamed("weight_decay") {
      $0.weightDecayMode = .independent
      $0.weightDecay = 1
    }
  }

  /// What is set is what is read, checked and written to run.json.
  @Test(arguments: TrainingOption.all.map(\.name))
  func optionsAreSetByTheirText(name: String) throws {
    let option = try #require(TrainingOption.all.first { $0.name == name })
    let texts =
      switch option.values {
      case .choice(let names): names.filter { $0 != "auto" }
      case .flag: ["true", "false"]
      case .integer(let range): ["\(range.lowerBound)", "\(range.upperBound)"]
      case .number: ["0.125"]
      }
    for text in texts {
      var request = TrainingRequest.usual
      option.set(text, in: &request)
      #expect(option.text(request) == text)
      request.training.learningRate = request.learningRate ?? 0.01
      request.training.weightDecay = request.weightDecay ?? 0.01
      try request.training.validate()
      #expect(try read(try written(request.training)) == request.training)
    }
  }

  @Test func precisionIsThatOfTheMachineWhereAutomatic() {
    #expect(PrecisionChoice.fp32.resolved() == .fp32 && PrecisionChoice.bf16.resolved() == .bf16)
    let expected: Precision = Device.cpu.supportsBF16 ? .bf16 : .fp32
    #expect(PrecisionChoice.auto.resolved() == expected)
    #expect(PrecisionChoice.auto.resolved(on: .reference) == .fp32)
  }
}
