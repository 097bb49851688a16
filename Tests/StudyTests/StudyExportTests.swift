import Dispatch
import Foundation
import LabCore
import Study
import Synchronization
import TestSupport
import Testing

@Suite struct StudyExportTests {
  private let folder: TemporaryFolder
  private static let study = """
    name: exported
    graph: {schema: town.yaml, seed: 7}
    training: {tokens_per_step: 64, lanes: 2}
    models: {sizes: [3k, 6k], epochs: [1]}
    evaluation: {samples: 2, resamples: 20}
    cascade: {defer_to: [6k], sizes: [3k], resamples: 20}
    workers: 4
    side_by_side: 2
    """

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(StudyText.schema, to: "town.yaml")
  }

  private func runner(_ text: String = StudyExportTests.study) throws -> StudyRunner {
    try StudyText.runner(text, in: folder)
  }

  private func export(_ runner: StudyRunner, mostMinutes: Int? = nil) -> StudyExport {
    StudyExport(
      runner,
      places: .init(program: "/bin/kg lab", study: "/s.yaml", out: "/out", working: "/tmp"),
      mostMinutes: mostMinutes)
  }

  @Test func theTableHasWhatIsMissing() throws {
    let all = try export(runner()).table.split(separator: "\n").map {
      $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
    #expect(
      all[0] == ["index", "model", "stage", "id", "kind", "needs", "seconds", "mib", "threads"])
    #expect(all[1...].map { $0[0] } == ["1", "2", "3", "4", "5", "6"])
    #expect(all[1...].map { $0[1] } == ["", "1", "1", "2", "2", "1"])
    #expect(all[1...].map { $0[2] } == ["0", "0", "0", "0", "0", "1"])
    #expect(all[1...].map { $0[5] } == ["", "1", "2", "1", "4", "2,3,4,5"])
    #expect(all[1...].allSatisfy { $0.count == 9 && $0[8] == "2" && Int($0[7]) ?? 0 > 20 })

    let study = try runner()
    _ = try study.prepare(StudyRunOptions())
    _ = try study.run(part: study.plan.tasks(ofModels: [1]), StudyRunOptions())
    let left = try export(runner()).table.split(separator: "\n").dropFirst()
    #expect(left.map { $0.prefix { $0 != "\t" } } == ["4", "5", "6"])
    _ = try study.run(part: study.plan.tasks(ofModels: [1, 2]), StudyRunOptions())
    #expect(try export(runner()).count == 0)
  }

  @Test func slurmGetsAnArrayForEachStageAndRoom() throws {
    var slurm = SlurmOptions()
    slurm.options = ["--partition=a b"]
    slurm.atOnce = 3
    slurm.grace = 90
    slurm.requeues = 7
    let text = try export(runner(), mostMinutes: 10).slurm(slurm)
    let submitted = text.split(separator: "\n").filter { $0.hasPrefix("submit exported") }
    #expect(
      submitted.map(String.init) == [
        "submit exported-0 '--stage 0 --model-index $((0 + SLURM_ARRAY_TASK_ID))' --time=10 --mem=1024M "
          + "--cpus-per-task=2 --output=\"$out/logs/%x-%A_%a.txt\" --array=1-2%3",
        "submit exported-1 '--stage 1 --model-index $((0 + SLURM_ARRAY_TASK_ID))' --time=10 --mem=1024M "
          + "--cpus-per-task=2 --output=\"$out/logs/%x-%A_%a.txt\" --array=1%3",
        "submit exported-report '--merge' --time=10 --mem=1024M --cpus-per-task=2 --output=\"$out/logs/%x-%j.txt\"",
      ])
    for piece in [
      "options=('--partition=a b')", "'/bin/kg lab' study run /s.yaml --out /out --plan ",
      "--signal=B:TERM@90 --kill-on-invalid-dep=yes", "-lt 7 ]", "--requeue --open-mode=append",
    ] { #expect(text.contains(piece), "\(piece)") }
  }

  /// Slurm refuses indices of arrays above a limit; models that need other room have an array of
  /// their own.
  @Test func arraysAreOfOneRoomAndOfIndicesThatSlurmTakes() throws {
    var slurm = SlurmOptions()
    slurm.largestIndex = 2
    let many = Self.study.replacing("epochs: [1]", with: "epochs: [1], seeds: [0, 1, 2]")
    let text = try export(runner(many)).slurm(slurm)
    let submitted = text.split(separator: "\n").filter { $0.hasPrefix("submit exported-0") }
    #expect(submitted.count == 3)
    for (line, offset) in zip(submitted, [0, 2, 4]) {
      #expect(line.hasSuffix("--array=1-2") && line.contains("$((\(offset) + "))
    }
    let long = Self.study.replacing(
      "{sizes: [3k, 6k], epochs: [1]}",
      with:
        "[{sizes: [6k], epochs: [1]}, {sizes: [3k], epochs: [1]}, {sizes: [300k], epochs: [100000]}]"
    )
    .replacing("sizes: [3k], resamples", with: "sizes: [3k], epochs: [1], resamples")
    let classes = try export(runner(long)).slurm(SlurmOptions()).split(separator: "\n").filter {
      $0.hasPrefix("submit exported-0")
    }
    #expect(classes.count == 2)
    #expect(classes[0].contains("--time=15 ") && classes[0].hasSuffix("--array=1-2"))
    #expect(!classes[1].contains("--time=15 ") && classes[1].hasSuffix("--array=3"))
  }

  /// Processes that take what is ready give what one process gives.
  @Test func equalWorkersDoTheWholeStudy() throws {
    let study = try runner()
    let first = try StudyWorker(study, StudyRunOptions())
    let (file, out) = (study.file, folder["out"])
    var done: [Int] = []
    let thread = Running {
      try StudyWorker(StudyRunner(file: file, folder: out), StudyRunOptions()).run(pause: 0.05)
        .records.count
    }
    done.append(try first.run(pause: 0.05).records.count)
    done.append(try thread.value())
    #expect(done.reduce(0, +) == 6, "each task is done once: \(done)")
    let status = try StudyStatus(folder: study.folder)
    #expect(status.count(.done) == 7)
    let again = try StudyWorker(runner(), StudyRunOptions()).run(pause: 0.05)
    #expect(again.records.isEmpty)
  }

  /// What failed before is tried once more, by one of the workers, and what needs it waits for
  /// that.
  @Test func workersTryFailuresOnceMore() throws {
    let study = try runner()
    let training = try #require(study.plan.tasks(.train).last)
    try folder.write("mine", to: "out/models/\(training.id)/notes.txt")
    let summary = try StudyWorker(study, StudyRunOptions()).run(pause: 0.05)
    #expect(summary.records(.failed).map(\.id) == [training.id])
    #expect(summary.records(.skipped).count == 2)
    try folder.remove("out/models/\(training.id)/notes.txt")
    let worker = try StudyWorker(runner(), StudyRunOptions())
    #expect(try worker.run(pause: 0.05).records(.done).count == 3)
    #expect(worker.records.count { $0.status == .done } == 7)
  }
}

/// Work on a thread of its own.
private final class Running<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let ended = DispatchSemaphore(value: 0)

  init(_ body: @escaping @Sendable () throws -> Value) {
    let thread = Thread { [self] in
      let value = Result { try body() }
      result.withLock { $0 = value }
      ended.signal()
    }
    thread.stackSize = 16 << 20
    thread.start()
  }

  func value() throws -> Value {
    ended.wait()
    return try #require(result.withLock { $0 }).get()
  }
}
