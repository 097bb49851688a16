package import Compute
package import Corpus
import LabCore
package import LanguageModel

/// What is measured and how; everything here may change the numbers.
package struct EvaluationOptions: Codable, Hashable, Sendable {
  /// Temperatures of the exact rate, each above 0.
  package var exactTemperatures: [Double] = [1]
  /// Temperatures at which completions are drawn; 0 is greedy and gives one completion a query.
  package var sampleTemperatures: [Double] = [0, 1]
  /// Completions of each query at each temperature above 0.
  package var samples = 16
  /// Decides the draws of completions and the resamples behind intervals.
  package var seed: UInt64 = 0
  package var precision: Precision = .fp32
  /// Resamples of the subjects behind a bootstrap interval; 0 for rates without one.
  package var resampleCount = 1_000
  /// True for questions in an unseen phrasing; nil, and no key, for the seen one.
  private var asksUnseenPhrasing: Bool?

  /// Which phrasing questions are put in, of a model that was trained on sentences.
  package var phrasing: AskedPhrasing {
    get { asksUnseenPhrasing == true ? .unseen : .seen }
    set { asksUnseenPhrasing = newValue == .unseen ? true : nil }
  }

  /// Draws from the likeliest tokens alone, this many at most; nil for all.
  ///
  /// It cuts the distributions of the exact rate and of samples alike, after the temperature;
  /// greedy is as it was.
  package var topK: Int?
  /// Draws from the fewest likeliest tokens with at least this probability together; nil for all.
  package var topP: Double?

  /// Wrong answers of the right type that each true answer is ranked among; nil for no ranking.
  package var candidates: Int?

  package init() {}

  /// The cut of both.
  package var truncation: Truncation { Truncation(topK: topK, topP: topP) }

  enum CodingKeys: String, SnakeCaseKey {
    case exactTemperatures, sampleTemperatures, samples, seed, precision, resampleCount, topK, topP,
      candidates
    case asksUnseenPhrasing = "unseen_phrasing"
  }

  /// Largest number of completions a query may get at one temperature.
  package static let maximumSamples = 1_024

  /// Temperatures above 0 that logits can be divided by and stay numbers.
  package static let temperatures = 1e-6...1_000
  /// The same in words.
  package static let temperatureRange = "0.000001 to 1000"

  /// Largest number of candidates a true answer may be ranked among.
  package static let maximumCandidates = 100_000

  /// Refuses values that cannot be measured; throws `LabError` naming the option.
  package func validate() throws {
    for temperature in exactTemperatures where !Self.temperatures.contains(temperature) {
      throw LabError(
        "no exact rate is taken at temperature \(temperature); choose temperatures from "
          + Self.temperatureRange, .usage)
    }
    for temperature in sampleTemperatures
    where temperature != 0 && !Self.temperatures.contains(temperature) {
      throw LabError(
        "temperature \(temperature) is impossible; choose 0 (greedy), or temperatures from "
          + Self.temperatureRange, .usage)
    }
    for list in [exactTemperatures, sampleTemperatures] where Set(list).count < list.count {
      throw LabError("a temperature is given twice in \(list); give each once", .usage)
    }
    guard !(exactTemperatures.isEmpty && sampleTemperatures.isEmpty) || candidates != nil else {
      throw LabError("no temperature is given, so nothing would be measured", .usage)
    }
    guard (1...Self.maximumSamples).contains(samples) else {
      throw LabError(
        "samples is \(samples); it must be between 1 and \(Self.maximumSamples)", .usage)
    }
    try truncation.validate()
    if let candidates, !(1...Self.maximumCandidates).contains(candidates) {
      throw LabError(
        "candidates is \(candidates); it must be between 1 and \(Self.maximumCandidates)", .usage)
    }
    guard (0...1_000_000).contains(resampleCount) else {
      throw LabError(
        "resample_count is \(resampleCount); it must be between 0 and 1000000", .usage)
    }
  }

  /// Completions of each query at a temperature.
  package func samples(at temperature: Double) -> Int { temperature == 0 ? 1 : samples }
}
