import Evaluation
package import Foundation
import KnowledgeGraph
import LabCore
import Training

/// The output folder of one study, and where things stand in it.
package struct StudyFolder: Sendable {
  package let url: URL

  static let reportName = "report.html"
  static let planName = "plan.json"
  static let databaseName = "study.sqlite"
  /// What a batch system's jobs print.
  static let logsName = "logs"
  /// What a study leaves in its folder.
  private static let own: Set = [
    planName, databaseName, reportName, "figures", "tasks", "graphs", "models",
    logsName,
  ]

  /// The folder at `url`, which need not exist.
  package init(_ url: URL) { self.url = url }

  package var plan: URL { url.appendingPathComponent(Self.planName) }
  package var database: URL { url.appendingPathComponent(Self.databaseName) }
  package var report: URL { url.appendingPathComponent(Self.reportName) }
  /// CSV, SVG and Vega-Lite of every figure of the report.
  package var figures: URL { url.appendingPathComponent("figures") }
  package var journal: TaskJournal { TaskJournal(folder: url.appendingPathComponent("tasks")) }

  static func graphPath(_ id: String) -> String { "graphs/\(id)/graph.sqlite" }
  static func modelPath(_ id: String) -> String { "models/\(id)" }

  func graph(_ id: String) -> URL { url.appendingPathComponent(Self.graphPath(id)) }
  func model(_ id: String) -> URL { url.appendingPathComponent(Self.modelPath(id)) }

  /// The plan that was last run here.
  ///
  /// Throws `LabError` when the folder holds no study, or one of another version.
  package func readPlan() throws -> StudyPlan {
    guard let data = try? Data(contentsOf: plan) else {
      throw LabError(
        "\(url.relativePath) holds no study (no plan.json); run one with 'kglab study run STUDY'")
    }
    struct Version: Decodable {
      let formatVersion: Int

      enum CodingKeys: String, CodingKey { case formatVersion = "format_version" }
    }
    guard let version = try? JSONDecoder().decode(Version.self, from: data) else { throw damaged }
    guard version.formatVersion == 1 else {
      throw LabError(
        "\(plan.relativePath) has format \(version.formatVersion), made by another version of kglab; "
          + "use that one, or choose another folder")
    }
    guard let plan = try? JSONDecoder().decode(StudyPlan.self, from: data) else { throw damaged }
    return plan
  }

  private var damaged: LabError {
    LabError(
      "\(plan.relativePath) is damaged; run 'kglab study run STUDY --out \(Readable.shellWord(url.relativePath))' to write it anew, "
        + "with all work kept")
  }

  /// The name of the study that was last run here; nil where the plan cannot be read, which any
  /// later run mends.
  private func readableName() throws -> String? {
    do {
      return try readPlan().name
    } catch let error as LabError where error == damaged {
      return nil
    }
  }

  /// Refuses a folder with another study or with files of another program, before anything is
  /// written.
  func checkUsable(for name: String) throws {
    guard let kind = FileKind.of(url) else { return }
    guard kind == .folder else {
      throw LabError("\(url.relativePath) is a file; give --out the name of a folder", .usage)
    }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    // A plan that is missing or damaged is written anew: tasks are known by ids that no other study
    // shares by chance.
    if names.contains(Self.planName), let present = try readableName() {
      guard present == name else {
        throw LabError(
          "\(url.relativePath) holds the study '\(present)', not '\(name)'; choose another --out")
      }
    }
    if let stranger = names.sorted().first(where: { !$0.hasPrefix(".") && !Self.own.contains($0) })
    {
      throw LabError(
        "\(url.relativePath) is not empty and holds no study (it has '\(stranger)'); "
          + "choose another --out")
    }
  }

  /// What a measure's task reads; nil where a run of it is not there.
  func subject(
    of task: StudyTask, in plan: StudyPlan,
    graph: @escaping @Sendable () throws -> KnowledgeGraph
  ) throws -> MeasuredRun? {
    func run(_ id: String, _ siblings: [MeasuredRun] = []) throws -> MeasuredRun? {
      try RunFolder.readRecord(model(id)).map {
        MeasuredRun(folder: model(id), record: $0, siblings: siblings, graph: graph)
      }
    }
    let siblings = try (task.sources ?? []).map { try run($0) }
    guard let runID = task.runID, !siblings.contains(where: { $0 == nil }) else { return nil }
    var subject = try run(runID, siblings.compactMap(\.self))
    subject?.inputs =
      try plan.measures.measure(task.kind)?.inputs(among: plan.measures.all) ?? []
    return subject
  }

  /// Folders of models that no task of the plan uses: results of earlier versions of the study.
  package func leftovers(_ plan: StudyPlan) -> [String] {
    let used = Set(plan.tasks.compactMap(\.runID))
    let models = url.appendingPathComponent("models").path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: models)) ?? []
    return names.filter { !$0.hasPrefix(".") && !used.contains($0) }.sorted()
  }
}
