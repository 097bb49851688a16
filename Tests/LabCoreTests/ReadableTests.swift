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

  @Test func errorsCarryTheirExitCodes() {
    #expect(LabError("no").exitStatus.rawValue == 65)
    #expect(LabError("no", .usage).exitStatus.rawValue == 64)
    #expect(LabError.interrupted("saved at step 3").exitStatus.rawValue == 75)
    #expect(
      LabError.interrupted("saved at step 3").description
        == "saved at step 3; run the same command again to continue")
  }
}
