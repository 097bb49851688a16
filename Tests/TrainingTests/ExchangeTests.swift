import Compute
import Corpus
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

/// A run on the tiny graph, and folders beside it.
private struct Place {
  let folder: TemporaryFolder
  let graph = SmallGraph.people(60)

  init() throws { folder = try TemporaryFolder() }

  subscript(_ name: String) -> URL {
    folder.url.appendingPathComponent(name, isDirectory: true).standardizedFileURL
  }

  /// Where the graph would be; tests pass its content.
  var graphFile: URL { folder["graph.sqlite"] }

  @discardableResult
  func train(
    _ name: String = "run", stopAfter steps: Int? = nil,
    _ change: (inout TrainingRequest, inout RuntimeOptions) -> Void = { _, _ in }
  ) throws -> RunRecord? {
    do {
      return try trainTiny(into: self[name]) { request, options in
        if let steps { options.shouldStop = stopping(after: steps) }
        change(&request, &options)
      }
    } catch let error as LabError where error.exitStatus == .interrupted {
      return nil
    }
  }

  func data(_ path: String) throws -> Data { try folder.data(path) }

  func edit(_ path: String, _ change: (inout [String: Any]) -> Void) throws {
    try folder.edit(path, change)
  }
}

struct ExportTests {
  private let place: Place

  init() throws { place = try Place() }

  @Test func anExportHasTheRunsWeightsAndTokenizer() throws {
    let run = try #require(try place.train())
    let record = try ModelExport.write(place["run"], to: place["export"])
    #expect(record.step == run.stepCount)
    #expect(record.weightsHash == run.weightsHash)
    #expect(record.architecture == "Qwen3ForCausalLM")
    let names = try FileManager.default.contentsOfDirectory(atPath: place["export"].path)
    #expect(names.sorted() == ModelExport.files.sorted())
    for name in ModelExport.files where name != ExportRecord.name {
      #expect(try place.data("export/\(name)") == place.data("run/\(name)"), "\(name)")
    }
    // The ids in both configuration files are the tokenizer's own.
    for name in ["config.json", "generation_config.json"] {
      let object = try jsonObject(place.data("export/\(name)"))
      #expect(object["bos_token_id"] as? Int32 == SpecialToken.subject.rawValue)
      #expect(object["eos_token_id"] as? Int32 == SpecialToken.end.rawValue)
      #expect(object["pad_token_id"] as? Int32 == SpecialToken.padding.rawValue)
    }
  }

  @Test func anEarlierExportIsReplacedAndNothingElse() throws {
    try place.train()
    _ = try ModelExport.write(place["run"], to: place["export"])
    _ = try ModelExport.write(place["run"], source: .step(0), to: place["export"])
    let replaced = try place.data("export/model.safetensors")
    #expect(try replaced != place.data("run/model.safetensors"))
    // Somebody else's model folder has files of the same names, but no kglab.json.
    try FileManager.default.removeItem(at: place["export"].appendingPathComponent("kglab.json"))
    expectFailure("export is not empty and is no earlier export (it has 'config.json')") {
      try ModelExport.write(place["run"], to: place["export"])
    }
    expectFailure("(it has 'metrics.jsonl')") {
      try ModelExport.write(place["run"], to: place["run"])
    }
    #expect(try place.data("export/model.safetensors") == replaced)
  }

  @Test func geluModelsAreRefusedWithTheReason() throws {
    try place.train { request, _ in request.activation = .gelu }
    expectFailure("no Hugging Face class matches its gelu feed-forward block") {
      try ModelExport.write(place["run"], to: place["export"])
    }
    #expect(!FileManager.default.fileExists(atPath: place["export"].path))
  }

