import Evaluation
package import Foundation
import KnowledgeGraph
import LabCore
import Training
import Yams

extension StudyFile {
  /// Reads a study strictly; `url` is the file or the folder with its `study.yaml`.
  ///
  /// Paths inside are relative to the file. Throws `LabError` naming file and line for an unknown
  /// key, a value of the wrong kind or a file that is not there.
  package static func read(_ url: URL) throws -> StudyFile {
    let file = try locate(url)
    let text = try SchemaNode.text(of: file, kind: "study")
    return try parse(text, file: file.relativePath, folder: file.deletingLastPathComponent())
  }

  /// Reads a study from text; `file` is the name that errors give, `folder` where paths begin.
  package static func parse(_ text: String, file: String, folder: URL) throws -> StudyFile {
    let root = try SchemaNode.root(of: text, file: file, examples: "experiments/")
    return try StudyFile(root, folder: folder)
  }

  /// The study file behind a path given by a user.
  package static func locate(_ url: URL) throws -> URL {
    guard let kind = FileKind.of(url) else {
      throw LabError(
        "\(url.relativePath) does not exist; give a study file such as "
          + "experiments/quickstart/study.yaml")
    }
    guard kind == .folder else { return url }
    let file = url.appendingPathComponent("study.yaml")
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw LabError("\(url.relativePath) holds no study.yaml; give a study file")
    }
    return file
  }

  /// What a study's file may say.
  package static let keys =
    ["name", "question", "graph", "graphs", "tokenizer", "model", "models", "training"]
    + MeasureSet.known.map { $0.key }
    + ["workers", "side_by_side", "expect_divergence", "keep", "probe_steps"]

  private init(_ node: SchemaNode, folder: URL) throws {
    try node.allow(Self.keys)
    let name = try node.required("name", example: "my-study")
    self.name = try name.text()
    let allowed = Set("abcdefghijklmnopqrstuvwxyz0123456789-_")
    guard self.name.allSatisfy(allowed.contains), self.name.first != "-" else {
      throw name.failure(
        "names a folder: use lower-case letters, digits, '-' and '_', not '\(self.name)'")
    }
    question = try node.optional("question")?.text() ?? ""
    graphs = try Self.graphs(node, folder: folder)
    models = try ModelGrid(
      base: TrainingTemplate(node), graphs: graphs.compactMap(\.name), folder: folder
    ).expand(node.required("models", example: "[{sizes: [3k, 10k], epochs: [20]}]"))
    measures = try MeasureSet(study: node)
    if let value = node.optional("keep") { keep = try KeepPlan(study: value) }
    if let value = node.optional("probe_steps") {
      probeSteps = try value.integer(in: 1...1_000_000_000)
      guard models.allSatisfy({ $0.request.training.engine == .native }) else {
        throw value.failure(
          "is for the native engine, and some models are of engine torch; leave one out")
      }
    }
    for measure in measures.all {
      let place = node.optional(type(of: measure).key) ?? node
      let selected = models.filter { measure.selection.contains($0.request) }
      guard !selected.isEmpty else {
        throw place.failure("selects none of the models; see its epochs and sizes")
      }
      let lacking = selected.compactMap { $0.lacks(measure) }
      if lacking.count == selected.count {
        throw place.failure(
          "needs models trained with \(lacking[0]), and selects none; put that under training, of the study or of an entry "
            + "of models")
      }
      if type(of: measure).readsCheckpoints, keep == KeepPlan() {
        throw place.failure(
          "asks checkpoints, and the study keeps none; add keep, such as keep: {steps: log}")
      }
    }
    workers = try node.optional("workers")?.integer(in: 1...1024) ?? 2
    expectsDivergence = try node.optional("expect_divergence")?.boolean() ?? false
    sideBySide = try node.optional("side_by_side")?.integer(in: 1...1024) ?? workers
    if sideBySide > workers, let value = node.optional("side_by_side") {
      throw value.failure("is more than workers (\(workers)); every task needs one")
    }
  }
}

extension StudyFile {
  /// Reads `graph`, or the list `graphs`, whose items have names besides.
  private static func graphs(_ node: SchemaNode, folder: URL) throws -> [StudyGraph] {
    guard let list = node.optional("graphs") else {
      let only = try node.required("graph", example: "{schema: academia, seed: 7}")
      return [StudyGraph(source: try GraphSource(only, folder: folder))]
    }
    if let single = node.optional("graph") {
      throw single.failure("is there beside graphs; leave one out")
    }
    var names: Set<String> = []
    return try list.listed().map { item in
      let name = try item.required("name", example: "small")
      guard names.insert(try name.text()).inserted else {
        throw name.failure("is the name of a graph before; give each its own")
      }
      return StudyGraph(
        name: try name.text(), source: try GraphSource(item, folder: folder, others: ["name"]))
    }
  }
}

extension KeepPlan {
  /// Reads `{steps: "log,100", epochs: all}`, as `kglab train` takes them.
  fileprivate init(study node: SchemaNode) throws {
    try node.allow(["steps", "epochs"])
    do {
      try self.init(
        steps: try node.optional("steps")?.text(), epochs: try node.optional("epochs")?.text())
    } catch let failure as LabError {
      throw node.failure("is not understood: \(failure)")
    }
  }
}

extension GraphSource {
  fileprivate init(_ node: SchemaNode, folder: URL, others: [String] = []) throws {
    switch (node.optional("schema"), node.optional("import")) {
    case (let schema?, nil):
      try node.allow(["schema", "seed", "set", "scale"] + others)
      self = .schema(
        SchemaSource(
          url: try StudyPaths.schema(schema, folder: folder), seed: try Self.seed(node),
          overrides: try node.optional("set")?.overrides() ?? [],
          scale: try node.optional("scale")?.number("above 0") { $0 > 0 } ?? 1))
    case (nil, let files?):
      try node.allow(["import", "seed", "hold_out", "columns"] + others)
      self = .imported(
        ImportSource(
          urls: try files.distinct { try StudyPaths.existing($0, folder: folder) },
          seed: try Self.seed(node),
          heldOut: try node.optional("hold_out").map { try HeldOutShares($0) }
            ?? HeldOutShares(),
          columns: try node.optional("columns").map(Self.columns) ?? "hrt"))
    default:
      throw node.failure("needs either 'schema' (to generate) or 'import' (files of triples)")
    }
  }

  private static func columns(_ node: SchemaNode) throws -> String {
    do {
      _ = try ColumnOrder(try node.text())
      return try node.text()
    } catch {
      throw node.failure("must name each of h, r and t once, such as 'hrt'")
    }
  }

  private static func seed(_ node: SchemaNode) throws -> UInt64 {
    UInt64(try node.optional("seed")?.integer(in: 0...Int.max) ?? 0)
  }
}
