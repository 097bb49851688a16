import Compute
import Corpus
package import Foundation
package import KnowledgeGraph
import LabCore
import LanguageModel

/// Where an imported model comes from.
package struct ImportedModel: Codable, Hashable, Sendable {
  /// The folder it was read from.
  package var folder: String
  /// SHA-256 of the model.safetensors read, whatever its type of numbers.
  package var sourceWeightsHash: String
  /// Steps of kglab's training behind the weights, where the folder is an unaltered export; else
  /// nil.
  package var step: Int?

  enum CodingKeys: String, CodingKey {
    case folder, step
    case sourceWeightsHash = "source_weights_sha256"
  }
}

/// Reads a model folder of Hugging Face into a run folder that can be asked and evaluated.
package struct ModelImport {
  private let source: URL
  private let model: ModelConfiguration
  private let parameters: FloatSlice
  private let tokenizer: any Tokenizer
  private let imported: ImportedModel
  /// What the folder says of the run it was exported from, unless its weights were changed since.
  private let export: ExportRecord?

  /// Reads and checks all files of `source`.
  ///
  /// Throws `LabError` naming the file, the field and what is supported, or `CorpusError` for a
  /// tokenizer that is not kglab's.
  package init(_ source: URL) throws {
    self.source = source
    try Self.checkFiles(source)
    model = try ModelFiles.readConfiguration(from: source)
    tokenizer = try TokenizerFile.load(from: source)
    guard tokenizer.vocabularySize == model.vocabularySize else {
      throw LabError(
        "\(source.path)/\(ModelFiles.configuration): 'vocab_size' is \(model.vocabularySize), but "
          + "\(TokenizerFile.name) has \(tokenizer.vocabularySize) tokens; kglab supports one row of "
          + "the embedding for each token")
    }
    let values = try ModelFiles.values(model, from: source, numberTypes: [.single, .half, .brain])
    parameters = try DeviceBuffer<Float>(values.count, on: .cpu).all
    parameters.copyIn(values)
    let hash = try ContentHash(ofFile: source.appendingPathComponent(ModelFiles.weights)).hex
    let record = ExportRecord.read(source)
    // Exports of earlier versions name no hash of the tokenizer.
    let tokenizerHash = try tokenizer.file.hash.hex
    let isUnaltered =
      record?.weightsHash == hash && record?.run.configuration.model == model
      && record?.run.tokenizerHash ?? tokenizerHash == tokenizerHash
    export = isUnaltered ? record : nil
    imported = ImportedModel(
      folder: source.path, sourceWeightsHash: hash, step: isUnaltered ? record?.step : nil)
  }

  private static func checkFiles(_ source: URL) throws {
    func has(_ name: String) -> Bool {
      FileManager.default.fileExists(atPath: source.appendingPathComponent(name).path)
    }
    guard has(ModelFiles.configuration), !has(ModelFiles.weights) else { return }
    let other = ["model.safetensors.index.json", "pytorch_model.bin"].first(where: has)
    throw LabError(
      "\(source.path) has no \(ModelFiles.weights)"
        + (other.map { " but \($0)" } ?? "")
        + "; kglab supports all weights in one safetensors file: "
        + "save_pretrained(folder, max_shard_size=\"100GB\")")
  }

  /// Writes the run folder, whole or not at all, and returns its record.
  ///
  /// `graph` is what the model will be asked about, with its file; only an unaltered export knows
  /// it without. Throws `LabError` where `destination` is not empty, or the graph is missing or not
  /// the export's, and `CorpusError` for a graph with names that the tokenizer cannot spell.
  package func write(
    to destination: URL, graph: (content: KnowledgeGraph, file: URL)? = nil
  ) throws -> RunRecord {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: destination.path)) ?? []
    guard names.isEmpty else {
      throw LabError("\(destination.path) is not empty; choose another --out")
    }
    var record = try record(graph, destination: destination)
    try AtomicFile.makeFolder(destination) { folder in
      record.weightsHash = try ModelFiles.save(model, parameters, to: folder).hex
      try TokenizerFile.save(tokenizer, to: folder)
      try RunFolder.complete(folder, record, metrics: [])
    }
    return record
  }

  // MARK: The record

  private func record(
    _ graph: (content: KnowledgeGraph, file: URL)?, destination: URL
  ) throws -> RunRecord {
    var record = try export.map(exported) ?? foreign(graphHash: graph?.content.contentHash)
    if let graph {
      let text = try TripleText(
        graph: graph.content, tokenizer: tokenizer, wording: record.configuration.corpus.wording)
      if export == nil {
        // Rotary positions have no end: a context of which the graph fills a part would only take
        // memory.
        record.configuration.model.contextLength = min(
          model.contextLength, max(256, 2 * text.longestPossibleSequence))
      }
      guard graph.content.contentHash == record.configuration.graphHash else {
        throw LabError(
          "\(graph.file.path) is not the graph that the model in \(source.path) was trained on (its "
            + "content hash differs); give the right one with --graph")
      }
      record.graphPath = graph.file.path(from: destination)
      record.graphAbsolutePath = graph.file.resolvingSymlinksInPath().path
    }
    record.imported = imported
    return try record.hashed(tokenizer)
  }

  /// The record of the run exported, as far as training had gone.
  private func exported(_ export: ExportRecord) -> RunRecord {
    var record = export.run
    record.status = .complete
    if export.step != record.stepCount {
      record.trainingFLOPs *= Double(export.step) / Double(max(record.stepCount, 1))
      record.stepCount = export.step
      record.finalCrossEntropy = nil
    }
    return record
  }

  /// The record of a model that was trained elsewhere: nothing is known of its training.
  private func foreign(graphHash: String?) throws -> RunRecord {
    guard let graphHash else {
      throw LabError(
        "\(source.path) does not say which graph its model was trained on (only an unaltered export "
          + "of kglab does); give the graph with --graph")
    }
    return RunRecord(
      status: .complete,
      configuration: RunConfiguration(
        graphHash: graphHash, corpus: CorpusConfiguration(), tokenizer: tokenizer.kind,
        model: model, training: .none, seed: 0),
      graphPath: "", sizeName: "custom", parameterCount: model.parameterCount,
      nonEmbeddingParameterCount: model.nonEmbeddingParameterCount, trainedTripleCount: 0,
      tokensPerEpoch: 0, stepCount: 0, trainingFLOPs: 0, tokensPerParameter: 0)
  }
}