  /// Step 0 is made again from the seed: no training is needed, and none changes it.
  @Test func theInitialModelIsAlwaysThere() throws {
    try place.train("short", stopAfter: 2)
    try place.train("whole")
    let records = try ["short", "whole"].map {
      try ModelExport.write(place[$0], source: .step(0), to: place["\($0)-export"])
    }
    #expect(records[0].step == 0)
    #expect(records[0].weightsHash == records[1].weightsHash)
    let values = try ModelFiles.values(
      records[0].run.configuration.model, from: place["short-export"])
    #expect(
      values
        == ParameterLayout(records[0].run.configuration.model)
        .initialValues(seed: Seed(0).derived("initial")))
  }

  @Test func anUnfinishedRunIsExportedFromItsCheckpointOnly() throws {
    try place.train(stopAfter: 5)
    expectFailure("has not finished its", "--checkpoint newest") {
      try ModelExport.write(place["run"], to: place["export"])
    }
    let newest = try ModelExport.write(place["run"], source: .newest, to: place["export"])
    #expect(newest.step == 5)
    let checkpoint = "run/checkpoints/step-000000005/model.safetensors"
    #expect(try place.data("export/model.safetensors") == place.data(checkpoint))
    expectFailure("no checkpoint of step 3; it has the steps 0 (the initial model), 5") {
      try ModelExport.write(place["run"], source: .step(3), to: place["export"])
    }
    try place.data(checkpoint).dropLast(9)
      .write(to: place.folder.url.appendingPathComponent(checkpoint))
    expectFailure("step-000000005/model.safetensors is truncated or altered") {
      try ModelExport.write(place["run"], source: .newest, to: place["export"])
    }
  }

  @Test func alteredWeightsAreNotExported() throws {
    try place.train()
    var bytes = try place.data("run/model.safetensors")
    bytes[bytes.count - 1] ^= 1
    try bytes.write(to: place["run"].appendingPathComponent("model.safetensors"))
    expectFailure("SHA-256") { try ModelExport.write(place["run"], to: place["export"]) }
  }
}

struct ImportTests {
  private let place: Place

  init() throws { place = try Place() }

