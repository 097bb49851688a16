import Foundation
import LabCore
import TestSupport
import Testing

@Suite struct MachineResourcesTests {
  private func memory(_ files: [String: String]) throws -> MachineResources.Memory? {
    try found(files, MachineResources.memory(root:))
  }

  private func found<Value>(
    _ files: [String: String], _ look: (URL) -> Value?
  ) throws -> Value? {
    let root = try TemporaryFolder(files)
    return look(root.url)
  }

  private static let meminfo = "MemTotal: 9000 kB\nMemFree: 100 kB\nMemAvailable:   4000 kB\n"

  @Test func availableMemoryIsTheKernels() throws {
    let found = try memory(["proc/meminfo": Self.meminfo])
    #expect(found?.bytes == 4_096_000)
    #expect(found?.source == "MemAvailable of /proc/meminfo")
    #expect(try memory([:]) == nil)
  }

  @Test func theNarrowestControlGroupCounts() throws {
    let files = [
      "proc/meminfo": Self.meminfo, "proc/self/cgroup": "0::/job/step\n",
      "sys/fs/cgroup/memory.max": "max\n",
      "sys/fs/cgroup/job/memory.max": "3000000\n", "sys/fs/cgroup/job/memory.current": "1500000\n",
      "sys/fs/cgroup/job/memory.stat": "anon 5\ninactive_file 500000\n",
      "sys/fs/cgroup/job/step/memory.max": "2900000\n",
    ]
    let found = try memory(files)
    #expect(found?.bytes == 2_000_000)
    #expect(found?.source == "the limit in /sys/fs/cgroup/job/memory.max")
  }

  @Test func theFirstVersionOfControlGroupsIsReadToo() throws {
    let files = [
      "proc/meminfo": Self.meminfo,
      "proc/self/cgroup": "5:cpu:/x\n4:memory:/slurm/7\n0::/\n",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      "sys/fs/cgroup/memory/slurm/7/memory.limit_in_bytes": "1000000\n",
      "sys/fs/cgroup/memory/slurm/7/memory.usage_in_bytes": "400000\n",
    ]
    #expect(try memory(files)?.bytes == 600_000)
  }

  @Test(
    arguments: [
      ("0-3,8\n", ["0::/job\n": ["job/cpu.max": "max 100000\n", "cpu.max": "max 100000\n"]], 5),
      ("0-15\n", ["0::/job/step\n": ["job/cpu.max": "250000 100000\n"]], 3),
      ("0-15\n", ["0::/job\n": ["job/cpu.max": "1000 100000\n"]], 1),
      ("2\n", ["0::/job\n": ["job/cpu.max": "400000 100000\n"]], 1),
      (
        "0-7\n",
        [
          "3:cpu,cpuacct:/slurm\n2:memory:/other\n": [
            "cpu/slurm/cpu.cfs_quota_us": "200000\n", "cpu/slurm/cpu.cfs_period_us": "100000\n",
            "cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n",
          ]
        ], 2
      ),
    ] as [(String, [String: [String: String]], Int)])
  func processorsAreThoseThatMayBeUsed(
    allowed: String, groups: [String: [String: String]], count: Int
  ) throws {
    var files = [
      "proc/self/status": "Name:\tkglab\nCpus_allowed:\tff\nCpus_allowed_list:\t\(allowed)"
    ]
    for (group, limits) in groups {
      files["proc/self/cgroup"] = group
      for (path, text) in limits { files["sys/fs/cgroup/\(path)"] = text }
    }
    #expect(try found(files, MachineResources.processorCount(root:)) == count)
    #expect(try found([:], MachineResources.processorCount(root:)) == nil)
    #expect((1...8).contains(MachineResources.defaultWorkerCount))
  }

  @Test func thisMachineHasSomeOfBoth() throws {
    let absent = FileManager.default.temporaryDirectory.appendingPathComponent("a/b/c")
    let free = try #require(MachineResources.current.freeDisk(absent))
    #expect(free > 0)
    if FileManager.default.fileExists(atPath: "/proc/meminfo") {
      let memory = try #require(MachineResources.current.memory)
      #expect(memory.bytes > 1 << 20)
    }
  }
}

@Suite struct FilePieceTests {
  @Test func aFileInPiecesIsWholeAndHashed() throws {
    let folder = try TemporaryFolder()
    let url = folder["a"]
    let hash = try AtomicFile.write(to: url, size: 5) { file in
      try file.append(Data("abc".utf8))
      try file.append(Data("de".utf8))
      #expect(file.count == 5)
    }
    #expect(try Data(contentsOf: url) == Data("abcde".utf8))
    #expect(hash == ContentHash(of: "abcde"))
    #expect(try ContentHash(ofFile: url) == hash)
  }

  @Test func aFileThatFailsHalfWayLeavesNothing() throws {
    let folder = try TemporaryFolder()
    let url = folder["a"]
    let error = #expect(throws: LabError.self) {
      try AtomicFile.write(to: url, size: 5) { file in
        try file.append(Data("abc".utf8))
        throw CocoaError(.fileWriteOutOfSpace)
      }
    }
    #expect(error?.description.hasPrefix("cannot write \(url.path) (5 bytes): ") == true)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
    #expect(names.isEmpty)
  }

  @Test func foldersAreMadeWithThoseAbove() throws {
    let folder = try TemporaryFolder()
    let url = folder["a/b/c"]
    try AtomicFile.createFolder(url)
    try AtomicFile.createFolder(url)
    #expect(FileManager.default.fileExists(atPath: url.path))
    try Data().write(to: folder["file"])
    #expect(throws: LabError.self) { try AtomicFile.createFolder(folder["file/x"]) }
  }

  @Test func numbersThatAreNotFiniteSurvive() throws {
    let values = [1.5, .infinity, -.infinity, .nan]
    let read = try CanonicalJSON.decode([Double].self, from: CanonicalJSON.pretty(values))
    #expect(read[0] == 1.5 && read[1] == .infinity && read[2] == -.infinity && read[3].isNaN)
  }

  @Test func bytesArePrintedWithThreeDigits() {
    let cases = [
      (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (12_595, "12.3 KiB"),
      (5 << 20, "5.00 MiB"), (1000 << 20, "0.98 GiB"), (400 << 30, "400 GiB"),
    ]
    for (count, text) in cases { #expect(Readable.bytes(count) == text) }
  }
}
