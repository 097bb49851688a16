import Compute
import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

/// Detectors and features that were altered after they were written.
struct AlteredDetectorTests {
  private let copy: RunCopy
  private var run: RunFolder { copy.run }
  private var graph: KnowledgeGraph { copy.graph }

  init() throws { copy = try RunCopy() }

  private func runner(_ kinds: [DetectorKind]) throws -> DetectionRunner {
    try DetectionRunner(
      run: run, graph: graph,
      options: .linear {
        $0.kinds = kinds
        $0.kernels = [.limit]
      })
  }

  private func folder(_ kind: DetectorKind) throws -> URL {
    let summary = try runner([kind]).run()
    let result = try #require(summary.detectors.first { $0.kind == kind })
    return try run.detector(result.folder)
  }

  private func expectRefusal(_ folder: URL, _ words: String) {
    expectFailure(words, status: .badInput) {
      try StoredScoring(folder: folder, run: run, graph: graph)
    }
  }

  @Test(arguments: [
    (DetectorKind.head, DetectorFiles.head), (.kernel, DetectorFiles.kernel),
    (.full, DetectorFiles.readOut),
    (.full, ModelFiles.weights),
  ])
  func alteredWeightsAreRefusedUnlessTheDetectorIsOlder(kind: DetectorKind, name: String) throws {
    let folder = try folder(kind)
    let file = folder.appendingPathComponent(name)
    var bytes = try Data(contentsOf: file)
    bytes[bytes.count - 1] ^= 0x80
    try bytes.write(to: file)
    expectRefusal(folder, "\(name) is truncated or altered: detector.json expects SHA-256")
    try editJSON(folder.appendingPathComponent(DetectorFiles.record)) { $0["files"] = nil }
    _ = try StoredScoring(folder: folder, run: run, graph: graph)
  }

  @Test(arguments: [[-1], [16], [Int.max]])
  func columnsOutsideTheFeaturesAreRefused(columns: [Int]) throws {
    let folder = try folder(.head)
    try editJSON(folder.appendingPathComponent(DetectorFiles.record)) { record in
      var features = record["features"] as? [String: Any]
      let width = record["input_width"] as? Int ?? 0
      features?["columns"] = Array(repeating: columns[0], count: width)
      record["features"] = features
    }
    expectRefusal(folder, "reads 16 values of an example")
    try editJSON(folder.appendingPathComponent(DetectorFiles.record)) {
      $0["input_width"] = Int.max
    }
    expectRefusal(folder, "detector.json is not a detector record of this version")
  }

  @Test func aDetectorOfAnotherVocabularyIsRefused() throws {
    let folder = try folder(.full)
    let (detector, record) = try DetectorFiles.load(from: folder)
    let network = try #require(detector.model as? FullNetwork)
    // Its model again with one row of the embedding and the read-out.
    var shape = record.model
    shape.vocabularySize = 1
    let values = network.model.parameters.copyOut()
    let width = shape.modelDimension
    let rows = record.model.vocabularySize * width
    let readOut = values.count - rows - normCount(shape)
    let one =
      values[..<width] + values[rows..<readOut] + values[readOut..<(readOut + width)]
      + values[(readOut + rows)...]
    try ModelFiles.save(LanguageModel(shape, values: Array(one), on: .cpu), to: folder)
    try editJSON(folder.appendingPathComponent(DetectorFiles.record)) { record in
      record["files"] = nil
      var model = record["model"] as? [String: Any]
      model?["vocabulary_size"] = 1
      record["model"] = model
    }
    expectRefusal(folder, "knows 1 tokens, and this model")
  }

  private func normCount(_ shape: ModelConfiguration) -> Int {
    let layer = 2 * shape.modelDimension + (shape.queryKeyNorm ? 2 * shape.headDimension : 0)
    return shape.layerCount * layer + shape.modelDimension
  }

  @Test(arguments: [
    ("ended", "[]"), ("query", "first 9223372036854775807"), ("query", "first -1"),
    ("subject", "first 2147483647"), ("tokens", "first [16777216]"), ("tokens", "first [-1]"),
    ("object", "first 2147483647"), ("sample", "first -1"), ("log_probability", "first 1e308"),
  ])
  func damagedFeaturesAreDrawnAgain(column: String, value: String) throws {
    let cache = try runner([.head]).featureCache()
    let expected = try runner([.head]).run()
    try FileManager.default.removeItem(at: run.url.appendingPathComponent(RunDatabase.fileName))
    let file = cache.folder.appendingPathComponent("answers.json")
    let json = value.replacingOccurrences(of: "first ", with: "")
    let new = try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
    try editJSON(file) { answers in
      var old = answers[column] as? [Any] ?? []
      if value == "[]" { old = [] } else { old[0] = new }
      answers[column] = old
    }
    // The manifest agrees with the file.
    let hash = try ContentHash(ofFile: file).hex
    try editJSON(cache.folder.appendingPathComponent("manifest.json")) { manifest in
      var files = manifest["files"] as? [String: String]
      files?["answers.json"] = hash
      manifest["files"] = files
      manifest["sha256"] = nil
    }
    let vocabularySize = run.tokenizer.vocabularySize
    #expect(cache.answers(of: graph, vocabularySize: vocabularySize) == nil)
    #expect(try runner([.head]).run() == expected)
    #expect(cache.answers(of: graph, vocabularySize: vocabularySize) != nil)
  }
}
