import Dispatch
import Evaluation
import Foundation
import LabCore
import Study
import Synchronization
import TestSupport
import Testing
import Training

/// What fake tasks did, in order.
private final class Log: Sendable {
  private let names = Mutex<[String]>([])

  func add(_ name: String) { names.withLock { $0.append(name) } }
  var all: [String] { names.withLock { $0 } }
}

/// A switch that tasks share.
private final class Flag: Sendable {
  private let value = Atomic<Bool>(false)

  func set() { value.store(true, ordering: .relaxed) }
  var isSet: Bool { value.load(ordering: .relaxed) }
}

/// How many tasks run now, and how many did at most.
private final class Crowd: Sendable {
  private let counts = Mutex((now: 0, most: 0))
  private let expected: Int
  private let isMet = DispatchSemaphore(value: 0)
  private let isExceeded = DispatchSemaphore(value: 0)

  init(of expected: Int) { self.expected = expected }

  func enter() {
    let (now, isRecord) = counts.withLock { state in
      state.now += 1
      defer { state.most = max(state.most, state.now) }
      return (state.now, state.now > state.most)
    }
    if now > expected { isExceeded.signal() }
    guard isRecord, now <= expected else { return }
    // The first to come wait until as many are there as are expected, and then for one too many.
    if now == expected {
      _ = isExceeded.wait(timeout: .now() + 0.05)
      for _ in 1..<expected { isMet.signal() }
    } else {
      _ = isMet.wait(timeout: .now() + 20)
    }
  }

  func leave() { counts.withLock { $0.now -= 1 } }
  var most: Int { counts.withLock { $0.most } }
}

private struct Broken: LabFailure {
  let description = "it broke; mend it"
  let exitStatus = ExitStatus.failure
}

@Suite struct ExecutorTests {
  private let folder: TemporaryFolder
  private let log = Log()
  private var journal: TaskJournal { TaskJournal(folder: folder["t"]) }

  init() throws { folder = try TemporaryFolder() }

  private func task(
    _ name: String, needs: [String] = [], follows: [String] = [], rank: Int = 0,
    seconds: Double = 1, isResultPresent: Bool = true,
    _ work: @escaping @Sendable (Work) throws -> Void = { _ in }
  ) -> ExecutableTask {
    ExecutableTask(
      id: name, name: "task \(name)", kind: "fake", rank: rank, estimatedSeconds: seconds,
      needs: needs, follows: follows, isResultPresent: { _ in isResultPresent }
    ) { [log] progress in
      log.add(name)
      try work(progress)
      return "result of \(name)"
    }
  }

  private func run(
    _ tasks: [ExecutableTask], workers: Int = 1, failFast: Bool = false,
    isInterrupted: @escaping @Sendable () -> Bool = { false }
  ) throws -> ExecutionSummary {
    try TaskExecutor(
      tasks: tasks, journal: journal, workers: workers, failFast: failFast,
      isInterrupted: isInterrupted
    ).run()
  }

  @Test func needsComeFirstAndLongestFirst() throws {
    let summary = try run([
      task("late", needs: ["short", "long"]), task("short", needs: ["root"], seconds: 1),
      task("long", needs: ["root"], seconds: 9), task("root"),
    ])
    #expect(log.all == ["root", "long", "short", "late"])
    #expect(summary.records.allSatisfy { $0.status == .done })
    #expect(summary.records.first?.summary == "result of late")
  }

  @Test func lowestRankStartsFirst() throws {
    _ = try run([task("a", rank: 2, seconds: 9), task("b", rank: 1), task("c", rank: 2)])
    #expect(log.all == ["b", "a", "c"])
  }

  @Test func aFailureSkipsItsDependantsAndNothingElse() throws {
    let summary = try run([
      task("bad") { _ in throw Broken() }, task("child", needs: ["bad"]),
      task("grandchild", needs: ["child"]), task("other"), task("last", follows: ["grandchild"]),
    ])
    #expect(log.all == ["bad", "other", "last"])
    #expect(summary.records.map(\.status) == [.failed, .skipped, .skipped, .done, .done])
    #expect(summary.records[0].error == "it broke; mend it")
    #expect(summary.records[2].error == "needs 'task bad', which failed")
    // The records say the same.
    #expect(journal.record(of: "bad")?.status == .failed)
    #expect(journal.record(of: "child")?.status == .skipped)
  }

