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
    try StudyDatabase.write(SampleResults.results(), to: file)
    let queue = try DatabaseQueue(path: file.path)
    try queue.write { try $0.execute(sql: "UPDATE \(table) SET \(column) = \(value)") }
    try queue.close()
    let failure = #expect(throws: LabError.self) { try StudyDatabase.read(file) }
    let sentence = try #require(failure).description
    #expect(sentence.contains("\(table) results") && sentence.contains("as \(column)"))
    #expect(sentence.contains("kglab study run"))
  }

  @Test func impossibleNumbersAreNotWritten() throws {
    var results = try SampleResults.results()
    results.runs[1] = try #require(try altered(results.runs[1], "steps", -5))
    let failure = #expect(throws: LabError.self) { try StudyDatabase.write(results, to: file) }
    #expect(try #require(failure).description.contains(results.runs[1].id))
    #expect(!FileManager.default.fileExists(atPath: file.path))
  }

  @Test func missingAndRepeatedRowsAreOneSentence() throws {
    var results = try SampleResults.results()
    results.rates[0].rate = .nan
    #expect(throws: LabError.self) { try StudyDatabase.write(results, to: file) }
    results = try SampleResults.results()
    results.runs.append(results.runs[0])
    let failure = #expect(throws: LabError.self) { try StudyDatabase.write(results, to: file) }
    #expect(try #require(failure).description.contains("contradict each other"))
  }

  /// Whatever number a column may hold, a page comes of it.
  @Test func everyPossibleNumberMakesAReport() throws {
    let numbers: [NSNumber] = [
      0, 1, NSNumber(value: 1 << 53), 1e100, -1e100, 1e99, 1e-100, 1e-300, 0.5, -0.5, 1e18,
    ]
    var stream = Seed(7).stream("report/numbers")
    for _ in 0..<150 {
      var results = try SampleResults.cutAndGraded()
      for _ in 0..<3 {
        let number = numbers[stream.below(numbers.count)]
        try alter(&results.graphs, number, &stream)
        try alter(&results.runs, number, &stream)
        try alter(&results.rates, number, &stream)
        try alter(&results.grades, number, &stream)
        try alter(&results.detectors, number, &stream)
      }
      let document = StudyReport(results, command: "c").document()
      try ReportPage.write(document, to: folder["report.html"])
      _ = try ReportPage.writeParts(of: document, to: folder["figures"])
    }
  }

  /// Sets one numeric column of one row, or of all rows.
  private func alter<Row: Codable>(
    _ rows: inout [Row], _ number: NSNumber, _ stream: inout RandomStream
  ) throws {
    guard !rows.isEmpty else { return }
    let columns = try numericColumns(of: rows[0])
    let column = columns[stream.below(columns.count)]
    let chosen = stream.below(3) == 0 ? Array(rows.indices) : [stream.below(rows.count)]
    for index in chosen {
      if let row = try altered(rows[index], column, number) { rows[index] = row }
    }
  }

  private func numericColumns(of row: some Encodable) throws -> [String] {
    try jsonObject(JSONEncoder().encode(row)).filter { $0.value is NSNumber }.keys.sorted()
  }

  /// The row with another number in a column; nil where the column does not take it.
  private func altered<Row: Codable>(_ row: Row, _ column: String, _ number: NSNumber) throws
    -> Row?
  {
    var columns = try jsonObject(JSONEncoder().encode(row))
    columns[column] = number
    return try? JSONDecoder().decode(
      Row.self, from: JSONSerialization.data(withJSONObject: columns))
  }
}
