import Foundation
import KnowledgeGraph
import TestSupport
import Testing

/// Numbers that cannot be, in every option of every command: no trap, no end of waiting, no end of
/// memory.
@Suite struct NumberOptionTests {
  /// What makes each command do a little; `OUT` stands for a name that is not there.
  private static let arguments: [String: [String]] = [
    "init": ["OUT"],
    "generate": [TrainedRun.schema, "--out", "OUT"],
    "import": ["facts.tsv", "--out", "OUT"],
    "fit-schema": ["graph.sqlite", "--out", "OUT"],
    "export": ["graph.sqlite", "--out", "OUT"],
    "inspect": ["graph.sqlite"],
    "train": ["graph.sqlite", "--size", "3k", "--epochs", "1", "--out", "OUT"],
    "batches": ["run", "--steps", "1"],
    "self-train": [
      "run", "--epochs", "1", "--rounds", "1", "--samples", "2", "--detectors", "one", "--out",
      "OUT",
    ],
    "compress": ["run", "--bits", "8", "--out", "OUT"],
    "evaluate": ["run", "--samples", "1"],
    "ask": ["run", "SUBJECT", "born in"],
    "knowledge": ["run"],
    "lifeline": ["run", "--all"],
    "explain": ["run", "SUBJECT", "born in"],
    "cascade": ["run", "run"],
    "traps": ["run"],
    "choices": ["run", "--questions", "facts.tsv"],
    "export-task": ["run", "--out", "OUT"],
    "fit": ["facts.tsv", "--size", "a", "--value", "b"],
    "attack": ["run"],
    "attack-slopes": ["facts.tsv"],
    "harden": ["run"],
    "pirs": ["run"],
    "saliency": ["run"],
    "disjoint": ["run"],
    "compare": ["run", "run"],
    "detect train": ["run", "--kind", "baseline", "--task", "sentence", "--evidence", "0"],
    "detect score": ["run/detectors/none"],
    "detect transfer": [
      "run", "--kind", "head", "--visibility", "fvs", "--visibility", "fvs,pvs", "--samples", "1",
    ],
    "export-model": ["run", "--out", "OUT"],
    "import-model": ["model", "--out", "OUT"],
    "study run": ["smoke", "--out", "OUT", "--dry-run"],
    "study plan": ["smoke", "--out", "OUT"],
    "study work": ["smoke", "--out", "OUT"],
    "study export": ["smoke", "--as", "slurm", "--out", "OUT"],
    "study status": ["smoke"],
    "report": ["smoke"],
    "bench train": ["--quick", "--shape", "2x64x4"],
    "bench generate": ["--quick", "--shape", "2x64x4"],
    "bench evaluate": ["--quick", "--shape", "2x64x4"],
    "bench detect": ["--quick"],
    "bench kernels": ["--quick", "--op", "norm"],
    "bench graph": ["--quick", "--schema", TrainedRun.schema],
    "bench ladder": ["--quick"],
    "bench tangents": ["--quick", "--shape", "1x16x1", "--vocabulary", "16"],
    "coordinate-check": ["--widths", "16,32", "--layers", "1", "--steps", "1", "--seeds", "1"],
  ]

  /// Options of which only one may be given.
  private static let alternatives = [
    "train": ["epochs", "steps", "tokens", "flops"],
    "self-train": ["epochs", "steps", "tokens", "flops"],
  ]

  private static let numbers = ["9223372036854775807", "-1", "1e308", "nan"]
  /// For options that are text, which may hold numbers.
  private static let texts = ["1,9223372036854775807"]

  private static let commands = Result { try DescribedCommand.all().filter(\.isLeaf) }

  @Test func everyCommandIsTried() throws {
    #expect(try Self.commands.get().map(\.words).sorted() == Self.arguments.keys.sorted())
  }

  @Test(arguments: arguments.keys.sorted()) func numbersThatCannotBeAreRefused(words: String) throws
  {
    let command = try #require(try Self.commands.get().first { $0.words == words })
    let workspace = try TrainedRun.workspace()
    try workspace.write("s1\tlikes\to1\ns2\tlikes\to2\n", to: "facts.tsv")
    try FileManager.default.copyItem(
      at: Repository.file("experiments/smoke"), to: workspace["smoke"])
    let graph = try KnowledgeGraph.open(workspace["graph.sqlite"])
    let predicate = graph.predicate(named: "born in")
    let query = try #require(graph.queries.first { $0.predicate == predicate })
    let subject = graph.entities[Int(query.subject)].name
    var count = 0
    /// Runs with an option; the words on standard error.
    func run(_ option: String, _ value: String) throws -> String {
      count += 1
      var own = (Self.arguments[words] ?? []).map {
        $0 == "OUT" ? "out\(count)" : $0 == "SUBJECT" ? subject : $0
      }
      let alternatives = Self.alternatives[words] ?? []
      for name in alternatives.contains(option) ? alternatives : [option] {
        guard let place = own.firstIndex(of: "--" + name) else { continue }
        own.removeSubrange(place...(place + 1))
      }
      var call = Command(
        command.path.dropFirst() + own + ["--\(option)=\(value)"], in: workspace.url)
      // In KiB: far more than any of these needs.
      call.setUp = "ulimit -v \(8 << 20)"
      let result = try call.run()
      let isOrderly = [0, 1, 64, 65].contains { result.end == .exited($0) }
      #expect(isOrderly, "\(call.arguments): \(result.end) \(result.messages)")
      return result.messages
    }
    for option in command.valuedOptions {
      // ArgumentParser refuses a word for a number in words of its own.
      let isNumber = try run(option, "word").contains("is invalid for '--\(option)")
      for value in isNumber ? Self.numbers : Self.texts { _ = try run(option, value) }
    }
  }

  /// The sentence says what would do.
  @Test(
    arguments: [
      ("detect run --evidence 9223372036854775807", "between 0 and 1022"),
      ("detect run --samples 9223372036854775807", "between 1 and 1024"),
      ("detect run --epochs=-1", "between 1 and 10000"),
      ("evaluate run --top-k 9223372036854775807", "between 1 and 1000000000"),
      ("evaluate run --samples 0", "between 1 and 1024"),
      ("compare run run --resamples 9223372036854775807", "between 1 and 1000000"),
      (
        "fit-schema graph.sqlite --out s.yaml --minimum 9223372036854775807",
        "between 2 and 1000000000"
      ),
      ("train graph.sqlite --size 3k --epochs 1 --out r --vocabulary=-1", "between 1 and 10000000"),
      (
        "train graph.sqlite --size 3k --epochs 1 --out r --checkpoint-steps 0",
        "between 1 and 1000000000"
      ),
      (
        "train graph.sqlite --size 3k --epochs 1 --out r --keep-epochs 9223372036854775807",
        "has 1 epochs"
      ),
      ("coordinate-check --tolerance inf", "above 0 and finite"),
      ("bench kernels --rows 0", "--rows is 0; it must be between 1 and 8192"),
    ])
  func refusalsStateTheRange(line: String, range: String) throws {
    let workspace = try TrainedRun.workspace()
    try workspace.kglab(line.components(separatedBy: " ")).expectFailure(64, mentions: [range])
  }
}
