import LabCore
import Testing

@Suite struct ReadableTests {
  @Test(
    arguments: [
      (0.4, "0:00"), (42, "0:42"), (185, "3:05"), (3729, "1:02:09"), (359_999, "99:59:59"),
      (.infinity, "?"), (.nan, "?"),
    ] as [(Double, String)])
  func durations(seconds: Double, expected: String) {
    #expect(Readable.duration(seconds) == expected)
  }

  @Test(
    arguments: [
      (0, "0"), (950, "950"), (1000, "1k"), (12_345, "12.3k"), (123_456, "123k"),
      (4_560_000, "4.56m"), (1.61e9, "1.61b"), (2.5e12, "2.50t"),
    ] as [(Double, String)])
  func counts(value: Double, expected: String) {
    #expect(Readable.count(value) == expected)
  }

  @Test func sharesAndNumbersHaveFewDigits() {
    #expect(Readable.percent(0.5663) == "56.6 %")
    #expect(Readable.percent(nil) == "-")
    #expect(Readable.fixed(2.5, 3) == "2.500")
    #expect(Readable.probability(0.00002) == "2.0e-05")
    #expect(
      [0.12034, 41.5, 1200, 123_456.7].map(Readable.number) == ["0.1203", "41.5", "1200", "123457"])
    #expect([0, 999, 12_345, -1_234_567].map(\.grouped) == ["0", "999", "12,345", "-1,234,567"])
  }

  @Test func tablesAlignTheirColumns() {
    var table = TextTable(["name", "n", "note"], left: [0, 2])
    table.add(["a", "12", ""])
    table.add(["long\u{1B}er", "3", "yes"])
    #expect(
      table.lines == ["name           n  note", "a             12", "long\\u{1B}er   3  yes"])
    #expect(TextTable([""]).text == "\n")
  }

  @Test func errorsCarryTheirExitCodes() {
    #expect(LabError("no").exitStatus.rawValue == 65)
    #expect(LabError("no", .usage).exitStatus.rawValue == 64)
    #expect(LabError.interrupted("saved at step 3").exitStatus.rawValue == 75)
    #expect(
      LabError.interrupted("saved at step 3").description
        == "saved at step 3; run the same command again to continue")
  }
}
