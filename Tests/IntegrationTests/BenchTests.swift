import Foundation
import TestSupport
import Testing

/// The benchmarks' output at tiny sizes: every key, numbers that can be, and a table.
@Suite struct BenchTests {
  private static let speedKeys = [
    "tokens_per_second", "flops_per_token", "flops_per_second", "ceiling_flops_per_second",
    "share_of_ceiling", "seconds", "repetitions", "parameter_count",
  ]

  /// Command, keys of a row, and the key of the object inside it with the keys that has.
  private static let benchmarks: [([String], [String], String?, [String])] = [
    (
      ["train", "--shape", "1x16x1", "--sequences", "2", "--context", "8", "--vocabulary", "16"],
      ["sequences", "context_length", "vocabulary_size", "rounds", "cross_entropy", "workers"],
      "result", speedKeys
    ),
    (
      ["generate", "--shape", "1x16x1", "--prompts", "4", "--vocabulary", "16"],
      ["prompts", "prompt_length", "new_tokens", "vocabulary_size", "workers"], "result", speedKeys
    ),
    (
      [
        "evaluate", "--shape", "1x16x1", "--queries", "4", "--vocabulary", "16", "--precision",
        "fp32",
      ],
      [
        "workers", "queries", "prompt_length", "answers", "answer_length", "samples",
        "vocabulary_size",
      ],
      "result",
      [
        "forward_seconds", "texts_seconds", "scoring_seconds", "forward_tokens_per_second",
        "scoring_tokens_per_second", "queries_per_second", "ratio", "texts_ratio",
        "sampling_seconds", "sampled_tokens_per_second", "repetitions",
      ]
    ),
    (
      ["kernels", "--width", "32", "--rows", "16", "--op", "linear,adamw"],
      ["seconds", "calls", "bytes_per_second", "nanoseconds_per_element"], nil, []
    ),
    // Attention alone, so that its tiles are the first bfloat16 products of the process.
    (
      ["kernels", "--width", "32", "--rows", "128", "--op", "attention_forward"],
      ["seconds", "calls", "bytes_per_second", "nanoseconds_per_element"], nil, []
    ),
    (
      ["graph", "--schema", TrainedRun.schema],
      ["count", "seconds", "repetitions", "per_second", "peak_memory_mib"], nil, []
    ),
    (
      ["tangents", "--shape", "1x16x1", "--vocabulary", "16"], ["texts"], "result",
      ["seconds", "operations", "parameter_count"]
    ),
    (
      ["ladder"], ["workers", "steps"], "result",
      [
        "seconds", "tokens_per_second", "flops_per_second", "ceiling_flops_per_second",
        "share_of_ceiling",
      ]
    ),
  ]

  @Test(arguments: benchmarks.indices)
  func jsonHasEveryKeyWithANumberThatCanBe(index: Int) throws {
    let (arguments, keys, inner, innerKeys) = Self.benchmarks[index]
    let workspace = try TemporaryFolder()
    let result = try workspace.kglab(["bench"] + arguments + ["--quick", "--json"]).expectEnd()
    let report = try #require(try result.json() as? [String: Any])
    #expect(report["benchmark"] as? String == arguments[0])
    #expect(!(report["kernels"] as? String ?? "").isEmpty)
    let rows = try #require(report["rows"] as? [[String: Any]])
    #expect(!rows.isEmpty)
    for row in rows {
      expectNumbers(keys, in: row)
      if let inner { expectNumbers(innerKeys, in: row[inner] as? [String: Any] ?? [:]) }
      let share = (inner.map { row[$0] as? [String: Any] ?? [:] } ?? row)["share_of_ceiling"]
      // A busy machine can hold up either side; a unit that is wrong is off by thousands.
      if let share = share as? Double {
        #expect(share > 1e-7 && share < 100, "\(arguments[0]): \(share)")
      }
    }
    #expect(try workspace.names().isEmpty)
  }

  private func expectNumbers(_ keys: [String], in row: [String: Any]) {
    for key in keys {
      let value = (row[key] as? NSNumber)?.doubleValue ?? .nan
      #expect(value.isFinite && value > 0, "\(key) is \(String(describing: row[key]))")
    }
  }

  @Test(arguments: benchmarks.indices)
  func aTableIsPrinted(index: Int) throws {
    let workspace = try TemporaryFolder()
    let result = try workspace.kglab(["bench"] + Self.benchmarks[index].0 + ["--quick"])
      .expectSuccess(wrote: nil)
    #expect(result.lines.dropLast().last?.hasPrefix("measured ") ?? false, "\(result.text)")
  }

  @Test func severalWorkerCountsGiveTheSpeedUp() throws {
    let workspace = try TemporaryFolder()
    let report = try workspace.json(
      "bench", "train", "--shape", "1x16x1", "--sequences", "2", "--context", "8", "--vocabulary",
      "16", "--precision", "fp32", "--workers", "1,2", "--rounds", "3", "--quick")
    let rows = try #require(report["rows"] as? [[String: Any]])
    #expect(rows.map { $0["workers"] as? Int } == [1, 2])
    #expect(rows.map { $0["rounds"] as? Int } == [3, 3])
    #expect(rows[0]["speed_up"] as? Double == 1)
    let range = ["speed_up_minimum", "speed_up", "speed_up_maximum"].map {
      rows[1][$0] as? Double ?? .nan
    }
    #expect(range[0] > 0 && range[0] <= range[1] && range[1] <= range[2], "\(range)")
  }

  /// What a run has of its own is refused, not ignored.
  @Test(arguments: [
    ["--shape", "1x16x1"], ["--answers", "2"], ["--prompt-length", "4"], ["--answer-length", "2"],
    ["--vocabulary", "64"],
  ])
  func aRunBringsItsOwnQueries(option: [String]) throws {
    let workspace = try TemporaryFolder()
    let result = try workspace.kglab(["bench", "evaluate", "--run", "nowhere"] + option)
    #expect(result.end == .exited(64))
    #expect(result.messages.contains("\(option[0]) is of random queries"), "\(result.messages)")
  }
}
