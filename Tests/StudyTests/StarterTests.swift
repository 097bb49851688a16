import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import Study
import TestSupport
import Testing
import Training

/// The files that `kglab init` writes.
@Suite struct StarterTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func theFilesWorkAsTheyAre() throws {
    try StarterFiles.write(to: folder["new"])
    let schema = try GraphSchema.read(folder["new/schema.yaml"])
    let graph = folder["graph.sqlite"]
    _ = try GraphGenerator(schema: schema, seed: Seed(7)).write(to: graph)
    let inspection = try GraphInspection(of: graph)
    #expect(inspection.isSound, "\(inspection.checks.filter { !$0.passed })")
    #expect((2000...5000).contains(inspection.profile.triples.total))
    let file = try StudyFile.read(folder["new"])
    let plan = try StudyRunner(file: file, folder: folder["out"]).plan
    #expect(plan.tasks(.train).count == 6)
    #expect(plan.tasks(.detect).count == 3)
  }

  @Test func soTheyDoWithEverySettingOn() throws {
    let all = StarterFiles.allSettings(StarterFiles.schema)
    #expect(all != StarterFiles.schema)
    try folder.write(all, to: "schema.yaml")
    try folder.write(StarterFiles.allSettings(StarterFiles.study), to: "study.yaml")
    let schema = try GraphSchema.read(folder["schema.yaml"])
    #expect(schema.exposures == .pareto(shape: 1, max: 64))
    #expect(schema.noise?.duplicate == 0.05)
    let graph = folder["graph.sqlite"]
    _ = try GraphGenerator(schema: schema, seed: Seed(7)).write(to: graph)
    #expect(try GraphInspection(of: graph).isSound)
    let file = try StudyFile.read(folder.url)
    let plan = try StudyRunner(file: file, folder: folder["out"]).plan
    #expect(plan.tasks(.train).count == 3 * 2 * 3 * 2 * 3 + 2 * 3 * 3)
    for kind in ["attack", "harden", "pirs", "disjoint", "traps"] {
      #expect(plan.tasks.contains { $0.kind.rawValue == kind }, "\(kind)")
    }
  }

  /// The keys that the readers know, as their errors for an unknown key would list them.
  @Test(arguments: [
    "name", "description", "entity_types", "predicates", "visibility", "exposures", "noise",
    "count",
    "scale", "parent", "ambiguous", "model", "parts", "pool", "syllables", "prefix", "digits",
    "start", "from", "to", "step", "decimals", "unit", "pattern", "subject", "object", "objects",
    "coverage", "popularity", "functional", "inverse_functional", "symmetric", "transitive",
    "acyclic", "given", "strength", "spread", "rule", "inverse_of", "held_out", "templates", "min",
    "max", "poisson", "zipf", "weights", "pareto", "contradictory", "stale", "duplicate", "query",
  ])
  func everyKeyOfASchemaIsShown(key: String) {
    let all = StarterFiles.allSettings(StarterFiles.schema)
    #expect(all.contains("\(key):") || all.contains("  \(key)  "), "\(key)")
  }

  private static let studyKeys =
    StudyFile.keys + ModelGrid.keys + MeasureSet.known.flatMap { $0.settingNames }
    + ["schema", "import", "columns", "hold_out", "seed", "set", "scale"]
    + TrainingOption.all.filter { $0.section != nil }.map(\.name)

  @Test(arguments: Set(studyKeys).sorted())
  func everyKeyOfAStudyIsShown(key: String) {
    let all = StarterFiles.allSettings(StarterFiles.study)
    // The other ways to say how long a training is stand in a remark.
    let remarked = ["steps", "tokens", "flops"].contains(key)
    #expect(all.contains(remarked ? key : "\(key):") || all.contains("  \(key)  "), "\(key)")
  }

  @Test(arguments: TrainingOption.all.filter { $0.section != nil }.map(\.name))
  func everyOptionOfATrainingIsDocumented(key: String) throws {
    let docs = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../docs").standardized
    let page = try String(contentsOf: docs.appendingPathComponent("studies.md"), encoding: .utf8)
    #expect(page.contains("`\(key)`"))
    let help = try String(contentsOf: docs.appendingPathComponent("cli.md"), encoding: .utf8)
    let option = key.replacing("_", with: "-")
    #expect(help.contains("  --\(option) ") || help.contains("  --no-\(option) "))
  }

  @Test(arguments: ["schema.yaml", "study.yaml"])
  func nothingIsReplaced(name: String) throws {
    try folder.write("mine", to: name)
    #expect(throws: LabError.self) { try StarterFiles.write(to: folder.url) }
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
    #expect(files == [name])
    #expect(try folder.text(name) == "mine")
  }

  /// A process that is killed between the two files leaves the first.
  @Test func whatAKilledProcessBeganIsCompleted() throws {
    try StarterFiles.write(to: folder.url)
    let study = folder[StarterFiles.studyName]
    let text = try Data(contentsOf: study)
    try FileManager.default.removeItem(at: study)
    try StarterFiles.write(to: folder.url)
    #expect(try Data(contentsOf: study) == text)
    #expect(throws: LabError.self, "both are there") { try StarterFiles.write(to: folder.url) }
  }
}

extension StarterFiles {
  /// The text of a starter file with every setting switched on.
  fileprivate static func allSettings(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let indentation = line.prefix { $0 == " " }
      let rest = line.dropFirst(indentation.count)
      guard rest.hasPrefix("#"), let next = rest.dropFirst().first, next != " " else {
        return String(line)
      }
      return String(indentation + rest.dropFirst())
    }.joined(separator: "\n")
  }
}
