import Evaluation
package import Foundation
package import KnowledgeGraph
package import LabCore
package import LanguageModel

/// What decides the answers drawn of a model and what it computes while it reads them.
package struct FeatureIdentity: Codable, Hashable, Sendable {
  /// Raised when the same choice would give other values.
  private var version = 1
  package let weightsHash: String
  package let graphHash: String
  package let fraction: Double
  package let samples: Int
  package let evidence: Int
  package let seed: UInt64
  package let visibilities: [Visibility]

  package init(
    options: DetectionOptions, fraction: Double, graphHash: String, weightsHash: String
  ) {
    self.weightsHash = weightsHash
    self.graphHash = graphHash
    self.fraction = fraction
    samples = options.samples
    evidence = options.evidence
    seed = options.seed
    visibilities = options.normalized.visibilities
  }

  /// SHA-256 of the canonical JSON, 64 digits.
  package var key: String {
    get throws { try CanonicalJSON.hash(self).hex }
  }

  enum CodingKeys: String, SnakeCaseKey {
    case version, fraction, samples, evidence, seed, visibilities, graphHash
    case weightsHash = "weights_sha256"
  }
}

/// The folder `features/<key>/` of a run: answers drawn and states read, so that no detector reads
/// them again.
///
/// Each file is whole or absent; manifest.json names those that are there with their hashes.
/// Interrupted, the next command goes on with what is missing.
package struct FeatureCache: Sendable {
  package let folder: URL
  private let identity: FeatureIdentity

  /// The folder in a run's folder.
  package static let folderName = "features"
  private static let manifestName = "manifest.json"
  private static let answersName = "answers.json"
  private static let columnsName = "columns.f32"

  private struct Manifest: Codable, Sendable {
    var identity: FeatureIdentity
    /// SHA-256 of each file.
    var files: [String: String] = [:]
  }

  /// The cache of a choice of answers inside a run's folder; nothing is made yet.
  package init(run: URL, identity: FeatureIdentity) throws {
    folder = run.appendingPathComponent(Self.folderName)
      .appendingPathComponent(String(try identity.key.prefix(16)))
    self.identity = identity
  }

  private func url(_ name: String) -> URL { folder.appendingPathComponent(name) }

  private var manifest: Manifest {
    guard let data = try? Data(contentsOf: url(Self.manifestName)),
      let manifest = try? CanonicalJSON.decode(Sealed<Manifest>.self, from: data).value,
      manifest.identity == identity
    else { return Manifest(identity: identity) }
    return manifest
  }

  private func record(_ files: [String: ContentHash]) throws {
    var manifest = manifest
    for (name, hash) in files { manifest.files[name] = hash.hex }
    try AtomicFile.write(try CanonicalJSON.pretty(Sealed(manifest)), to: url(Self.manifestName))
  }

  /// The bytes of a file; nil where it is absent or not as it was written.
  private func data(_ name: String) -> Data? {
    guard let hash = manifest.files[name],
      let data = try? Data(contentsOf: url(name), options: .mappedIfSafe),
      ContentHash(of: data).hex == hash
    else { return nil }
    return data
  }

  // MARK: Answers

  /// The answers drawn before to queries of a graph in tokens below a vocabulary's size; nil where
  /// there are none.
  package func answers(
    of graph: KnowledgeGraph, vocabularySize: Int
  ) -> DrawnAnswers? {
    guard let data = data(Self.answersName) else { return nil }
    return try? JSONDecoder().decode(StoredAnswers.self, from: data)
      .answers(of: graph, vocabularySize: vocabularySize)
  }

  /// Keeps answers for the next command.
  package func save(_ answers: DrawnAnswers) throws {
    try AtomicFile.createFolder(folder)
    let data = try CanonicalJSON.compact(StoredAnswers(answers))
    try AtomicFile.write(data, to: url(Self.answersName))
    try record([Self.answersName: ContentHash(of: data)])
  }

  // MARK: Features

  /// Streams among `streams` that are not stored yet, in order of their names.
  private func missing(_ streams: Set<CaptureStream>) -> Set<CaptureStream> {
    let files = manifest.files
    return streams.filter { stream in
      files[Self.file(stream)] == nil
        || !FileManager.default.fileExists(atPath: url(Self.file(stream)).path)
    }
  }

  private static func file(_ stream: CaptureStream) -> String { stream.name + ".f32" }

  /// The features of the answers, reading what is missing in one pass.
  ///
  /// `reader` is made only where something is missing. Throws as `AnswerReader.read`.
  package func features(
    of texts: AnswerTexts, streams: Set<CaptureStream>, configuration: ModelConfiguration,
    reader: () throws -> AnswerReader, work: Work = Work()
  ) throws -> AnswerFeatures {
    let absent = missing(streams)
    var columns = absent.isEmpty ? storedColumns(rows: texts.rowCount) : nil
    if columns == nil {
      columns = try capture(
        texts, streams: absent, configuration: configuration, with: reader(),
        work: work)
    }
    let cache = self
    return AnswerFeatures(
      texts: texts, columns: columns ?? FeatureColumns(), configuration: configuration,
      load: { stream in
        let bytes = 4 * texts.rowCount * stream.width(configuration)
        guard let data = cache.data(Self.file(stream)), data.count == bytes else {
          throw LabError(
            "\(cache.url(Self.file(stream)).path) is missing or altered; delete \(cache.folder.path) and "
              + "run the command again")
        }
        return data
      })
  }

  private func storedColumns(rows: Int) -> FeatureColumns? {
    guard let data = data(Self.columnsName), data.count == 4 * FeatureColumns.count * rows,
      let values = try? FloatBytes.decode(data)
    else { return nil }
    return FeatureColumns(
      all: (0..<FeatureColumns.count).map { Array(values[($0 * rows)..<(($0 + 1) * rows)]) })
  }

  private func capture(
    _ texts: AnswerTexts, streams: Set<CaptureStream>, configuration: ModelConfiguration,
    with reader: AnswerReader, work: Work
  ) throws -> FeatureColumns {
    let bytes = AnswerFeatures.byteCount(rows: texts.rowCount, streams: streams, configuration)
    if let free = MachineResources.current.freeDisk(folder), free < bytes + bytes / 10 {
      throw LabError(
        "the features need \(bytes / 1_048_576) MiB in \(folder.path), and \(free / 1_048_576) MiB are free; "
          + "free some space, or ask for fewer layers or samples")
    }
    try AtomicFile.createFolder(folder)
    let names = streams.sorted { $0.name < $1.name }
    var writers = try names.map { try PartialFile(url(Self.file($0))) }
    var columns = FeatureColumns()
    do {
      try reader.read(texts, streams: streams, work: work) { capture in
        columns.append(FeatureColumns(capture))
        for (index, stream) in names.enumerated() {
          try writers[index].append(capture.streams[stream] ?? Data())
        }
      }
    } catch {
      for writer in writers { writer.discard() }
      throw error
    }
    var hashes: [String: ContentHash] = [:]
    for (index, stream) in names.enumerated() {
      hashes[Self.file(stream)] = try writers[index].finish()
    }
    let data = try FloatBytes.encode(columns.all.flatMap { $0 })
    try AtomicFile.write(data, to: url(Self.columnsName))
    hashes[Self.columnsName] = ContentHash(of: data)
    try record(hashes)
    return columns
  }

  /// Removes the folder, and the one above it where it is empty.
  package func remove() {
    let files = FileManager.default
    try? files.removeItem(at: folder)
    let parent = folder.deletingLastPathComponent()
    if (try? files.contentsOfDirectory(atPath: parent.path))?.isEmpty == true {
      try? files.removeItem(at: parent)
    }
  }
}
