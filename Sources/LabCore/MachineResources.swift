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
  /// Free bytes on the file system of a folder that may not exist yet; nil where the system does not say.
  package var freeDisk: @Sendable (URL) -> Int?

  package init(memory: Memory?, freeDisk: @escaping @Sendable (URL) -> Int?) {
    self.memory = memory
    self.freeDisk = freeDisk
  }

  /// Those of this machine, now.
  package static var current: MachineResources {
    MachineResources(memory: memory(root: URL(fileURLWithPath: "/")), freeDisk: freeDisk)
  }

  /// The least of MemAvailable and of what the control groups above this process leave (versions 1 and 2).
  ///
  /// `root` stands for `/`, so that a test can bring its own files.
  package static func memory(root: URL) -> Memory? {
    ([available(root)] + controlGroups(root)).compactMap { $0 }.min { $0.bytes < $1.bytes }
  }

  // MARK: Memory

  private static func available(_ root: URL) -> Memory? {
    guard let text = text(root, "proc/meminfo"),
      let kibibytes = value(of: "MemAvailable:", in: text)
    else { return nil }
    return Memory(bytes: kibibytes * 1024, source: "MemAvailable of /proc/meminfo")
  }

  private static func controlGroups(_ root: URL) -> [Memory?] {
    guard let groups = text(root, "proc/self/cgroup") else { return [] }
    return groups.split(separator: "\n").flatMap { line -> [Memory?] in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return [] }
      if fields[1].isEmpty {
        return chain(String(fields[2])).map {
          limit(
            root, "sys/fs/cgroup" + $0, limit: "memory.max", usage: "memory.current",
            cache: "inactive_file")
        }
      }
      guard fields[1].split(separator: ",").contains("memory") else { return [] }
      return chain(String(fields[2])).map {
        limit(
          root, "sys/fs/cgroup/memory" + $0, limit: "memory.limit_in_bytes",
          usage: "memory.usage_in_bytes", cache: "total_inactive_file")
      }
    }
  }

  /// A group and all above it: "/a/b", "/a", "".
  private static func chain(_ path: String) -> [String] {
    let parts = path.split(separator: "/")
    return (0...parts.count).reversed().map { count in
      parts.prefix(count).map { "/" + $0 }.joined()
    }
  }

  /// What one group's limit leaves, its cache of files counted as free; nil without a limit.
  private static func limit(
    _ root: URL, _ folder: String, limit: String, usage: String, cache: String
  ) -> Memory? {
    func number(_ name: String) -> Int? {
      text(root, "\(folder)/\(name)").flatMap {
        Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
      }
    }
    // Version 1 writes a number near 2^63 for no limit.
    guard let most = number(limit), most < 1 << 60 else { return nil }
    let statistics = text(root, "\(folder)/memory.stat") ?? ""
    let used = (number(usage) ?? 0) - (value(of: cache, in: statistics) ?? 0)
    return Memory(bytes: max(0, most - max(0, used)), source: "the limit in /\(folder)/\(limit)")
  }

  private static func text(_ root: URL, _ path: String) -> String? {
    try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
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
