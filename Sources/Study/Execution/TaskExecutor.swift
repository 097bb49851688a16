import Dispatch
import Foundation
package import LabCore
import Synchronization
import Training

/// How a set of tasks ended.
package struct ExecutionSummary: Sendable {
  /// In the order of the tasks given.
  package var records: [TaskRecord]
  /// Tasks whose results were there already.
  package var reusedCount: Int
  package var seconds: Double

  /// The tasks that ended with this status.
  package func records(_ status: TaskStatus) -> [TaskRecord] {
    records.filter { $0.status == status }
  }
}

/// Runs tasks side by side on threads, each as soon as what it needs is done.
///
/// A task that failed or diverged is recorded and what depends on it skipped; the others go on. A
/// task whose record says done or diverged and whose result is there is not run again.
package final class TaskExecutor: Sendable {
  private struct State {
    var records: [TaskRecord]
    var shares: [Double]
    var words: [String]
    var begins: [Stopwatch?]
    var seconds: [Double]
    var isStopping = false
    var journalError: (any Error)?
  }

  private enum Next {
    case task(Int)
    case wait, finished
  }

  private let tasks: [ExecutableTask]
  private let indices: [String: Int]
  private let journal: TaskJournal
  private let workers: Int
  private let failFast: Bool
  private let isInterrupted: @Sendable () -> Bool
  private let reporter: ProgressReporter
  private let noteEachTask: Bool
  private let state: Mutex<State>
  private let changes = DispatchSemaphore(value: 0)

  /// Tasks in any order; ids must differ and needed tasks must be among them.
  ///
  /// `isInterrupted` is polled between tasks and by tasks that can stop half-way.
  package init(
    tasks: [ExecutableTask], journal: TaskJournal, workers: Int, failFast: Bool = false,
    reporter: ProgressReporter = .silent, noteEachTask: Bool = false,
    isInterrupted: @escaping @Sendable () -> Bool = { Interruption.isRequested }
  ) {
    precondition(workers > 0, "at least one worker")
    self.tasks = tasks
    self.journal = journal
    self.workers = workers
    self.failFast = failFast
    self.reporter = reporter
    self.noteEachTask = noteEachTask
    self.isInterrupted = isInterrupted
    let indices = Dictionary(
      uniqueKeysWithValues: tasks.enumerated().map { ($0.element.id, $0.offset) })
    self.indices = indices
    precondition(
      tasks.allSatisfy { ($0.needs + $0.follows).allSatisfy { indices[$0] != nil } },
      "a task needs one that is not there")
    state = Mutex(
      State(
        records: tasks.map { TaskRecord(id: $0.id, name: $0.name, status: .pending) },
        shares: Array(repeating: 0, count: tasks.count),
        words: Array(repeating: "", count: tasks.count),
        begins: Array(repeating: nil, count: tasks.count),
        seconds: Array(repeating: 0, count: tasks.count)))
  }

  /// Runs what is not done yet and returns when nothing more can start.
  ///
  /// Throws only when records cannot be written; failures of tasks are in the summary.
  package func run() throws -> ExecutionSummary {
    let watch = Stopwatch()
    let reused = takeFinished()
    let group = DispatchGroup()
    for number in 0..<min(workers, max(1, tasks.count - reused)) {
      group.enter()
      let thread = Thread { [self] in
        work()
        group.leave()
      }
      thread.name = "task-worker-\(number)"
      thread.stackSize = 16 << 20
      thread.start()
    }
    group.wait()
    reporter.finish()
    let (records, journalError) = state.withLock { ($0.records, $0.journalError) }
    if let journalError { throw journalError }
    return ExecutionSummary(
      records: records, reusedCount: reused, seconds: watch.seconds)
  }

  /// Marks what earlier sessions finished; returns how many tasks that is.
  private func takeFinished() -> Int {
    var count = 0
    for (index, task) in tasks.enumerated() {
      guard let record = journal.record(of: task.id), record.status.isFinal,
        task.isResultPresent(record)
      else { continue }
      count += 1
      state.withLock {
        $0.records[index] = record
        $0.shares[index] = 1
        if record.status == .diverged { _ = skipDependants(of: index, in: &$0) }
      }
    }
    return count
  }

  // MARK: Workers

  private func work() {
    while true {
      switch next() {
      case .finished: return
      case .wait: changes.wait()
      case .task(let index):
        execute(index)
        // Wakes every waiting worker; a wake-up too many only makes one look again.
        for _ in 0..<workers { changes.signal() }
      }
    }
  }

  private func next() -> Next {
    state.withLock { state in
      if isInterrupted() { state.isStopping = true }
      let isBusy = state.records.contains { $0.status == .running }
      guard !state.isStopping else { return .finished }
      let ready = tasks.indices.filter { index in
        state.records[index].status == .pending
          && status(of: tasks[index].needs, in: state).allSatisfy { $0 == .done }
          && status(of: tasks[index].follows, in: state).allSatisfy(\.isSettled)
      }
      let first = ready.min {
        let (a, b) = (tasks[$0], tasks[$1])
        return (a.rank, -a.estimatedSeconds, $0) < (b.rank, -b.estimatedSeconds, $1)
      }
      guard let first else { return isBusy ? .wait : .finished }
      state.records[first].status = .running
      state.begins[first] = Stopwatch()
      return .task(first)
    }
  }

  private func status(of ids: [String], in state: State) -> [TaskStatus] {
    ids.compactMap { indices[$0] }.map { state.records[$0].status }
  }

  private func execute(_ index: Int) {
    let task = tasks[index]
    let watch = Stopwatch()
    var record = TaskRecord(id: task.id, name: task.name, status: .running)
    do {
      try journal.write(record)
      record.summary = try task.run(progress(of: index))
      record.outputHash = try task.outputHash()
      record.status = .done
    } catch {
      let isStop = (error as? any LabFailure)?.exitStatus == .interrupted
      record.status =
        isStop ? .interrupted : error is TrainingDiverged ? .diverged : .failed
      record.error = Self.sentence(error)
    }
    record.seconds = watch.seconds
    settle(index, record)
  }

  private func settle(_ index: Int, _ record: TaskRecord) {
    let skipped = state.withLock { state -> [TaskRecord] in
      state.records[index] = record
      state.seconds[index] = record.seconds ?? 0
      state.begins[index] = nil
      if record.status == .done { state.shares[index] = 1 }
      if record.status == .interrupted { state.isStopping = true }
      guard record.status == .failed || record.status == .diverged else { return [] }
      if failFast, record.status == .failed { state.isStopping = true }
      return skipDependants(of: index, in: &state)
    }
    do {
      for record in [record] + skipped { try journal.write(record) }
    } catch {
      state.withLock {
        $0.journalError = error
        $0.isStopping = true
      }
    }
    note(record)
  }

  private func skipDependants(of failed: Int, in state: inout State) -> [TaskRecord] {
    let verb = state.records[failed].status == .diverged ? "diverged" : "failed"
    var skipped: [TaskRecord] = []
    var open = [failed]
    while let cause = open.popLast() {
      for (index, task) in tasks.enumerated()
      where state.records[index].status == .pending && task.needs.contains(tasks[cause].id) {
        state.records[index].status = .skipped
        state.records[index].error = "needs '\(tasks[failed].name)', which \(verb)"
        skipped.append(state.records[index])
        open.append(index)
      }
    }
    return skipped
  }

  private static func sentence(_ error: any Error) -> String {
    FailureReason.text(error)
  }

  // MARK: Progress

  private func progress(of index: Int) -> Work {
    Work(
      report: { [self] share, words in
        state.withLock {
          $0.shares[index] = min(max(share, 0), 1)
          $0.words[index] = words
        }
        reporter.update(line())
      },
      shouldStop: { [self] in isInterrupted() || state.withLock { $0.isStopping } })
  }

  /// "12/31 done, train 100k, 20 epochs 45 % | evaluate 30k 10 %, 2:05 left".
  private func line() -> String {
    state.withLock { state in
      let done = state.records.count { $0.status == .done }
      let running = tasks.indices.filter { state.records[$0].status == .running }.map { index in
        let percent = Int((state.shares[index] * 100).rounded(.down))
        let words = state.words[index].isEmpty ? "" : " (\(state.words[index]))"
        return "\(tasks[index].name) \(percent) %\(words)"
      }
      let items = tasks.indices.compactMap { index -> TimeLeft.Item? in
        switch state.records[index].status {
        case .failed, .diverged, .skipped, .interrupted: return nil
        case .pending, .running, .done: break
        }
        let elapsed = state.begins[index]?.seconds
        return TimeLeft.Item(
          kind: tasks[index].kind, estimatedSeconds: tasks[index].estimatedSeconds,
          share: state.shares[index], seconds: elapsed ?? state.seconds[index])
      }
      let left = Readable.duration(TimeLeft.seconds(items, workers: workers))
      return "\(done)/\(tasks.count) done · \(running.joined(separator: " | ")) · \(left) left"
    }
  }

  private func note(_ record: TaskRecord) {
    let time = Readable.duration(record.seconds ?? 0)
    switch record.status {
    case .diverged: reporter.note("diverged: \(record.name): \(record.error ?? "")")
    case .failed: reporter.note("failed: \(record.name): \(record.error ?? "unknown error")")
    case .done where noteEachTask:
      let summary = record.summary.map { $0.isEmpty ? "" : ": \($0)" } ?? ""
      let done = state.withLock { $0.records.count { $0.status == .done } }
      reporter.note("[\(done)/\(tasks.count)] \(record.name) in \(time)\(summary)")
    default: break
    }
  }
}
