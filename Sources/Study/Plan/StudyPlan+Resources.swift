import Evaluation
package import Foundation
package import LabCore
import Training

/// What a whole study needs of the machine at once.
extension StudyPlan {
  /// Memory in MiB of the `sideBySide` largest tasks, which share one program.
  package func peakMemoryMiB(sideBySide: Int) -> Double {
    let largest = tasks.map(\.cost.memoryMiB).sorted(by: >).prefix(max(1, sideBySide))
    let program = Double(MemoryEstimate.programBytes) / 1_048_576
    return largest.reduce(0) { $0 + max(0, $1 - program) } + program
  }

  /// Bytes on disk at the most: all that stays, and what the `sideBySide` neediest tasks use
  /// meanwhile.
  package func peakDiskBytes(sideBySide: Int) -> Double {
    let passing = tasks.compactMap(\.cost.passingDiskBytes).sorted(by: >)
    return total.diskBytes + passing.prefix(max(1, sideBySide)).reduce(0, +)
  }

  /// Throws `LabError` with the numbers and what to change where the machine has too little.
  ///
  /// What `folder` holds already counts as room: the plan includes it.
  package func check(_ resources: MachineResources, folder: URL, sideBySide: Int) throws {
    let clauses = shortages(resources, folder: folder, sideBySide: sideBySide)
    guard clauses.isEmpty else {
      throw LabError(
        clauses.joined(separator: "; and ") + "; or begin all the same with --skip-resource-check",
        .failure)
    }
  }

  /// One clause for each resource of which there is too little.
  package func shortages(
    _ resources: MachineResources, folder: URL, sideBySide: Int
  ) -> [String] {
    var clauses: [String] = []
    let memory = Int(peakMemoryMiB(sideBySide: sideBySide) * 1_048_576)
    if let available = resources.memory, memory > available.bytes {
      let largest = tasks.max { $0.cost.memoryMiB < $1.cost.memoryMiB }
      clauses.append(
        "the study needs about \(Readable.bytes(memory)) of memory with \(sideBySide) tasks at once "
          + "(the largest: \(largest?.name ?? "none")), and \(Readable.bytes(available.bytes)) are "
          + "available by \(available.source): "
          + (sideBySide > 1 && Int(peakMemoryMiB(sideBySide: 1) * 1_048_576) <= available.bytes
            ? "take fewer side_by_side"
            : "leave out or change the largest: a smaller size, graph or fraction"))
    }
    let disk = Int(peakDiskBytes(sideBySide: sideBySide))
    if let free = resources.freeDisk(folder) {
      let room = free + FolderSize.bytes(folder)
      if disk > room {
        clauses.append(
          "the study needs up to \(Readable.bytes(disk)) on disk in \(folder.relativePath), and "
            + "\(Readable.bytes(room)) are free there: choose another --out, make room or take fewer "
            + "models or samples")
      }
    }
    return clauses
  }
}