  @Test(arguments: TokenizerKind.allCases)
  func exportImportExportGivesTheSameBytes(kind: TokenizerKind) throws {
    let trained = try #require(
      try place.train { request, _ in
        request.tokenizer = kind
        request.bpeVocabularySize = 290
        request.tiedEmbeddings = kind == .byte
        request.queryKeyNorm = kind != .bpe
      })
    let first = try ModelExport.write(place["run"], to: place["export"])
    let record = try ModelImport(place["export"]).write(
      to: place["back"], graph: (place.graph, place.graphFile))
    let second = try ModelExport.write(place["back"], to: place["again"])
    #expect(second.weightsHash == first.weightsHash)
    #expect(second.step == first.step)
    for name in ModelExport.files where name != ExportRecord.name {
      #expect(try place.data("again/\(name)") == place.data("export/\(name)"), "\(name)")
    }
    // An unaltered export knows all about its training.
    #expect(record.configuration == trained.configuration)
    #expect(record.trainingFLOPs == trained.trainingFLOPs)
    #expect(record.finalCrossEntropy == trained.finalCrossEntropy)
    let imported = try #require(record.imported)
    #expect(imported.folder == place["export"].path)
    #expect(imported.step == trained.stepCount)
    #expect(imported.sourceWeightsHash == first.weightsHash)
    let run = try RunFolder.open(place["back"])
    #expect(run.record == record)
    #expect(run.record.graphPath == "../graph.sqlite")
    #expect(run.tokenizer.kind == kind)
  }

  @Test func partOfATrainingIsRecordedAsSuch() throws {
    let trained = try #require(try place.train())
    _ = try ModelExport.write(place["run"], source: .step(0), to: place["export"])
    let record = try ModelImport(place["export"]).write(to: place["back"])
    #expect(record.stepCount == 0)
    #expect(record.trainingFLOPs == 0)
    #expect(record.finalCrossEntropy == nil)
    #expect(record.configuration.graphHash == trained.configuration.graphHash)
    expectFailure("was imported without its graph; give its place with --graph") {
      try RunFolder.open(place["back"]).graph()
    }
  }

  @Test func weightsChangedElsewhereHaveNoTrainingHere() throws {
    try place.train()
    _ = try ModelExport.write(place["run"], to: place["export"])
    let model = try ModelFiles.readConfiguration(from: place["export"])
    let values = try ModelFiles.values(model, from: place["export"]).map { $0 * 0.5 }
    try ModelFiles.save(LanguageModel(model, values: values, on: .cpu), to: place["export"])
    let changed = try ModelImport(place["export"])
    expectFailure("does not say which graph", "--graph") { try changed.write(to: place["back"]) }
    let record = try changed.write(to: place["back"], graph: (place.graph, place.graphFile))
    #expect(record.configuration.training == .none)
    #expect(record.configuration.graphHash == place.graph.contentHash)
    #expect(record.imported?.step == nil)
    #expect(record.stepCount == 0 && record.trainedTripleCount == 0 && record.tokensPerEpoch == 0)
    let text = String(decoding: try place.data("back/run.json"), as: UTF8.self)
    #expect(!text.contains("\"training\""))
    let run = try RunFolder.open(place["back"])
    #expect(run.record == record)
    #expect(try run.loadModel().parameters.copyOut() == values)
    // What came in is all there is.
    #expect(
      try ModelExport.write(place["back"], source: .step(0), to: place["again"]).weightsHash
        == record.weightsHash)
    expectFailure("it has the steps 0 (the final model)") {
      try ModelExport.write(place["back"], source: .step(1), to: place["again"])
    }
    expectFailure("has no batches") { try RunBatches(place["back"]) }
  }

  @Test func anImportedRunIsNoTrainingToGoOnWith() throws {
    try place.train()
    _ = try ModelExport.write(place["run"], source: .step(0), to: place["export"])
    _ = try ModelImport(place["export"]).write(to: place["back"])
    expectFailure("holds an imported model") { try place.train("back") }
    expectFailure("back is not empty; choose another --out") {
      try ModelImport(place["export"]).write(to: place["back"])
    }
  }

  @Test func anotherGraphIsRefused() throws {
    try place.train()
    _ = try ModelExport.write(place["run"], to: place["export"])
    let model = try ModelImport(place["export"])
    expectFailure("graph.sqlite is not the graph that the model in") {
      try model.write(to: place["back"], graph: (SmallGraph.people(59), place.graphFile))
    }
    #expect(throws: CorpusError.self) {
      try model.write(to: place["back"], graph: (SmallGraph.people(90), place.graphFile))
    }
    #expect(!FileManager.default.fileExists(atPath: place["back"].path))
    let names = try FileManager.default.contentsOfDirectory(atPath: place.folder.url.path)
    #expect(names.sorted() == ["export", "run"])
  }

  /// A change to an export's files, and what the refusal says.
  @Test func foldersThatCannotBeReadAreRefusedByFile() throws {
    try place.train()
    _ = try ModelExport.write(place["run"], to: place["export"])
    func refused(_ words: String, after change: () throws -> Void) throws {
      try? FileManager.default.removeItem(at: place["odd"])
      try FileManager.default.copyItem(at: place["export"], to: place["odd"])
      try change()
      expectFailure(words) { try ModelImport(place["odd"]) }
    }
    func remove(_ name: String) throws {
      try FileManager.default.removeItem(at: place["odd"].appendingPathComponent(name))
    }
    try refused("odd/config.json: a Hugging Face") { try remove("config.json") }
    try refused("odd/tokenizer.json is not a tokenizer") { try remove("tokenizer.json") }
    try refused("odd has no model.safetensors; kglab supports all weights in one") {
      try remove("model.safetensors")
    }
    try refused("no model.safetensors but model.safetensors.index.json") {
      try remove("model.safetensors")
      try Data().write(to: place["odd"].appendingPathComponent("model.safetensors.index.json"))
    }
    try refused("'vocab_size' is 64, but tokenizer.json has") {
      try place.edit("odd/config.json") { $0["vocab_size"] = 64 }
    }
    try refused("lacks the tensor 'lm_head.weight'") {
      _ = try place.train("tied") { request, _ in request.tiedEmbeddings = true }
      try place.data("tied/model.safetensors")
        .write(to: place["odd"].appendingPathComponent("model.safetensors"))
    }
    try refused("tensor 'lm_head.weight' differs from") {
      try place.edit("odd/config.json") { $0["tie_word_embeddings"] = true }
    }
    try refused("'num_key_value_heads' is 4") {
      try place.edit("odd/config.json") { $0["num_key_value_heads"] = 4 }
    }
  }
}

