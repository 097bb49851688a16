import Analysis
import Testing

struct RankCorrelationTests {
  /// numpy's correlation of mean ranks; of {1, 2, 3, 4} against {2, 1, 4, 3}: 1 - 6 * 4 / (4 * 15).
  @Test func spearman() throws {
    let tied = try #require(
      RankCorrelation.spearman([1, 2, 2, 5, 3], [0.3, 0.1, 0.9, 0.9, 0.2]))
    #expect(abs(tied - 0.23684210526315794) < 1e-12)
    #expect(abs(try #require(RankCorrelation.spearman([1, 2, 3, 4], [2, 1, 4, 3])) - 0.6) < 1e-12)
    #expect(RankCorrelation.spearman([1, 5, 9], [2, 3, 80]) == 1)
    #expect(RankCorrelation.spearman([1, 5, 9], [3, 3, 3]) == nil)
    #expect(RankCorrelation.spearman([1], [3]) == nil && RankCorrelation.spearman([], []) == nil)
  }

  /// Half the mean absolute difference of pairs, over the mean: by numpy.
  @Test func gini() throws {
    for (values, expected) in [
      ([1, 2, 3, 4], 0.25), ([0, 0, 5, 0], 0.75), ([2, 2, 2], 0),
      ([0.3, 1.7, 0.2, 4.1, 0.9], 23.0 / 45),
    ] {
      #expect(abs(try #require(RankCorrelation.gini(values)) - expected) < 1e-12)
    }
    #expect(RankCorrelation.gini([0, 0]) == nil && RankCorrelation.gini([]) == nil)
  }
}
