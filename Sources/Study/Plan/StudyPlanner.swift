package import Evaluation
import Foundation
package import KnowledgeGraph
import LabCore
package import Training

/// Expands a study to its tasks.
package struct StudyPlanner {
  private let file: StudyFile
  private let graph: KnowledgeGraph
  private let summary: GraphSummary

  /// Plans `file` on its graph, which `GraphStage` made or found.
  package init(file: StudyFile, graph: KnowledgeGraph, summary: GraphSummary) {
    self.file = file
    self.graph = graph
    self.summary = summary
  }

  /// The numbered tasks: the graph, then for each model its training and measures, then the report.
  ///
  /// Returns the request behind each training by its id. Throws an error that names the setting when a
  /// model cannot be trained on the graph.
  package func plan() throws -> (StudyPlan, requests: [String: TrainingRequest]) {
    var tasks = [generation()]
    var requests: [String: TrainingRequest] = [:]
    // Measures that read other models come after all trainings.
    var later: [StudyTask] = []
    let words = ModelWords(file.models)
    for (request, name) in zip(file.models, words.names) {
      var training = try training(request, name)
      training.variant = words.variant(request)
      guard !tasks.contains(where: { $0.id == training.id }) else { continue }
      tasks.append(training)
      requests[training.id] = request
      var before: [String] = []
      for measure in file.measures.all where measure.selection.contains(request) {
        let task = try self.task(measure, request, training, name, follows: before)
        if task.sources == nil { tasks.append(task) } else { later.append(task) }
        // All of a run's measures write its run.sqlite, so one follows the other.
        before = [task.id]
      }
    }
    tasks += later
    tasks.append(try report(tasks))
    for index in tasks.indices { tasks[index].number = index + 1 }
    let plan = StudyPlan(
      name: file.name, question: file.question, graph: summary, measures: file.measures,
      tasks: tasks)
    return (plan, requests)
  }

  // MARK: Tasks

  private func generation() -> StudyTask {
    let verb = if case .schema = file.graph { "generate" } else { "import" }
    return StudyTask(
      number: 0, id: summary.id, kind: .generate, name: "\(verb) \(summary.name)", needs: [],
      follows: [], output: StudyFolder.graphPath(summary.id),
      cost: CostModel.graph(tripleCount: summary.tripleCount))
  }

  private func training(_ request: TrainingRequest, _ name: String) throws -> StudyTask {
    let graphPath = "../../" + StudyFolder.graphPath(summary.id)
    let record = try request.resolve(graph: graph, graphPath: graphPath).record
    let id = try "\(Self.slug(request))-\(CanonicalJSON.hash(record.configuration).short(10))"
    return StudyTask(
      number: 0, id: id, kind: .train, name: "train \(name)", needs: [summary.id], follows: [],
      output: StudyFolder.modelPath(id) + "/run.json",
      cost: try CostModel.training(
        record, workers: max(1, file.workers / file.sideBySide), keep: file.keep),
      runID: id, run: record)
  }

  private func task<M: Measure>(
    _ measure: M, _ request: TrainingRequest, _ training: StudyTask, _ name: String,
    follows: [String]
  ) throws -> StudyTask {
    guard let run = training.run else { return training }
    do {
      try measure.check(run.configuration.model)
    } catch {
      throw LabError(
        "\(M.key) asks for what \(name) does not have: \(error); give what all models have, or choose models "
          + "by \(M.key)'s sizes")
    }
    let siblings = try measure.siblings.map { try source($0, of: request, name, for: M.key) }
    let sources = try siblings.map { try self.training($0, name).id }
    let read = try measure.inputs(among: file.measures.all).flatMap { input in
      let others = siblings.filter { $0 != request }
      return try ([request] + others).filter(input.selection.contains).map {
        try task(input, $0, self.training($0, name), name, follows: []).id
      }
    }
    let id = try Self.hash(
      input: ([training.id] + sources + read).joined(separator: " "), settings: measure.settings,
      version: M.version)
    return StudyTask(
      number: 0, id: "\(M.name)-\(id)", kind: .measure(M.self), name: "\(M.name) \(name)",
      needs: [training.id] + sources.filter { $0 != training.id } + read, follows: follows,
      output: StudyFolder.modelPath(training.id) + "/run.sqlite",
      cost: try measure.cost(of: run, on: summary), runID: training.id,
      sources: sources.isEmpty ? nil : sources)
  }

  /// The model that differs from `request` in its size alone, or in its learning rate too.
  private func source(
    _ size: String, of request: TrainingRequest, _ name: String, for key: String
  ) throws -> TrainingRequest {
    var peer = request
    peer.size = size
    let alike = file.models.filter { model in
      peer.learningRate = model.learningRate
      return model == peer
    }
    let chosen =
      alike.count == 1 ? alike[0] : alike.first { $0.learningRate == request.learningRate }
    guard let chosen else {
      let why =
        alike.isEmpty
        ? "has no model of size \(size) beside it that is otherwise trained alike; add it to models"
        : "has \(alike.count) of size \(size) beside it, none at its own learning rate; leave one"
      throw LabError("\(key) reads a model of size \(size) beside each, and \(name) \(why)")
    }
    return chosen
  }

  private func report(_ tasks: [StudyTask]) throws -> StudyTask {
    let id = try "report-" + CanonicalJSON.hash(tasks.map(\.id)).short(10)
    return StudyTask(
      number: 0, id: id, kind: .report, name: "report", needs: [summary.id],
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
