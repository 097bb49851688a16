import LabCore
import Testing

@Suite struct TimingTests {
  @Test func theMedianIsTheMiddleOne() {
    #expect(Timing(seconds: [3, 1, 2]).median == 2)
    #expect(Timing(seconds: [4, 1, 3, 2]).median == 3)
  }

  @Test func warmUpsAreLeftOut() {
    var calls = 0
    let timing = Timing.collect(for: 0, warmUps: 1, atLeast: 4) {
      calls += 1
      return Double(calls)
    }
    #expect(timing.seconds == [2, 3, 4, 5])
  }

  @Test func oneWarmUpIsEnoughOnceTheBudgetIsSpent() {
    var calls = 0
    let timing = Timing.collect(for: 0, warmUps: 3, atLeast: 1) {
      calls += 1
      return 1
    }
    #expect(timing.seconds == [1])
    #expect(calls == 2)
  }

  @Test func aRateIsCountOverTime() {
    let rate = WorkRate.measure("add", unit: "numbers", for: 0, atLeast: 2) { 7 }
    #expect(rate.count == 7)
    #expect(rate.repetitions == 2)
    #expect(rate.seconds > 0)
    #expect(rate.perSecond == 7 / rate.seconds)
    #expect((rate.peakMemoryMiB ?? 1) > 0)
  }
}
