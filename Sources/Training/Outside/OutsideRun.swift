package import Compute
import Corpus
package import Foundation
package import KnowledgeGraph
import LabCore
import LanguageModel

/// What is asked of a model that was trained elsewhere, when it is first asked.
package struct OutsideRequest: Sendable {
  /// The Hugging Face folder.
  package var model: URL
  /// Texts that end answers; empty for the usual ones that are in no name.
  package var ends: [String] = []
  /// Whether the model was trained on the visible triples of the graph.
  package var isTrainedOnGraph = false
  package var precision = Precision.fp32
  package var device: String?
  package var python: String?

  package init(model: URL) { self.model = model }
}

extension RunFolder {
  /// The run folder of a model of elsewhere about a graph: made, or opened where it is there.
  ///
  /// Throws `LabError` where the model's folder is a run's or no causal language model with a
  /// tokenizer, Python cannot load it, or `url` holds something else.
  package static func outside(
    _ request: OutsideRequest, graph: (content: KnowledgeGraph, file: URL), at url: URL
  ) throws -> RunFolder {
    guard (try? readRecord(request.model)) == nil else {
      let path = request.model.relativePath
      throw LabError(
        "\(path) is a run folder; evaluate it without --model (kglab evaluate \(path)), or give --model the folder of a "
          + "Hugging Face model, such as kglab export-model makes", .usage)
    }
    let folder = try OutsideFolder(request.model)
    let own = folder.ownTokenizer
    let export = own == nil ? nil : ExportRecord.read(folder.url)
    guard own == nil || request.ends.isEmpty else {
      throw LabError(
        "the model in \(request.model.relativePath) has kglab's tokenizer, whose answers end with <E>; leave out --end",
        .usage)
    }
    let files = try folder.hashes()
    let isKnown =
      export?.weightsHash == files["model.safetensors"]
      && export?.run.configuration.graphHash == graph.content.contentHash
    var outside = OutsideRecord(
      folder: folder.url.path, architecture: folder.architecture, files: files,
      ends: own == nil ? try OutsideRecord.ends(request.ends, for: graph.content) : nil,
      training: request.isTrainedOnGraph || isKnown ? .graph : .unknown,
      precision: request.precision, device: request.device, python: request.python)
    if let existing = try readRecord(url) {
      guard let there = existing.outside,
        try (there.weightsHash, there.training) == (outside.weightsHash, outside.training),
        existing.configuration.graphHash == graph.content.contentHash
      else {
        throw LabError(
          "\(url.relativePath) holds another run, or another model, graph, --end, --precision or --trained-on-graph; name "
            + "another folder for this one")
      }
      return try open(url)
    }
    guard (try? FileManager.default.contentsOfDirectory(atPath: url.path))?.isEmpty ?? true else {
      throw LabError("\(url.relativePath) is not empty and holds no run; name another folder")
    }
    let (process, shape) = try OutsideModel.load(outside)
    var corpus = export?.run.configuration.corpus ?? CorpusConfiguration()
    if own == nil { corpus.wording = Wording(phrasing: .template) }
    let configuration = RunConfiguration(
      graphHash: graph.content.contentHash, corpus: corpus, tokenizer: own?.kind ?? .bpe,
      model: shape.model, training: .none, seed: 0)
    var record = RunRecord(
      status: .complete, configuration: configuration,
      graphPath: graph.file.path(from: url),
      graphAbsolutePath: graph.file.resolvingSymlinksInPath().path,
      sizeName: folder.url.lastPathComponent, parameterCount: shape.parameterCount,
      nonEmbeddingParameterCount: shape.nonEmbeddingParameterCount, trainedTripleCount: 0,
      tokensPerEpoch: 0, stepCount: 0, trainingFLOPs: 0, tokensPerParameter: 0)
    record.weightsHash = try outside.weightsHash
    record.configurationHash = try CanonicalJSON.hash(configuration).hex
    record.tokenizerHash = try outside.tokenizerHash
    outside.versions = shape.versions
    record.outside = outside
    try AtomicFile.makeFolder(url) { try complete($0, record, metrics: []) }
    return try open(url, record, outside, process: process)
  }
}
