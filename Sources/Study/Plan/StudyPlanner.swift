import Corpus
import Detection
package import Evaluation
import Experiments
import Foundation
package import KnowledgeGraph
import LabCore
import LanguageModel
package import Training

/// Expands a study to its tasks.
package struct StudyPlanner {
  private let file: StudyFile
  private let memo = Memo()
  /// In the order of the file, with what each holds.
  private let graphs: [(graph: KnowledgeGraph, summary: GraphSummary)]

  /// Plans `file` on its graphs, which `GraphStage` made or found.
  package init(file: StudyFile, graphs: [(graph: KnowledgeGraph, summary: GraphSummary)]) {
    self.file = file
    self.graphs = graphs
  }

  /// The numbered tasks: the graphs, then for each model its training and measures, then the
  /// report.
  ///
  /// Returns the request behind each training by its id. Throws an error that names the setting
  /// when a model cannot be trained on its graph.
  package func plan() throws -> (StudyPlan, requests: [String: TrainingRequest]) {
    try plan(.shapeAndSteps)
  }

  /// The plan by the newest rule of learning rates of which a training is begun in `folder`, so
  /// that a study goes on as it was begun; by the newest of all where none is.
  package func plan(
    for folder: StudyFolder
  ) throws -> (StudyPlan, requests: [String: TrainingRequest]) {
    let newest = try plan()
    guard file.models.contains(where: { $0.request.learningRate == nil }) else { return newest }
    func isThere(_ path: String) -> Bool {
      FileManager.default.fileExists(atPath: folder.url.appendingPathComponent(path).path)
    }
    guard isThere("models") else { return newest }
    for rule in LearningRateRule.allCases {
      let made = rule == .shapeAndSteps ? newest : try plan(rule)
      if made.0.tasks.contains(where: { $0.kind == .train && isThere($0.output) }) { return made }
    }
    return newest
  }

  private func plan(
    _ rule: LearningRateRule
  ) throws -> (StudyPlan, requests: [String: TrainingRequest]) {
    memo.resolved = [:]
    memo.rule = rule
    var tasks = zip(file.graphs, graphs).map { generation($0.source, $1.summary) }
    var requests: [String: TrainingRequest] = [:]
    // Measures that read other models come after all trainings.
    var later: [StudyTask] = []
    let words = ModelWords(file)
    for (model, name) in zip(file.models, words.names) {
      var (training, request) = try training(model, name)
      training.variant = words.variant(model)
      if model.hardening != nil {
        // One at a time writes the rounds of a run.
        training.follows = tasks.filter {
          $0.runID == training.sources?.first && $0.kind.rawValue == HardeningMeasure.name
        }.map(\.id)
      }
      guard !tasks.contains(where: { $0.id == training.id }) else { continue }
      tasks.append(training)
      requests[training.id] = request
      var before: [String] = []
      for measure in file.measures.all {
        guard try isMeasured(model, by: measure, name) else { continue }
        let task = try self.task(measure, model, training, name, follows: before)
        if task.sources == nil { tasks.append(task) } else { later.append(task) }
        // All of a run's measures write its run.sqlite, so one follows the other.
        before = [task.id]
      }
    }
    tasks += later
    tasks.append(try report(tasks))
    for index in tasks.indices { tasks[index].number = index + 1 }
    let plan = StudyPlan(
      name: file.name, question: file.question, graphs: graphs.map(\.summary),
      measures: file.measures,
      tasks: tasks)
    return (plan, requests)
  }

  /// Whether a measure selects a model, which must have what it reads: an origin, checkpoints of
  /// its own, or a slot.
  private func isMeasured(
    _ model: StudyModel, by measure: any Measure, _ name: String
  ) throws -> Bool {
    guard measure.selection.contains(model.request), model.lacks(measure) == nil else {
      return false
    }
    if type(of: measure).readsCheckpoints, model.isDerived { return false }
    // Its rounds are those of the model that it was made of.
    if measure is HardeningMeasure, model.hardening != nil { return false }
    return try !measure.siblings.contains(ModelSelection.origin) || origin(of: model, name) != nil
  }

  /// The model at the head of the line that another was made of; nil where it was made of none.
  private func origin(of model: StudyModel, _ name: String) throws -> StudyModel? {
    guard let parent = try parent(of: model, name) ?? speakers(of: model, name).first else {
      return nil
    }
    return try origin(of: parent, name) ?? parent
  }

  /// What makes a model: "train", "compress" or "harden".
  static func verb(_ run: RunConfiguration?) -> String {
    run?.compression != nil ? "compress" : run?.hardening != nil ? "harden" : "train"
  }

  // MARK: Tasks

  private func generation(_ source: GraphSource, _ summary: GraphSummary) -> StudyTask {
    let verb = if case .schema = source { "generate" } else { "import" }
    return StudyTask(
      number: 0, id: summary.id, kind: .generate, name: "\(verb) \(summary.name)", needs: [],
      follows: [], output: StudyFolder.graphPath(summary.id),
      cost: CostModel.graph(tripleCount: summary.tripleCount))
  }

  /// The training of a model, and its request with the triples that were chosen.
  private func training(
    _ model: StudyModel, _ name: String
  ) throws -> (task: StudyTask, request: TrainingRequest) {
    let resolved = try resolve(model, name)
    let (graph, record) = (graphs[model.graph].summary, resolved.training.record)
    let sources = (resolved.parent.map { [$0] } ?? []) + resolved.text
    let hash =
      sources.isEmpty
      ? try CanonicalJSON.hash(record.configuration).short(10)
      : try Self.hash(
        input: sources.joined(separator: " "), settings: record.configuration, version: 1)
    let id = "\(Self.slug(model.request))-\(hash)"
    let task = StudyTask(
      number: 0, id: id, kind: .train, name: "\(Self.verb(record.configuration)) \(name)",
      needs: [graph.id] + sources, follows: [],
      output: StudyFolder.modelPath(id) + "/run.json",
      cost: try cost(of: model, record, on: graph),
      runID: id, run: record, sources: sources.isEmpty ? nil : sources)
    return (task, resolved.request)
  }

  private func cost(
    of model: StudyModel, _ record: RunRecord, on graph: GraphSummary
  ) throws -> TaskCost {
    if model.compression != nil { return CostModel.compression(record) }
    if let hardening = model.hardening {
      return try HardeningMeasure.cost(of: hardening, record, on: graph)
    }
    return try CostModel.training(
      record, workers: max(1, file.workers / file.sideBySide), keep: file.keep)
  }

  /// A model's training as it will be, the id of the training that it starts from, and those whose
  /// words it learns from.
  private func resolve(_ model: StudyModel, _ name: String) throws -> Resolved {
    if let known = memo.resolved[model] { return known }
    let resolved = try newlyResolved(model, name)
    memo.resolved[model] = resolved
    return resolved
  }

  private struct Resolved {
    let training: ResolvedTraining
    let request: TrainingRequest
    let parent: String?
    let text: [String]
  }

  /// What was resolved once: models are asked for again by all that are made of them.
  private final class Memo {
    var resolved: [StudyModel: Resolved] = [:]
    var rule = LearningRateRule.shapeAndSteps
  }

  private func newlyResolved(_ model: StudyModel, _ name: String) throws -> Resolved {
    let (graph, summary) = graphs[model.graph]
    var request = model.request
    request.learningRateRule = memo.rule
    if let only = model.only {
      request.chosen = try ChosenTriples(in: only, of: graph, fraction: request.fraction)
    }
    let parent = try parent(of: model, name)
    if model.isDerived, let parent {
      let made = try resolve(parent, name).training
      let derived =
        try model.compression.map(made.compressed) ?? model.hardening.map(made.hardened)
      return Resolved(
        training: derived ?? made, request: request,
        parent: try training(parent, name).task.id, text: [])
    }
    let speaking = try speakers(of: model, name)
    let speakers = try speaking.map { try training($0, name).task.id }
    var judges: [String] = []
    if var text = model.text {
      // The weights that they will have are not known yet.
      text.of = speakers
      if text.reward != nil, let first = speaking.first {
        judges = [try training(origin(of: first, name) ?? first, name).task.id]
        text.reward?.of = judges[0]
      }
      request.text = text
    }
    let start = try parent.map { try resolve($0, name).training }
    let resolved = try request.resolve(
      graph: graph, graphPath: "../../" + StudyFolder.graphPath(summary.id),
      start: start.map { ($0.tokenizer, $0.record) })
    return Resolved(
      training: resolved, request: request,
      parent: try parent.map { try training($0, name).task.id }, text: speakers + judges)
  }

  /// The models whose words another learns from: of each entry the one of its graph, fraction and
  /// seed, and of its size where the entry has several.
  private func speakers(of model: StudyModel, _ name: String) throws -> [StudyModel] {
    try model.textOf.map { entry in
      let alike = file.models.filter {
        $0.entry == entry && $0.graph == model.graph && $0.request.seed == model.request.seed
          && $0.request.fraction == model.request.fraction
      }
      let ownSize = alike.filter { $0.request.size == model.request.size }
      guard let speaker = ownSize.first ?? alike.first, max(ownSize.count, 1) == 1,
        !ownSize.isEmpty || alike.count == 1
      else {
        throw LabError(
          "\(name) learns from the words of '\(entry)', which has \(alike.count) models of its graph, fraction and seed, "
            + "\(ownSize.count) of them of its size; let it have one")
      }
      return speaker
    }
  }

  /// The model that another starts from: of its entry the one of the same graph, size, fraction and
  /// seed.
  private func parent(of model: StudyModel, _ name: String) throws -> StudyModel? {
    guard let entry = model.from else { return nil }
    if model.isDerived {
      // It was read off its parent, of which it has all but the entry.
      return file.models.first {
        $0.entry == entry && $0.graph == model.graph && $0.request == model.request
          && $0.only == model.only
      }
    }
    let alike = file.models.filter {
      $0.entry == entry && $0.graph == model.graph && $0.request.size == model.request.size
        && $0.request.fraction == model.request.fraction && $0.request.seed == model.request.seed
    }
    guard alike.count == 1 else {
      throw LabError(
        "\(name) starts from '\(entry)', which has \(alike.count) models of its graph, size, fraction and seed; "
          + "let it have one")
    }
    return alike[0]
  }

  private func task<M: Measure>(
    _ measure: M, _ model: StudyModel, _ training: StudyTask, _ name: String,
    follows: [String]
  ) throws -> StudyTask {
    guard let run = training.run else { return training }
    let measure = measure.among(sizes(beside: model))
    do {
      try measure.check(run.configuration.model)
    } catch {
      throw LabError(
        "\(M.key) asks for what \(name) does not have: \(error); give what all models have, or choose models "
          + "by \(M.key)'s sizes")
    }
    let siblings = try measure.siblings.map { try source($0, of: model, name, for: M.key) }
    let sources = try siblings.map { try self.training($0, name).task.id }
    let read = try measure.inputs(among: file.measures.all).flatMap { input in
      let others = siblings.filter { $0 != model }
      return try ([model] + others).filter {
        input.selection.contains($0.request) && $0.lacks(input) == nil
      }.map {
        try task(input, $0, self.training($0, name).task, name, follows: []).id
      }
    }
    let id = try Self.hash(
      input: ([training.id] + sources + read).joined(separator: " "), settings: measure.settings,
      version: M.version)
    return StudyTask(
      number: 0, id: "\(M.name)-\(id)", kind: .measure(M.self), name: "\(M.name) \(name)",
      needs: [training.id] + sources.filter { $0 != training.id } + read, follows: follows,
      output: StudyFolder.modelPath(training.id) + "/run.sqlite",
      cost: try measure.cost(of: run, on: graphs[model.graph].summary), runID: training.id,
      sources: sources.isEmpty ? nil : sources)
  }

  /// The model that differs from `model` in its size alone, or in its learning rate too.
  private func source(
    _ size: String, of model: StudyModel, _ name: String, for key: String
  ) throws -> StudyModel {
    if size == ModelSelection.origin, let origin = try origin(of: model, name) { return origin }
    if size == ModelSelection.head { return try origin(of: model, name) ?? model }
    if let member = file.models.first(where: { other in
      ModelSelection.seed(other.request.seed) == size && other == model.with(seedOf: other)
    }) {
      return member
    }
    let alike = file.models.filter { $0.request.size == size && isAlike($0, model) }
    let rate = model.request.learningRate
    let chosen = alike.count == 1 ? alike[0] : alike.first { $0.request.learningRate == rate }
    guard let chosen else {
      let what = size.hasPrefix(ModelSelection.seedWord) ? size : "size \(size)"
      let why =
        alike.isEmpty
        ? "has no model of \(what) beside it that is otherwise trained alike; add it to models"
        : "has \(alike.count) of \(what) beside it, none at its own learning rate; leave one"
      throw LabError("\(key) reads a model of \(what) beside each, and \(name) \(why)")
    }
    return chosen
  }

  /// Whether models differ in size, learning rate and the entry that lists them alone.
  private func isAlike(_ other: StudyModel, _ model: StudyModel) -> Bool {
    var peer = model
    peer.request.size = other.request.size
    peer.request.learningRate = other.request.learningRate
    peer.entry = other.entry
    return other == peer
  }

  /// The sizes of models that are trained as `model` is, its own among them.
  private func sizes(beside model: StudyModel) -> [String] {
    file.models.filter { isAlike($0, model) }.map(\.request.size)
  }

  private func report(_ tasks: [StudyTask]) throws -> StudyTask {
    let id = try "report-" + CanonicalJSON.hash(tasks.map(\.id)).short(10)
    return StudyTask(
      number: 0, id: id, kind: .report, name: "report",
      needs: graphs.count == 1 ? [graphs[0].summary.id] : [],
      follows: tasks.map(\.id), output: StudyFolder.reportName,
      cost: TaskCost(flops: 0, seconds: 0.5, memoryMiB: 40, diskBytes: 500_000))
  }

  // MARK: Names and ids

  private struct Key<Settings: Encodable>: Encodable {
    var input: String
    var settings: Settings
    var version: Int
  }

  private static func hash(
    input: String, settings: some Encodable, version: Int
  ) throws -> String {
    let key = Key(input: input, settings: settings, version: version)
    return try CanonicalJSON.hash(key).short(10)
  }

  /// "100k-e20-s0", with "-f0.1" where only a part of the graph is trained on.
  private static func slug(_ request: TrainingRequest) -> String {
    let fraction = request.fraction < 1 ? "-f\(request.fraction)" : ""
    return "\(request.size)-\(request.training.horizon.slug)-s\(request.seed)\(fraction)"
  }
}

extension StudyModel {
  /// The setting of training, with a value, that a measure asks for and that the model lacks; nil
  /// where it lacks none.
  func lacks(_ measure: any Measure) -> String? {
    type(of: measure).needs?.missing(in: request, isFresh: from == nil)
  }

  /// The same with the seed of another, of whichever entry lists that.
  fileprivate func with(seedOf other: StudyModel) -> StudyModel {
    var model = self
    model.request.seed = other.request.seed
    model.entry = other.entry
    model.text?.seed = other.request.seed
    model.text?.reward?.seed = other.request.seed
    return model
  }
}
