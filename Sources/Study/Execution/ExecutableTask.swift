package import LabCore

/// One piece of work for `TaskExecutor`.
package struct ExecutableTask: Sendable {
  package let id: String
  /// A few words for people: "train 100k, 20 epochs".
  package let name: String
  /// Tasks of one kind share the correction of their estimated time.
  package let kind: String
  /// Among tasks that can start, the lowest rank starts first, then the longest.
  package let rank: Int
  /// Expected seconds of work; only ratios within a kind matter once some of it is done.
  package let estimatedSeconds: Double
  /// Ids of tasks that must be done first; if one fails this one is skipped.
  package let needs: [String]
  /// Ids of tasks that must have ended first, however they ended.
  package let follows: [String]
  /// Whether the result of an earlier session, which left this record, is still there.
  package let isResultPresent: @Sendable (TaskRecord) -> Bool
  /// The hash of what it made, for its record.
  package let outputHash: @Sendable () throws -> String?
  /// Does the work and returns one line about the result.
  package let run: @Sendable (Work) throws -> String

  package init(
    id: String, name: String, kind: String, rank: Int = 0, estimatedSeconds: Double = 1,
    needs: [String] = [], follows: [String] = [],
    isResultPresent: @escaping @Sendable (TaskRecord) -> Bool = { _ in true },
    outputHash: @escaping @Sendable () throws -> String? = { nil },
    run: @escaping @Sendable (Work) throws -> String
  ) {
    self.id = id
    self.name = name
    self.kind = kind
    self.rank = rank
    self.estimatedSeconds = estimatedSeconds
    self.needs = needs
    self.follows = follows
    self.isResultPresent = isResultPresent
    self.outputHash = outputHash
    self.run = run
  }
}
