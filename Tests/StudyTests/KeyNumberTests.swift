import Foundation
import LabCore
import Report
import Study
import Testing

/// The cards at the head of a report.
struct KeyNumberTests {
  private static func headlines(_ results: SampleResults) throws -> [Headline] {
    try StudyReport(results.study(), command: "c").document().headlines
  }

  @Test func keyNumbers() throws {
    let headlines = try Self.headlines(SampleResults.results())
    let size = try #require(headlines.first)
    // Between 10k (20 %) and 30k (2 %), linear in the logarithm of size, 5 % is reached at 25k.
    let expected = 10_000 * pow(3, (0.2 - 0.05) / (0.2 - 0.02))
    #expect(size.value == Readable.count(expected))
    #expect(size.detail.text.contains("100 epochs; one seed, so no interval"))
    #expect(headlines.map(\.value).contains("2.0\u{202F}%"))
    // The rate's interval resamples subjects, whose queries are not independent.
    #expect(headlines.contains { $0.detail.text.hasSuffix("over subjects") })
    let unseen = try #require(headlines.last)
    #expect(unseen.value == "57.0\u{202F}% – 61.0\u{202F}%")
    #expect(unseen.detail.text.contains("60.0\u{202F}%"))
  }

  /// The key number of the largest model is that of all of the data, where parts were trained on too.
  @Test func largestModelIsTheOneOfMostData() throws {
    var results = SampleResults.empty()
    for (fraction, rate) in [(0.25, 0.4), (1, 0.1), (0.5, 0.2)] {
      let run = SampleResults.run(size: "3k", parameters: 3000, epochs: 20, seed: 0)
        .merging(["id": "\(fraction)", "fraction": fraction]) { $1 }
      results.add(run, [rate, rate, rate, rate])
    }
    let headlines = try Self.headlines(results)
    #expect(headlines.first { $0.label.hasPrefix("Largest") }?.value == "10.0\u{202F}%")
  }

  /// Of two trainings equally long the size needed is that of the study's first, though models of
  /// the other have fewer parameters.
  @Test func sizeNeededIsOfOneTraining() throws {
    var results = SampleResults.empty()
    for (variant, fewer, rates) in [
      ("first", 0, [0.4, 0.2, 0.02]), ("second", 9, [0.3, 0.01, 0]),
    ] {
      for ((size, parameters), rate) in zip(
        [("3k", 3_000), ("10k", 10_000), ("30k", 30_000)], rates)
      {
        let run = SampleResults.run(
          size: size, parameters: parameters - fewer, epochs: 20, seed: 0, variant: variant)
        results.add(run, [rate, rate, rate, rate])
      }
    }
    let headline = try #require(try Self.headlines(results).first)
    #expect(
      headline.value == Readable.count(10_000 * pow(3, (0.2 - 0.05) / (0.2 - 0.02)))
        && headline.detail.text.contains("first"))
  }

  @Test func sizeThatIsNotReachedSaysSo() throws {
    var results = SampleResults.results()
    results["rate"] = results["rate"].map { row in
      row.merging(["rate": 0.5, "lower": 0.4, "upper": 0.6]) { $1 }
    }
    let headline = try Self.headlines(results).first
    #expect(headline?.value == "not reached")
  }
}
