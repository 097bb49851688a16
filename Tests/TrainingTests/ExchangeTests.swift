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
  var graphFile: URL { folder.url.appendingPathComponent("graph.sqlite") }

  @discardableResult
  func train(
    _ name: String = "run", stopAfter steps: Int? = nil,
    _ change: (inout TrainingRequest, inout RuntimeOptions) -> Void = { _, _ in }
  ) throws -> RunRecord? {
    do {
      return try trainTiny(into: self[name]) { request, options in
        if let steps {
          options.shouldStop = stopping(after: steps)
        }
        change(&request, &options)
      }
    } catch let error as LabError where error.exitStatus == .interrupted {
      return nil
    }
  }

  func data(_ path: String) throws -> Data {
    try Data(contentsOf: folder.url.appendingPathComponent(path))
  }

  func edit(_ path: String, _ change: (inout [String: Any]) -> Void) throws {
    var object = try #require(
      try JSONSerialization.jsonObject(with: data(path)) as? [String: Any])
    change(&object)
    try JSONSerialization.data(withJSONObject: object)
      .write(to: folder.url.appendingPathComponent(path))
  }
}

struct ExportTests {
  @Test func anExportHasTheRunsWeightsAndTokenizer() throws {
    let place = try Place()
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
      let object = try #require(
        try JSONSerialization.jsonObject(with: place.data("export/\(name)")) as? [String: Any])
      #expect(object["bos_token_id"] as? Int32 == SpecialToken.subject.rawValue)
      #expect(object["eos_token_id"] as? Int32 == SpecialToken.end.rawValue)
      #expect(object["pad_token_id"] as? Int32 == SpecialToken.padding.rawValue)
    }
  }

  @Test func anEarlierExportIsReplacedAndNothingElse() throws {
    let place = try Place()
    try place.train()
    _ = try ModelExport.write(place["run"], to: place["export"])
    _ = try ModelExport.write(place["run"], source: .step(0), to: place["export"])
    let replaced = try place.data("export/model.safetensors")
    #expect(try replaced != place.data("run/model.safetensors"))
    // Somebody else's model folder has files of the same names, but no kglab.json.
    try FileManager.default.removeItem(at: place["export"].appendingPathComponent("kglab.json"))
    #expect { try ModelExport.write(place["run"], to: place["export"]) } throws: {
      "\($0)".contains("export is not empty and is no earlier export (it has 'config.json')")
    }
    #expect { try ModelExport.write(place["run"], to: place["run"]) } throws: {
      "\($0)".contains("(it has 'metrics.jsonl')")
    }
    #expect(try place.data("export/model.safetensors") == replaced)
  }

  @Test func geluModelsAreRefusedWithTheReason() throws {
    let place = try Place()
    try place.train { request, _ in request.activation = .gelu }
    #expect { try ModelExport.write(place["run"], to: place["export"]) } throws: {
      "\($0)".contains("no Hugging Face class matches its gelu feed-forward block")
    }
    #expect(!FileManager.default.fileExists(atPath: place["export"].path))
  }

  /// Step 0 is made again from the seed: no training is needed, and none changes it.
  @Test func theInitialModelIsAlwaysThere() throws {
    let place = try Place()
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
    let place = try Place()
    try place.train(stopAfter: 5)
    #expect { try ModelExport.write(place["run"], to: place["export"]) } throws: {
      "\($0)".contains("has not finished its") && "\($0)".contains("--checkpoint newest")
    }
    let newest = try ModelExport.write(place["run"], source: .newest, to: place["export"])
    #expect(newest.step == 5)
    let checkpoint = "run/checkpoints/step-000000005/model.safetensors"
    #expect(try place.data("export/model.safetensors") == place.data(checkpoint))
    #expect { try ModelExport.write(place["run"], source: .step(3), to: place["export"]) } throws: {
      "\($0)".contains("no checkpoint of step 3; it has the steps 0 (the initial model), 5")
    }
    try place.data(checkpoint).dropLast(9)
      .write(to: place.folder.url.appendingPathComponent(checkpoint))
    #expect { try ModelExport.write(place["run"], source: .newest, to: place["export"]) } throws: {
      "\($0)".contains("step-000000005/model.safetensors is truncated or altered")
    }
  }

  @Test func alteredWeightsAreNotExported() throws {
    let place = try Place()
    try place.train()
    var bytes = try place.data("run/model.safetensors")
    bytes[bytes.count - 1] ^= 1
    try bytes.write(to: place["run"].appendingPathComponent("model.safetensors"))
    #expect { try ModelExport.write(place["run"], to: place["export"]) } throws: {
      "\($0)".contains("SHA-256")
    }
  }
}

