import Evaluation
import Foundation
import GRDB
import LabCore
import Report
import Study
import TestSupport
import Testing

/// Numbers that no run can have, and those at the ends of what one can.
@Suite struct ReportNumberTests {
  private let folder: TemporaryFolder
  private var file: URL { folder["study.sqlite"] }

  init() throws { folder = try TemporaryFolder() }

  @Test(
    arguments: [
      ("run", "steps", "-1"), ("run", "parameters", "9223372036854775807"),
      ("run", "training_flops", "9e999"), ("run", "seconds", "1e308"),
      ("rate", "query_count", "-9223372036854775808"), ("rate", "rate", "-1e300"),
      ("graph", "fvs_count", "9223372036854775807"), ("detector", "value", "-9e999"),
    ])
  func impossibleNumbersAreNamed(table: String, column: String, value: String) throws {
    try SampleResults.results().write(to: file)
    let queue = try DatabaseQueue(path: file.path)
    try queue.writeWithoutTransaction {
      try $0.execute(
        sql: "PRAGMA ignore_check_constraints = ON; UPDATE \(table) SET \(column) = \(value)")
    }
    try queue.close()
    let failure = #expect(throws: LabError.self) { try StudyResults(file) }
    let sentence = try #require(failure).description
    #expect(sentence.contains("\(table) results") && sentence.contains("as \(column)"))
    #expect(sentence.contains("kglab study run"))
  }

  @Test func impossibleNumbersAreNotWritten() throws {
    var results = SampleResults.results()
    results["run"][1]["steps"] = -5
    let failure = #expect(throws: LabError.self) { try results.write(to: file) }
    #expect(try #require(failure).description.contains(results["run"][1]["id"] as? String ?? "?"))
    #expect(!FileManager.default.fileExists(atPath: file.path))
  }

  @Test func missingAndRepeatedRowsAreOneSentence() throws {
    var results = SampleResults.results()
    results["rate"][0]["rate"] = Double.nan
    #expect(throws: LabError.self) { try results.write(to: file) }
    results = SampleResults.results()
    results["run"].append(results["run"][0])
    let failure = #expect(throws: LabError.self) { try results.write(to: file) }
    #expect(try #require(failure).description.contains("contradict each other"))
  }

  /// Whatever number a column may hold, a page comes of it.
  @Test func everyPossibleNumberMakesAReport() throws {
    let numbers: [Double] = [
      0, 1, Double(1 << 53), 1e100, -1e100, 1e99, 1e-100, 1e-300, 0.5, -0.5, 1e18,
    ]
    var stream = Seed(7).stream("report/numbers")
    var reports = 0
    for _ in 0..<150 {
      var results = SampleResults.cutAndGraded()
      let number = numbers[stream.below(numbers.count)]
      for table in ["graph", "run", "rate", "candidate_grade", "detector"] {
        alter(&results[table], number, &stream)
      }
      // What a column does not take is refused when it is written.
      guard let study = try? results.study() else { continue }
      reports += 1
      let document = try StudyReport(study, command: "c").document()
      try ReportPage.write(document, to: folder["report.html"])
      _ = try ReportPage.writeParts(of: document, to: folder["figures"])
    }
    #expect(reports > 30)
  }

  /// Sets one numeric column of one row, or of all rows, now and then.
  private func alter(
    _ rows: inout [SampleResults.Row], _ number: Double, _ stream: inout RandomStream
  ) {
    guard stream.below(2) == 0 else { return }
    let columns = rows[0].filter { $0.value is Int || $0.value is Double }.keys.sorted()
    let column = columns[stream.below(columns.count)]
    let chosen = stream.below(3) == 0 ? Array(rows.indices) : [stream.below(rows.count)]
    for index in chosen {
      rows[index][column] = rows[index][column] is Int ? Int(exactly: number) ?? 3 : number
    }
  }
}
