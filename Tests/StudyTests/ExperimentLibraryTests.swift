import Detection
import Evaluation
import Foundation
import Study
import TestSupport
import Testing

/// The studies of experiments/ stay readable and possible.
@Suite struct ExperimentLibraryTests {
  private static let files: [String] = {
    let folder = Repository.file("experiments").path
    let paths = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return paths.filter { $0.hasSuffix(".yaml") }.sorted()
  }()

  @Test func someAreThere() {
    #expect(Self.files.contains("quickstart/study.yaml"))
    #expect(Self.files.contains("detectability/small.yaml"))
  }

  @Test(arguments: files)
  func isPlanned(path: String) throws {
    let temporary = try TemporaryFolder()
    let file = try StudyFile.read(Repository.file("experiments/\(path)"))
    // Its graph has ten million triples; the small study beside it is planned.
    guard path != "paper-scale/study.yaml" else { return }
    let plan = try StudyRunner(file: file, folder: temporary["out"]).plan
    #expect(plan.tasks(.train).count == file.models.count)
    #expect(plan.tasks(.detect).isEmpty == (file.measures.detection == nil))
  }
}