struct ImportTests {
  @Test(arguments: TokenizerKind.allCases)
  func exportImportExportGivesTheSameBytes(kind: TokenizerKind) throws {
    let place = try Place()
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
    let place = try Place()
    let trained = try #require(try place.train())
    _ = try ModelExport.write(place["run"], source: .step(0), to: place["export"])
    let record = try ModelImport(place["export"]).write(to: place["back"])
    #expect(record.stepCount == 0)
    #expect(record.trainingFLOPs == 0)
    #expect(record.finalCrossEntropy == nil)
    #expect(record.configuration.graphHash == trained.configuration.graphHash)
    #expect { try RunFolder.open(place["back"]).graph() } throws: {
      "\($0)".contains("was imported without its graph; give its place with --graph")
    }
  }

  @Test func weightsChangedElsewhereHaveNoTrainingHere() throws {
    let place = try Place()
    try place.train()
    _ = try ModelExport.write(place["run"], to: place["export"])
    let model = try ModelFiles.readConfiguration(from: place["export"])
    let values = try ModelFiles.values(model, from: place["export"]).map { $0 * 0.5 }
    try ModelFiles.save(LanguageModel(model, values: values, on: .cpu), to: place["export"])
    let changed = try ModelImport(place["export"])
    #expect { try changed.write(to: place["back"]) } throws: {
      "\($0)".contains("does not say which graph") && "\($0)".contains("--graph")
    }
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
    #expect {
      try ModelExport.write(place["back"], source: .step(1), to: place["again"])
    } throws: {
      "\($0)".contains("it has the steps 0 (the final model)")
    }
    #expect { try RunBatches(place["back"]) } throws: { "\($0)".contains("has no batches") }
  }

  @Test func anImportedRunIsNoTrainingToGoOnWith() throws {
    let place = try Place()
    try place.train()
    _ = try ModelExport.write(place["run"], source: .step(0), to: place["export"])
    _ = try ModelImport(place["export"]).write(to: place["back"])
    #expect { try place.train("back") } throws: { "\($0)".contains("holds an imported model") }
    #expect { try ModelImport(place["export"]).write(to: place["back"]) } throws: {
      "\($0)".contains("back is not empty; choose another --out")
    }
  }

  @Test func anotherGraphIsRefused() throws {
    let place = try Place()
    try place.train()
    _ = try ModelExport.write(place["run"], to: place["export"])
    let model = try ModelImport(place["export"])
    #expect {
      try model.write(to: place["back"], graph: (SmallGraph.people(59), place.graphFile))
    } throws: {
      "\($0)".contains("graph.sqlite is not the graph that the model in")
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
    let place = try Place()
    try place.train()
    _ = try ModelExport.write(place["run"], to: place["export"])
    func refused(_ words: String, after change: () throws -> Void) throws {
      try? FileManager.default.removeItem(at: place["odd"])
      try FileManager.default.copyItem(at: place["export"], to: place["odd"])
      try change()
      let error = #expect(throws: (any Error).self) { try ModelImport(place["odd"]) }
      #expect("\(error.map { "\($0)" } ?? "")".contains(words))
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
  /// The log of a run that was stopped and continued has the same bytes.
  @Test func interruptionsDoNotChangeTheStepLog() throws {
    let place = try Place()
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
    let place = try Place()
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
    let place = try Place()
    try place.train()
    #expect(throws: (any Error).self) { try place.data("run/steps.jsonl") }
  }

  /// Batches made again from the record are those of the schedule, over the end of an epoch.
  @Test(arguments: Packing.allCases)
  func batchesAreThoseOfTheTraining(packing: Packing) throws {
    let place = try Place()
    try KnowledgeGraphFile.write(place.graphFile)
    let graph = try KnowledgeGraph.open(place.graphFile)
    var request = TrainingRequest(size: "3k", epochs: 3)
    request.training.tokensPerStep = 256
    request.packing = packing
    var options = RuntimeOptions()
    options.workers = 1
    options.shouldStop = { true }
    let trainer = try Trainer(
      graph: graph, graphURL: place.graphFile, request: request, folder: place["run"],
      options: options)
    #expect(throws: LabError.self) { try trainer.run() }

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
