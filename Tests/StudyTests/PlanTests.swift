import Detection
import Evaluation
import Foundation
import LabCore
import LanguageModel
import Study
import TestSupport
import Testing
import Training

@Suite struct PlanTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(StudyText.schema, to: "town.yaml")
  }

  private func plan(_ text: String = StudyText.study, schema: String? = nil) throws -> StudyPlan {
    if let schema { try folder.write(schema, to: "town.yaml") }
    let file = try StudyFile.parse(text, file: "study.yaml", folder: folder.url)
    return try StudyRunner(file: file, folder: folder["out"]).plan
  }

  private func replaced(_ old: String, _ new: String) -> String {
    StudyText.study.replacingOccurrences(of: old, with: new)
  }

  @Test func countsAndOrder() throws {
    let plan = try plan(StudyText.study + "\ndetection: {epochs: [2], samples: 2}")
    #expect(plan.tasks.map(\.number) == Array(1...14))
    #expect(
      plan.tasks.map(\.name) == [
        "generate town", "train 3k, 1 epoch", "evaluate 3k, 1 epoch", "train 3k, 2 epochs",
        "evaluate 3k, 2 epochs", "detect 3k, 2 epochs", "train 6k, 1 epoch", "evaluate 6k, 1 epoch",
        "train 6k, 2 epochs", "evaluate 6k, 2 epochs", "detect 6k, 2 epochs", "train 10k, 1 epoch",
        "evaluate 10k, 1 epoch", "report",
      ])
    #expect(Set(plan.tasks.map(\.id)).count == 14)
  }

  @Test func everyTaskNeedsEarlierOnes() throws {
    let plan = try plan(StudyText.study + "\ndetection: {epochs: [2], samples: 2}")
    for (index, task) in plan.tasks.enumerated() {
      let earlier = plan.tasks[..<index].map(\.id)
      #expect((task.needs + task.follows).allSatisfy(earlier.contains))
    }
    let detect = try #require(plan.tasks(.detect).first)
    let evaluate = try #require(plan.tasks.first { $0.id == detect.follows.first })
    let train = try #require(plan.tasks.first { $0.id == evaluate.needs.first })
    #expect(detect.needs == [train.id])
    #expect([detect.kind, evaluate.kind, train.kind] == [.detect, .evaluate, .train])
    #expect(train.needs == [plan.tasks[0].id] && detect.runID == train.id)
    #expect(plan.tasks.last?.follows.count == 13)
  }

  /// A measure that reads a slot, or rules, is taken of the models that were trained with them.
  @Test func attacksAndTrapsAreOfModelsTrainedForThem() throws {
    let entries = """
      models:
        - {sizes: [3k], epochs: [1], training: {slot_share: 0.5, slot_length: 2}}
        - {sizes: [3k], epochs: [1], training: {rule_share: 0.2}}

      """
    let plan = try plan(
      replaced("models:\n", entries).replacing("tokens_per_step: 64", with: "tokens_per_step: 512")
        + "\nattack: {}\ntraps: {}")
    #expect(plan.tasks(.train).count == 7)
    for (kind, words) in [("attack", "slot"), ("traps", "rules")] {
      let names = plan.tasks.filter { $0.kind.rawValue == kind }.map(\.name)
      #expect(names.count == 1 && names.allSatisfy { $0.contains(words) }, "\(names)")
    }
  }

  /// Detectors that begin with a model of the study come after all trainings and need that model.
  @Test func pretrainedDetectorsNeedTheirModels() throws {
    let detection = "\ndetection: {epochs: [2], full: [3k-pretrained, own], samples: 2}"
    let plan = try plan(StudyText.study + detection)
    let training = try #require(plan.tasks.first { $0.name == "train 3k, 2 epochs" })
    let detections = plan.tasks(.detect)
    #expect(detections.map(\.name) == ["detect 3k, 2 epochs", "detect 6k, 2 epochs"])
    #expect(plan.tasks.suffix(3).map(\.kind) == [.detect, .detect, .report])
    #expect(detections.allSatisfy { $0.sources == [training.id] })
    #expect(detections[0].needs == [training.id])
    #expect(detections[1].needs == [try #require(detections[1].runID), training.id])
    let fresh = try self.plan(StudyText.study + detection.replacing("3k-pretrained", with: "3k"))
    #expect(fresh.tasks(.detect).allSatisfy { $0.sources == nil })
    #expect(Set(fresh.tasks(.detect).map(\.id)).isDisjoint(with: detections.map(\.id)))
  }

  /// A cascade needs the evaluations of both of its models, whose options are in its id.
  @Test func cascadesNeedBothEvaluations() throws {
    let cascade = "\ncascade: {defer_to: [10k], epochs: [1], sizes: [3k, 6k]}"
    let plan = try plan(StudyText.study + cascade)
    #expect(
      plan.tasks.suffix(3).map(\.name) == ["cascade 3k, 1 epoch", "cascade 6k, 1 epoch", "report"])
    func id(_ name: String) throws -> String {
      try #require(plan.tasks.first { $0.name == name }).id
    }
    let first = try #require(plan.tasks.first { $0.kind.rawValue == "cascade" })
    #expect(
      try first.needs
        == [
          "train 3k, 1 epoch", "train 10k, 1 epoch", "evaluate 3k, 1 epoch",
          "evaluate 10k, 1 epoch",
        ].map(id))
    // A model that defers to itself needs its own evaluation once.
    let all = try self.plan(StudyText.study + "\ncascade: {defer_to: [10k], epochs: [1]}")
    #expect(
      try all.tasks.last { $0.kind.rawValue == "cascade" }?.needs
        == [
          "train 10k, 1 epoch", "evaluate 10k, 1 epoch",
        ].map(id))
    let other = try self.plan(replaced("samples: 2", "samples: 3") + cascade)
    #expect(!other.tasks.map(\.id).contains(first.id))
    #expect(try self.plan().tasks(.evaluate) == plan.tasks(.evaluate))
    expectFailure("add 0 to evaluation's temperatures") {
      try self.plan(replaced("[0, 1]", "[1]") + cascade)
    }
    expectFailure("no model of size 30k") {
      try self.plan(StudyText.study + "\ncascade: {defer_to: [30k]}")
    }
  }

  /// A model that judges is needed once, also where a detector begins with it.
  @Test func judgesAreModelsOfTheStudy() throws {
    let detection = "{epochs: [2], full: [3k-pretrained], judges: [3k, 6k], samples: 2}"
    let plan = try plan(StudyText.study + "\ndetection: \(detection)")
    let models = try ["3k", "6k"].map { size in
      try #require(plan.tasks.first { $0.name == "train \(size), 2 epochs" }).id
    }
    #expect(plan.tasks(.detect).allSatisfy { $0.sources == models })
    // All are those that are trained alike: none of another number of epochs.
    let all = try self.plan(
      StudyText.study + "\ndetection: \(detection.replacing("[3k, 6k]", with: "all"))")
    #expect(all.tasks(.detect).map(\.sources) == plan.tasks(.detect).map(\.sources))
    #expect(all.tasks(.detect).map(\.id) == plan.tasks(.detect).map(\.id))
    for judges in ["[3k]", "all"] {
      expectFailure("score") {
        try self.plan(StudyText.study + "\ndetection: {judges: \(judges), kinds: [head]}")
      }
    }
  }

  @Test(arguments: ["full: [10k-pretrained]", "judges: [10k]"])
  func aModelThatIsNotOfTheStudyIsRefused(setting: String) throws {
    let text = StudyText.study + "\ndetection: {epochs: [2], \(setting), samples: 2}"
    expectFailure("no model of size 10k") { try plan(text) }
  }

  /// Before any model is trained, and only where heads read layers.
  @Test func aLayerThatNoModelHasIsRefused() throws {
    let detection = "\ndetection: {epochs: [2], layers: [final, 7], samples: 2}"
    expectFailure("3k, 2 epochs does not have: layer 7 is not there") {
      try plan(StudyText.study + detection)
    }
    let others = "\ndetection: {epochs: [2], kinds: [score], layers: [final, 7], samples: 2}"
    #expect(try plan(StudyText.study + others).tasks(.detect).count == 2)
  }

  @Test func idsAreStable() throws {
    #expect(try plan() == plan())
    // Words, order of keys, comments and workers change no result.
    let same = replaced("question: Does it work?", "question: What else? # a remark")
      .replacingOccurrences(of: "workers: 2", with: "workers: 1")
    #expect(try plan(same).tasks.map(\.id) == plan().tasks.map(\.id))
    let commented = "# a town\n" + StudyText.schema
    #expect(try plan(schema: commented).tasks.map(\.id) == plan().tasks.map(\.id))
  }

  private func changed(_ old: String, _ new: String) throws -> [TaskKind: Bool] {
    let before = try plan()
    let after = try plan(replaced(old, new))
    return Dictionary(
      uniqueKeysWithValues: [TaskKind.generate, .train, .evaluate].map { kind in
        (kind, Set(before.tasks(kind).map(\.id)).isDisjoint(with: after.tasks(kind).map(\.id)))
      })
  }

  @Test func idsFollowTheConfiguration() throws {
    #expect(
      try changed("seed: 7", "seed: 8") == [.generate: true, .train: true, .evaluate: true])
    #expect(
      try changed("tokens_per_step: 64", "tokens_per_step: 128")
        == [.generate: false, .train: true, .evaluate: true])
    #expect(
      try changed("samples: 2", "samples: 3")
        == [.generate: false, .train: false, .evaluate: true])
  }

  /// Options that a study does not use are not in what its ids are hashes of.
  @Test func optionsNotUsedAreInNoID() throws {
    let settings = try String(
      decoding: CanonicalJSON.compact(plan().measures.evaluation), as: UTF8.self)
    for key in ["top_k", "top_p", "candidates", "phrasing"] {
      #expect(!settings.contains(key), "\(settings)")
    }
    for line in ["top_k: 5", "top_p: 0.5", "candidates: 3"] {
      #expect(
        try changed("temperatures: [0, 1]", "temperatures: [0, 1]\n  \(line)")
          == [.generate: false, .train: false, .evaluate: true], "\(line)")
    }
    let plain = try #require(plan().tasks(.evaluate).first)
    let ranked = try #require(
      plan(replaced("temperatures: [0, 1]", "temperatures: [0, 1]\n  candidates: 3")).tasks(
        .evaluate
      ).first)
    #expect(ranked.cost.flops > plain.cost.flops)
  }

  @Test func aNewModelLeavesTheOthersAlone() throws {
    let before = try plan()
    let after = try plan(replaced("sizes: [10k]", "sizes: [10k, 20k]"))
    let ids = Set(after.tasks.map(\.id))
    #expect(before.tasks.filter { $0.kind != .report }.allSatisfy { ids.contains($0.id) })
    #expect(after.tasks.count == before.tasks.count + 2)
  }

  @Test func costsAreThoseOfTheResolvedRun() throws {
    let plan = try plan()
    let trainings = plan.tasks(.train)
    for task in trainings {
      let run = try #require(task.run)
      #expect(task.cost.flops == run.trainingFLOPs && task.cost.flops > 0)
      let width = run.configuration.model.modelDimension
      #expect(
        task.cost.seconds == SpeedModel.seconds(flops: run.trainingFLOPs, modelDimension: width))
    }
    // Twice the epochs, twice the operations.
    #expect(trainings[1].cost.flops == 2 * trainings[0].cost.flops)
    #expect(plan.total.flops == plan.tasks.reduce(0) { $0 + $1.cost.flops })
    #expect(
      plan.table(workers: 2, sideBySide: 2).split(separator: "\n").count == plan.tasks.count + 2)
  }

  @Test func aStudyThatCannotFitIsRefusedWithTheNumbers() throws {
    let plan = try plan()
    let one = plan.peakMemoryMiB(sideBySide: 1)
    let two = plan.peakMemoryMiB(sideBySide: 2)
    #expect(one == plan.total.memoryMiB && two > one && two < 2 * one)
    #expect(plan.peakDiskBytes(sideBySide: 1) > plan.total.diskBytes)
    let out = folder["out"]
    func machine(_ memory: Double, _ disk: Double) -> MachineResources {
      MachineResources(
        memory: .init(bytes: Int(memory), source: "a test"), freeDisk: { _ in Int(disk) })
    }
    let enough = 1e12
    try plan.check(machine(enough, enough), folder: out, sideBySide: 2)
    let mebi = 1_048_576.0
    try plan.check(machine((one + 0.1) * mebi, enough), folder: out, sideBySide: 1)
    expectFailure("with 2 tasks at once", status: .failure) {
      try plan.check(machine((one + 0.1) * mebi, enough), folder: out, sideBySide: 2)
    }
    expectFailure("on disk in") {
      try plan.check(
        machine(enough, plan.peakDiskBytes(sideBySide: 1) - 1), folder: out, sideBySide: 1)
    }
    // A run refuses before it writes anything.
    let file = try StudyFile.parse(StudyText.study, file: "study.yaml", folder: folder.url)
    var options = StudyRunOptions()
    options.resources = machine(1, enough)
    #expect(throws: LabError.self) { try StudyRunner(file: file, folder: out).run(options) }
    #expect(!FileManager.default.fileExists(atPath: out.path))
  }

  @Test func statesWhatTheGraphHolds() throws {
    let graph = try plan().graphs[0]
    #expect(graph.tripleCount == 24 * 3 && graph.queryCount == 48)
    #expect(graph.trainedTripleCount < graph.tripleCount && graph.pvsCount > 0)
    let guess = try #require(graph.guessRate)
    #expect(guess > 0.1 && guess < 0.9)
  }

  @Test func survivesJSON() throws {
    let plan = try plan(StudyText.study + "\ndetection: {epochs: [2]}")
    let data = try CanonicalJSON.pretty(plan)
    #expect(try JSONDecoder().decode(StudyPlan.self, from: data) == plan)
  }

  @Test func seedsShareAConfigurationButNotAnID() throws {
    let plan = try plan(replaced("epochs: [1, 2]", "epochs: [1]\n    seeds: [0, 1]"))
    let names = plan.tasks(.train).map(\.name)
    #expect(names.prefix(2) == ["train 3k, 1 epoch, seed 0", "train 3k, 1 epoch, seed 1"])
    #expect(Set(plan.tasks(.train).map(\.id)).count == names.count)
  }
}
