import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import Testing

struct RateTests {
  /// The bootstrap over subjects against the normal interval of a ratio estimator with clusters.
  @Test func bootstrapMatchesClusterVariance() throws {
    var stream = Seed(1).stream("test")
    var subjects: [Int32] = []
    var values: [Double] = []
    var residuals: [Double] = []
    for subject in 0..<300 {
      let own = stream.uniform()
      for _ in 0..<(1 + subject % 4) {
        subjects.append(Int32(subject))
        values.append(stream.uniform() < own ? 1 : 0)
      }
    }
    let mean = values.reduce(0, +) / Double(values.count)
    for subject in 0..<300 {
      let own = subjects.indices.filter { subjects[$0] == Int32(subject) }
      residuals.append(own.reduce(0) { $0 + values[$1] - mean })
    }
    let error = residuals.reduce(0) { $0 + $1 * $1 }.squareRoot() / Double(values.count)
    let bootstrap = SubjectBootstrap(subjects: subjects, series: [values])
    #expect(bootstrap.subjectCount == 300)
    #expect(abs(bootstrap.means[0] - mean) < 1e-12)
    var draws = Seed(2).stream("test")
    let interval = try #require(bootstrap.intervals(resamples: 2_000, stream: &draws))[0]
    #expect(abs(interval.lower - (mean - 1.96 * error)) < 0.15 * error)
    #expect(abs(interval.upper - (mean + 1.96 * error)) < 0.15 * error)
  }

  @Test func oneSubjectHasNoInterval() {
    var stream = Seed(0).stream("test")
    let bootstrap = SubjectBootstrap(subjects: [4, 4], series: [[0, 1]])
    #expect(bootstrap.intervals(resamples: 10, stream: &stream) == nil)
  }

  /// Each break-down is the whole again when its groups are weighted by their queries.
  @Test func groupsAverageToTheWhole() throws {
    let fixture = try Fixture(TestGraph.people(30))
    let summary = try fixture.summary(options(sampled: [0, 1], samples: 3, resamples: 20))
    #expect(summary.queryCount == 90)
    #expect(summary.subjectCount == 30)
    for whole in summary.rates where whole.groupKind == "all" {
      #expect(abs(whole.correct + whole.correctHeldOut + whole.rate - 1) < 1e-9)
      for kind in ["predicate", "answer_count"] {
        let parts = summary.rates.filter {
          $0.series == whole.series && $0.visibility == whole.visibility
            && $0.groupKind == kind
        }
        #expect(parts.reduce(0) { $0 + $1.queryCount } == whole.queryCount)
        let mean = parts.reduce(0) { $0 + $1.rate * Double($1.queryCount) }
        #expect(abs(mean / Double(whole.queryCount) - whole.rate) < 1e-9)
      }
    }
    let predicates = Set(summary.rates.filter { $0.groupKind == "predicate" }.map(\.groupValue))
    #expect(predicates == ["in", "likes", "near"])
  }

  @Test func intervalsContainTheirRates() throws {
    let fixture = try Fixture(TestGraph.people(30))
    let summary = try fixture.summary(options(sampled: [0, 1], samples: 3))
    for rate in summary.rates where rate.groupKind == "all" {
      let (lower, upper) = (try #require(rate.lower), try #require(rate.upper))
      #expect(lower <= rate.rate && rate.rate <= upper)
      #expect(rate.interval == (rate.method == .greedy ? .wilson : .bootstrap))
      #expect(lower < upper)
    }
    let none = try fixture.summary(options(resamples: 0))
    #expect(none.rates.allSatisfy { $0.lower == nil && $0.interval == .none })
  }

  @Test func summariesSurviveJSON() throws {
    let summary = try Fixture(TestGraph.tiny).summary(options(sampled: [0, 1], samples: 2))
    let data = try CanonicalJSON.compact(summary)
    #expect(try JSONDecoder().decode(EvaluationSummary.self, from: data) == summary)
  }
}