  /// A training that diverges is a result: what needs it is skipped, now and later, and it isn't
  /// tried again.
  @Test func divergenceIsAResult() throws {
    let divergence = TrainingDiverged(
      .notFinite, step: 7, loss: .nan, gradientNorm: 3, advice: "to mend it")
    let tasks = [
      task("train") { _ in throw divergence }, task("evaluate", needs: ["train"]),
      task("other"), task("report", follows: ["evaluate"]),
    ]
    let first = try run(tasks, failFast: true)
    #expect(first.records.map(\.status) == [.diverged, .skipped, .done, .done])
    #expect(
      first.records[0].error
        == "training diverged at step 7: loss nan, gradient norm 3.0; try to mend it; no checkpoint was "
        + "written before it")
    #expect(first.records[1].error == "needs 'task train', which diverged")
    let second = try run(tasks)
    #expect(log.all == ["train", "other", "report"])
    #expect(second.records.map(\.status) == [.diverged, .skipped, .done, .done])
    #expect(second.reusedCount == 3)
  }

  @Test func failFastStartsNothingMore() throws {
    let summary = try run(
      [task("bad", rank: -1) { _ in throw Broken() }, task("a"), task("b")], failFast: true)
    #expect(log.all == ["bad"])
    #expect(summary.records.map(\.status) == [.failed, .pending, .pending])
  }

  @Test func doneTasksAreNotRepeated() throws {
    let first = try run([
      task("a"), task("b", needs: ["a"]) { _ in throw Broken() }, task("c", needs: ["b"]),
    ])
    #expect(first.reusedCount == 0)
    let second = try run([task("a"), task("b", needs: ["a"]), task("c", needs: ["b"])])
    #expect(log.all == ["a", "b", "b", "c"])
    #expect(second.reusedCount == 1)
    let third = try run([task("a"), task("b", needs: ["a"]), task("c", needs: ["b"])])
    #expect(third.reusedCount == 3 && log.all.count == 4)
    #expect(third.records.map(\.summary) == ["result of a", "result of b", "result of c"])
  }

  @Test func aTaskWhoseResultIsGoneRunsAgain() throws {
    _ = try run([task("a")])
    let second = try run([task("a", isResultPresent: false)])
    #expect(log.all == ["a", "a"] && second.reusedCount == 0)
  }

  @Test func aRecordLeftByAKilledProcessRunsAgain() throws {
    try journal.write(TaskRecord(id: "a", name: "task a", status: .running))
    try folder.write("{half", to: "t/b.json")
    _ = try run([task("a"), task("b")])
    #expect(log.all == ["a", "b"])
  }

  @Test func tasksRunSideBySide() throws {
    // Each waits until the other has begun: done one after the other, neither would end.
    let begun = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
    let summary = try run(
      (0..<2).map { number in
        task("\(number)") { _ in
          begun[number].signal()
          guard begun[1 - number].wait(timeout: .now() + 20) == .success else { throw Broken() }
        }
      }, workers: 2)
    #expect(summary.records.map(\.status) == [.done, .done])
  }

  @Test func asManyAtOnceAsWorkersAndNeverMore() throws {
    let crowd = Crowd(of: 3)
    let summary = try run(
      (0..<20).map { number in
        task("\(number)", needs: number % 4 == 3 ? ["\(number - 1)"] : []) { _ in
          crowd.enter()
          crowd.leave()
        }
      }, workers: 3)
    #expect(summary.records.allSatisfy { $0.status == .done })
    #expect(crowd.most == 3)
    #expect(Set(log.all).count == 20 && log.all.count == 20)
  }

  @Test func anInterruptionStopsRunningTasksAndStartsNoMore() throws {
    let isAsked = Flag()
    let summary = try run(
      [
        task("a") { progress in
          isAsked.set()
          if progress.shouldStop() { throw LabError.interrupted("stopped at step 3") }
        }, task("b"),
      ], isInterrupted: { isAsked.isSet })
    #expect(log.all == ["a"])
    #expect(summary.records.map(\.status) == [.interrupted, .pending])
    let again = try run([task("a"), task("b")])
    #expect(log.all == ["a", "a", "b"] && again.records.allSatisfy { $0.status == .done })
  }
}
