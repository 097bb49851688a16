import Foundation
import LabCore
import Report
import Testing

@Suite struct ReportPageTests {
  /// Also writes the sample to `KGLAB_SAMPLE_REPORT`, for looking at it in a browser.
  @Test func pageIsWrittenWholeWithItsParts() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("kglab-report-\(UUID().uuidString)")
    let wanted = ProcessInfo.processInfo.environment["KGLAB_SAMPLE_REPORT"]
    let target = wanted.map { URL(fileURLWithPath: $0) } ?? folder
    try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let page = target.appendingPathComponent("report.html")
    try ReportPage.write(SampleReport.document, to: page)
    let written = try String(contentsOf: page, encoding: .utf8)
    #expect(written == (try ReportPage.html(SampleReport.document)))
    let parts = try ReportPage.writeParts(of: SampleReport.document, to: target)
    #expect(parts.count == 5 * 3 + 1)
    #expect(parts.prefix(3) == ["rate-by-size.csv", "rate-by-size.svg", "rate-by-size.vl.json"])
    #expect(parts.last == "runs.csv")
  }
}
