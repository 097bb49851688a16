import Compute
import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing

@testable import Training

/// Models that were trained elsewhere, as far as no Python is needed: Tests/Python/test_outside.py
/// asks them.
struct OutsideTests {
  /// A folder with the files of a causal language model, but for what is left out.
  private func model(
    _ architecture: String = "GPTNeoXForCausalLM", without missing: String? = nil
  ) throws -> TemporaryFolder {
    var files = [
      "config.json": #"{"architectures": ["\#(architecture)"]}"#, "tokenizer.json": "{}",
      "model.safetensors": "weights",
    ]
    files[missing ?? ""] = nil
    return try TemporaryFolder(files)
  }

  @Test func whatIsNoCausalLanguageModelIsRefused() throws {
    func refused(_ folder: TemporaryFolder, _ words: String...) {
      expectFailure(words, status: .badInput) { try OutsideFolder(folder.url) }
    }
    refused(try model(without: "config.json"), "has no config.json")
    refused(try model(without: "tokenizer.json"), "has no tokenizer", "save_pretrained")
    refused(try model(without: "model.safetensors"), "has no weights")
    refused(
      try model("BertForMaskedLM"), "holds a BertForMaskedLM, which is no causal language model")
    let folder = try model()
    try folder.write("{}", to: "config.json")
    refused(folder, "names no class")
    try folder.write("[", to: "config.json")
    refused(folder, "config.json is no JSON object")
    expectFailure("is no folder", "config.json, tokenizer and weights") {
      try OutsideFolder(folder["nowhere"])
    }
    let good = try model()
    #expect(try OutsideFolder(good.url).architecture == "GPTNeoXForCausalLM")
  }

  @Test func endsAreThoseThatNoNameHas() throws {
    let graph = SmallGraph.make([
      SmallGraph.Row("St. Ives", "in", "Cornwall"), SmallGraph.Row("Rome", "in", "Lazio, Italy"),
    ])
    #expect(try OutsideRecord.ends([], for: graph) == ["\n", ";"])
    #expect(try OutsideRecord.ends(["!"], for: graph) == ["!"])
    expectFailure("--end \".\" is in the name \"St. Ives\"", status: .usage) {
      try OutsideRecord.ends([".", "!"], for: graph)
    }
    expectFailure("an empty --end", status: .usage) { try OutsideRecord.ends([""], for: graph) }
    let odd = SmallGraph.make([SmallGraph.Row("a.,;\nb", "in", "c")])
    expectFailure("give another text by --end") { try OutsideRecord.ends([], for: odd) }
  }

  /// A run folder as `evaluate --model` makes it, of a model that is not asked.
  private func run(
    _ folder: TemporaryFolder, _ training: OutsideRecord.Training
  ) throws -> (run: RunFolder, graph: KnowledgeGraph) {
    let file = folder["graph.sqlite"]
    let schema = try GraphSchema.read(Repository.file("kg-schemas/tiny.yaml"))
    _ = try GraphGenerator(schema: schema, seed: Seed(3)).write(to: file)
    let graph = try KnowledgeGraph.open(file)
    let model = try model()
    let outside = OutsideRecord(
      folder: model.url.path, architecture: "GPTNeoXForCausalLM",
      files: try OutsideFolder(model.url).hashes(), ends: ["\n"], training: training,
      precision: .fp32)
    var record = RunRecord(
      status: .complete,
      configuration: RunConfiguration(
        graphHash: graph.contentHash, corpus: CorpusConfiguration(), tokenizer: .bpe,
        model: ModelConfiguration(
          layerCount: 2, modelDimension: 32, headCount: 2, feedForwardDimension: 64,
          vocabularySize: 407, contextLength: 127),
        training: .none, seed: 0), graphPath: "../graph.sqlite", sizeName: "pythia",
      parameterCount: 40_000, nonEmbeddingParameterCount: 20_000, trainedTripleCount: 0,
      tokensPerEpoch: 0, stepCount: 0, trainingFLOPs: 0, tokensPerParameter: 0)
    record.weightsHash = try outside.weightsHash
    record.outside = outside
    try AtomicFile.makeFolder(folder["run"]) { try RunFolder.complete($0, record, metrics: []) }
    return (try RunFolder.open(folder["run"]), graph)
  }

