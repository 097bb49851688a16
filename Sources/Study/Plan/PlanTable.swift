import Evaluation
import Foundation
import LabCore
import Training

extension StudyPlan {
  /// The plan as a table for a terminal; of `workers` threads in all, tasks run `sideBySide`.
  package func table(workers: Int, sideBySide: Int) -> String {
    let numbers = Dictionary(uniqueKeysWithValues: tasks.map { ($0.id, $0.number) })
    var table = TextTable(
      ["#", "task", "parameters", "FLOPs", "time", "memory", "needs"], left: [1, 6])
    for task in tasks {
      table.add([
        "\(task.number)", task.name,
        task.run.map { Readable.count(Double($0.nonEmbeddingParameterCount)) } ?? "",
        task.cost.flops > 0 ? Self.scientific(task.cost.flops) : "",
        Readable.duration(task.cost.seconds),
        "\(Int(task.cost.memoryMiB.rounded(.up))) MiB",
        task.kind == .report
          ? "all" : task.needs.compactMap { numbers[$0] }.map(String.init).joined(separator: " "),
      ])
    }
    let total = total
    let longest = TimeLeft.seconds(
      tasks.map { .init(kind: "", estimatedSeconds: $0.cost.seconds, share: 0, seconds: 0) },
      workers: workers)
    let words =
      "\(tasks.count) tasks, \(Self.scientific(total.flops)) FLOPs, "
      + "\(Readable.duration(total.seconds)) of work, about \(Readable.duration(longest)) on "
      + "\(workers) worker\(workers == 1 ? "" : "s"), "
      + "up to \(Int(peakMemoryMiB(sideBySide: sideBySide).rounded(.up))) MiB of memory, "
      + "\(Int((total.diskBytes / 1_048_576).rounded(.up))) MiB on disk"
    return table.text + "\n" + words + "\n"
  }

  private static func scientific(_ value: Double) -> String { String(format: "%.1e", value) }
}
