package import Foundation

/// What the machine has left for one more task.
package struct MachineResources: Sendable {
  /// Memory that can be had without swapping.
  package struct Memory: Equatable, Sendable {
    package var bytes: Int
    /// Where the number is from, for messages.
    package var source: String

    package init(bytes: Int, source: String) {
      self.bytes = bytes
      self.source = source
    }
  }

  /// Nil where the system does not say.
  package var memory: Memory?
  /// Free bytes on the file system of a folder that may not exist yet; nil where the system does
  /// not say.
  package var freeDisk: @Sendable (URL) -> Int?

  package init(memory: Memory?, freeDisk: @escaping @Sendable (URL) -> Int?) {
    self.memory = memory
    self.freeDisk = freeDisk
  }

  /// Those of this machine, now.
  package static var current: MachineResources {
    MachineResources(memory: memory(root: URL(fileURLWithPath: "/")), freeDisk: freeDisk)
  }

  /// The least of MemAvailable and of what the control groups above this process leave (versions 1
  /// and 2).
  ///
  /// `root` stands for `/`, so that a test can bring its own files.
  package static func memory(root: URL) -> Memory? {
    ([available(root)] + controlGroups(root).map { limit(root, $0) }).compactMap(\.self).min {
      $0.bytes < $1.bytes
    }
  }

  /// Processors that this process may use: what its affinity and the quotas of its control groups
  /// leave.
  package static var processorCount: Int {
    processorCount(root: URL(fileURLWithPath: "/")) ?? ProcessInfo.processInfo.activeProcessorCount
  }

  /// Threads that a command takes unless it is told how many: one a processor, at most 8.
  package static var defaultWorkerCount: Int { min(processorCount, 8) }

  /// The same below another root; nil where the system does not say.
  package static func processorCount(root: URL) -> Int? {
    guard let status = text(root, "proc/self/status"),
      let list = status.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed_list:") })
    else { return nil }
    // "0-3,8"
    let allowed = list.dropFirst("Cpus_allowed_list:".count).split(separator: ",").reduce(0) {
      sum, part in
      let ends = part.split(separator: "-").compactMap {
        Int($0.trimmingCharacters(in: .whitespaces))
      }
      guard let first = ends.first, let last = ends.last, first <= last else { return sum }
      return sum + last - first + 1
    }
    let quotas = controlGroups(root).compactMap { group -> Int? in
      let numbers =
        group.isUnified
        ? text(root, "\(group.folder(of: "cpu"))/cpu.max")?.split(whereSeparator: \.isWhitespace)
          .map { Double($0) } ?? []
        : ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map {
          number(root, "\(group.folder(of: "cpu"))/\($0)").map(Double.init)
        }
      guard group.isUnified || group.controllers.contains("cpu"), numbers.count == 2,
        let quota = numbers[0], let period = numbers[1], quota > 0, period > 0
      else { return nil }
      return Int(min((quota / period).rounded(.up), 1e6))
    }
    guard allowed > 0 else { return nil }
    return quotas.reduce(allowed, min)
  }

  // MARK: Control groups

  private struct ControlGroup {
    /// Version 2, with all controllers in one tree.
    let isUnified: Bool
    let path: String
    /// Of version 1, which the group is of.
    let controllers: [Substring]

    /// Where its files about a controller are, seen from the root.
    func folder(of controller: String) -> String {
      "sys/fs/cgroup" + (isUnified ? "" : "/" + controller) + path
    }
  }

  /// The groups that this process is in, each followed by all above it: "/a/b", "/a", "".
  private static func controlGroups(_ root: URL) -> [ControlGroup] {
    guard let groups = text(root, "proc/self/cgroup") else { return [] }
    return groups.split(separator: "\n").flatMap { line -> [ControlGroup] in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return [] }
      let parts = fields[2].split(separator: "/")
      return (0...parts.count).reversed().map { count in
        ControlGroup(
          isUnified: fields[1].isEmpty, path: parts.prefix(count).map { "/" + $0 }.joined(),
          controllers: fields[1].split(separator: ","))
      }
    }
  }

  // MARK: Memory

  private static func available(_ root: URL) -> Memory? {
    guard let text = text(root, "proc/meminfo"),
      let kibibytes = value(of: "MemAvailable:", in: text)
    else { return nil }
    return Memory(bytes: kibibytes * 1024, source: "MemAvailable of /proc/meminfo")
  }

  private static func limit(_ root: URL, _ group: ControlGroup) -> Memory? {
    let folder = group.folder(of: "memory")
    if group.isUnified {
      return limit(
        root, folder, limit: "memory.max", usage: "memory.current", cache: "inactive_file")
    }
    guard group.controllers.contains("memory") else { return nil }
    return limit(
      root, folder, limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes",
      cache: "total_inactive_file")
  }

  /// What one group's limit leaves, its cache of files counted as free; nil without a limit.
  private static func limit(
    _ root: URL, _ folder: String, limit: String, usage: String, cache: String
  ) -> Memory? {
    func number(_ name: String) -> Int? { Self.number(root, "\(folder)/\(name)") }
    // Version 1 writes a number near 2^63 for no limit.
    guard let most = number(limit), most < 1 << 60 else { return nil }
    let statistics = text(root, "\(folder)/memory.stat") ?? ""
    let used = (number(usage) ?? 0) - (value(of: cache, in: statistics) ?? 0)
    return Memory(bytes: max(0, most - max(0, used)), source: "the limit in /\(folder)/\(limit)")
  }

  private static func text(_ root: URL, _ path: String) -> String? {
    try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  /// The number that is all of a file.
  private static func number(_ root: URL, _ path: String) -> Int? {
    text(root, path).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }

  /// The number after a word at the start of a line.
  private static func value(of word: String, in text: String) -> Int? {
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ")
      if fields.count >= 2, fields[0] == word { return Int(fields[1]) }
    }
    return nil
  }

  // MARK: Disk

  @Sendable private static func freeDisk(_ folder: URL) -> Int? {
    var folder = folder.standardizedFileURL
    while !FileManager.default.fileExists(atPath: folder.path), folder.path != "/" {
      folder.deleteLastPathComponent()
    }
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder.path)
    return (attributes?[.systemFreeSize] as? NSNumber)?.intValue
  }
}