struct StepTests {
  private let place: Place

  init() throws { place = try Place() }

  /// The log of a run that was stopped and continued has the same bytes.
  @Test func interruptionsDoNotChangeTheStepLog() throws {
    try place.train("whole") { $1.logsSteps = true }
    while try place.train("cut", stopAfter: 7, { $1.logsSteps = true }) == nil {}
    #expect(try place.data("cut/steps.jsonl") == place.data("whole/steps.jsonl"))
    let steps = try stepMetrics(in: place["whole"])
    let record = try RunFolder.open(place["whole"]).record
    #expect(steps.map(\.step) == Array(1...record.stepCount))
    #expect(steps.last?.tokensSeen == 4 * record.tokensPerEpoch)
    #expect(steps.allSatisfy { $0.gradientNorm > 0 && $0.learningRate > 0 })
  }

  /// Lines after the newest checkpoint belong to steps that are done again.
  @Test func linesAfterTheCheckpointAreDropped() throws {
    try place.train("whole") { $1.logsSteps = true }
    try place.train("cut", stopAfter: 5) { $1.logsSteps = true }
    let file = place["cut"].appendingPathComponent("steps.jsonl")
    let line = #"{"grads/norm":1,"learning_rate":1,"step":6,"train/cross_entropy":1,"#
    try
      (place.data("cut/steps.jsonl")
      + Data((line + #""train_tokens_seen":1}"# + "\n" + line).utf8)).write(to: file)
    try place.train("cut") { $1.logsSteps = true }
    #expect(try place.data("cut/steps.jsonl") == place.data("whole/steps.jsonl"))
  }

  @Test func runsHaveNoStepLogUnlessAsked() throws {
    try place.train()
    #expect(throws: (any Error).self) { try place.data("run/steps.jsonl") }
  }

  /// Batches made again from the record are those of the schedule, over the end of an epoch.
  @Test(arguments: Packing.allCases)
  func batchesAreThoseOfTheTraining(packing: Packing) throws {
    try KnowledgeGraphFile.write(place.graphFile)
    let graph = try KnowledgeGraph.open(place.graphFile)
    let request = with(TrainingRequest(size: "3k", epochs: 3)) { request in
      request.training.tokensPerStep = 256
      request.packing = packing
    }
    expectFailure(status: .interrupted) {
      try trainTiny(graph, in: place.graphFile, into: place["run"]) {
        $0 = request
        $1.shouldStop = { true }
      }
    }

    let resolved = try request.resolve(graph: graph, graphPath: "")
    let run = try RunBatches(place["run"])
    #expect(run.stepCount == resolved.record.stepCount)
    let perEpoch = resolved.schedule.stepsPerEpoch
    let found = try run.batches(perEpoch...(perEpoch + 1))
    #expect(found.map(\.epoch) == [1, 2])
    for (batch, (epoch, place)) in zip(found, [(0, perEpoch - 1), (1, 0)]) {
      let expected = resolved.schedule.epoch(epoch).batch(place)
      #expect(batch.sequences.flatMap(\.tokens) == expected.tokens)
      #expect(batch.sequences.flatMap(\.targets) == expected.targets)
      #expect(batch.sequences.count == expected.sequenceCount)
      #expect(
        batch.triples.count == resolved.schedule.epoch(epoch).triples(inBatch: place).count)
    }
    let triple = try #require(found[0].triples.first)
    #expect(graph.entities(named: triple[0]).count == 1)
    #expect(graph.predicate(named: triple[1]) != nil)
    #expect(throws: LabError.self) { try run.batches(0...1) }
    #expect(throws: LabError.self) { try run.batches(1...(run.stepCount + 1)) }
  }
}

/// The file of the graph of the loss curves.
enum KnowledgeGraphFile {
  static func write(_ url: URL) throws {
    _ = try GraphGenerator(schema: LossCurveTests.schema(), seed: Seed(3)).write(to: url)
  }
}