  @Test func theRunFolderSaysWhatItIs() throws {
    let folder = try TemporaryFolder()
    let (run, graph) = try run(folder, .unknown)
    let written = try folder.object("run/run.json")
    let outside = try #require(written["outside"] as? [String: Any])
    #expect(outside["training"] as? String == "unknown" && outside["ends"] as? [String] == ["\n"])
    #expect(
      (outside["files_sha256"] as? [String: String])?.keys.sorted() == [
        "config.json", "model.safetensors", "tokenizer.json",
      ])
    #expect(written["configuration"] as? [String: Any] != nil)
    #expect(run.tokenizer.vocabularySize == 407 && run.tokenizer.slotToken == 406)
    let asked = try run.graph()
    #expect(Set(asked.queries.map(\.visibility)) == [.unknown] && !asked.hasKnownVisibility)
    #expect(asked.answers.allSatisfy(\.isVisible) && asked.contentHash == graph.contentHash)
    #expect(graph.answers.contains { !$0.isVisible })
    let other = try TemporaryFolder()
    #expect(try self.run(other, .graph).run.graph().hasKnownVisibility)
    expectFailure("trained elsewhere and stays in its own folder", status: .usage) {
      try run.loadModel()
    }
    expectFailure("has no checkpoints") { try RunFolder.open(run.url, checkpoint: 1) }
  }

  /// Its weights' name holds the ends too, which decide what is an answer.
  @Test func theIdentityHoldsFilesAndEnds() throws {
    let record = OutsideRecord(
      folder: "/a", architecture: "GPT2LMHeadModel", files: ["config.json": "1"], ends: ["\n"],
      training: .unknown, precision: .fp32)
    func differs(_ change: (inout OutsideRecord) -> Void) throws -> Bool {
      try with(record, change).weightsHash != record.weightsHash
    }
    #expect(try differs { $0.ends = ["."] } && differs { $0.files = ["config.json": "2"] })
    #expect(try differs { $0.precision = .bf16 } && !differs { $0.folder = "/b" })
  }

  /// Held out or not, a true answer is right where nobody knows what was trained on, and there is
  /// one set of queries.
  @Test func ratesOfUnknownVisibilityCountAllAnswersAlike() throws {
    let place = try TemporaryFolder()
    try trainTiny(into: place["run"])
    let run = try RunFolder.open(place["run"])
    let graph = SmallGraph.people(60)
    func summary(_ graph: KnowledgeGraph, _ name: String) throws -> EvaluationSummary {
      try Evaluator(model: run.askedModel(), tokenizer: run.tokenizer, graph: graph).run(
        in: RunDatabase.open(in: place[name], graphHash: graph.contentHash),
        weightsHash: run.record.weightsHash ?? "")
    }
    for name in ["known", "unknown"] {
      try FileManager.default.createDirectory(at: place[name], withIntermediateDirectories: true)
    }
    let known = try summary(graph, "known")
    let unknown = try summary(graph.withUnknownVisibility(), "unknown")
    #expect(Set(unknown.rates.map(\.visibility)) == [.unknown])
    for method in [EvaluationMethod.exact, .sampled] {
      let all = try #require(unknown.rate(method, temperature: 1, .unknown))
      let parts = [QuerySet.fvs, .pvs, .ivs].compactMap { known.rate(method, temperature: 1, $0) }
      #expect(all.queryCount == graph.queries.count && all.correctHeldOut == 0)
      let mean = parts.reduce(0) { $0 + $1.rate * Double($1.queryCount) } / Double(all.queryCount)
      #expect(abs(all.rate - mean) < 1e-12)
    }
  }
}
