import Foundation
import TestSupport
import Testing

/// Command lines that ask for what cannot be: code 64, and nothing is begun.
@Suite struct UsageTests {
  /// What is added to `kglab train graph.sqlite --out run`, and what the sentence says.
  private static let trainings: [([String], [String])] = [
    (["--size", "3kk", "--epochs", "1"], ["unknown size '3kk'", "did you mean '3k'"]),
    (["--size", "3k", "--epochs", "0"], ["epochs is 0", "between 1 and"]),
    (["--size", "3k", "--epochs", "1.5"], ["1.5", "--epochs"]),
    (["--size", "3k"], ["--epochs"]),
    (
      ["--size", "3k", "--epochs", "1", "--workers", "0"], ["--workers is 0", "between 1 and 256"]
    ),
    (["--size", "3k", "--epochs", "1", "--fraction", "0"], ["fraction 0", "above 0"]),
    (["--size", "3k", "--epochs", "1", "--fraction", "1.5"], ["fraction 1.5", "at most 1"]),
    (["--size", "3k", "--epochs", "1", "--fraction", "nan"], ["fraction nan"]),
    (["--size", "3k", "--epochs", "1", "--learning-rate", "-1"], ["learning_rate is -1"]),
    (["--size", "3k", "--epochs", "1", "--learning-rate=-1"], ["learning_rate is -1", "above 0"]),
    (["--size", "3k", "--epochs", "1", "--learning-rate", "nan"], ["learning_rate is nan"]),
    (["--size", "3k", "--epochs", "1", "--learning-rate", "inf"], ["learning_rate is inf"]),
    (["--size", "3k", "--epochs", "1", "--tokens-per-step", "0"], ["tokens_per_step is 0"]),
    (
      ["--size", "3k", "--epochs", "1", "--tokens-per-step", "16", "--tokenizer", "byte"],
      ["16 tokens", "use at least"]
    ),
    (["--size", "3k", "--epochs", "1", "--lanes", "0"], ["lanes is 0"]),
    (["--size", "3k", "--epochs", "1", "--weight-decay=-0.1"], ["weight_decay is -0.1"]),
    (["--size", "3k", "--epochs", "1", "--weight-decay", "inf"], ["weight_decay is inf"]),
    (["--size", "3k", "--epochs", "1", "--warm-up-share", "1"], ["warm_up_share is 1"]),
    (["--size", "3k", "--epochs", "1", "--clip-norm", "nan"], ["clip_norm is nan"]),
    (["--size", "3k", "--epochs", "1", "--z-loss", "inf"], ["z_loss is inf"]),
    (["--size", "3k", "--epochs", "1", "--checkpoint-steps", "0"], ["--checkpoint-steps"]),
    (["--size", "3k", "--epochs", "1", "--checkpoint-seconds", "nan"], ["--checkpoint-seconds"]),
    (["--size", "3k", "--epochs", "1", "--tokenizer", "wrod"], ["wrod", "word"]),
    (
      ["--size", "3k", "--epochs", "1", "--tokenizer", "bpe", "--vocabulary", "9"],
      ["vocabulary of 9", "at least"]
    ),
    (["--size", "3k", "--epochs", "1", "--vocabulary", "400"], ["--vocabulary", "bpe"]),
    (
      ["--size", "3k", "--epochs", "1", "--tokenizer", "word", "--vocabulary", "400"],
      ["--vocabulary", "bpe"]
    ),
    (["--size", "3k", "--epochs", "1", "--sizes", "3k"], ["--sizes"]),
  ]

  @Test func trainingOptions() throws {
    let workspace = try TrainedRun.graph()
    for (options, pieces) in Self.trainings {
      try workspace.refuse(
        ["train", "graph.sqlite", "--out", "run"] + options, code: 64, mentions: pieces)
    }
  }

  @Test(
    arguments: [
      (["evaluate", "run", "--samples", "0"], ["samples"]),
      (["evaluate", "run", "--temperatures", "0,x"], ["--temperatures '0,x'"]),
      (["evaluate", "run", "--temperatures", "nan"], ["temperature"]),
      (["evaluate", "run", "--workers", "300"], ["--workers is 300", "between 1 and 256"]),
      (["ask", "run", "club-01", "born in", "--top", "0"], ["top is 0"]),
      (
        ["ask", "run", "club-01", "born in", "--temperature", "0"],
        ["temperature 0", "from 0.000001 to 1000"]
      ),
      (["ask", "run", "club-01", "born in", "--temperature", "nan"], ["temperature nan"]),
      (["ask", "run", "club-01"], ["<predicate>"]),
      (["generate", TrainedRun.schema], ["--out"]),
      (["generate", TrainedRun.schema, "--out", "g.sqlite", "--scale", "0"], ["--scale 0"]),
      (["generate", TrainedRun.schema, "--out", "g.sqlite", "--scale", "nan"], ["--scale nan"]),
      (["generate", TrainedRun.schema, "--out", "g.sqlite", "--seed", "x"], ["--seed"]),
      (["bench", "train", "--shape", "2x64"], ["--shape '2x64'", "2x64x4"]),
      (["bench", "train", "--workers", "0"], ["--workers is 0"]),
      (["bench", "train", "--sequences", "0"], ["--sequences"]),
      (["bench", "train", "--context", "0"], ["--context"]),
      (["bench", "train", "--vocabulary", "0"], ["--vocabulary"]),
      (["bench", "train", "--seconds", "nan"], ["--seconds"]),
      (["bench", "train", "--precision", "fp23"], ["'fp23'", "did you mean 'fp32'"]),
      (["bench", "train", "--workers", "1,x"], ["--workers is x"]),
      (["bench", "generate", "--prompts", "0"], ["--prompts"]),
      (["bench", "generate", "--shape", "2x64x5"], ["heads"]),
      (["bench", "kernels", "--table", "cpu-avx9"], ["cpu-avx9", "reference"]),
      (["bench", "kernels", "--op", "nothing", "--quick"], ["--op nothing"]),
      (["bench", "kernels", "--width", "33"], ["--width '33'"]),
      (["bench", "ladder", "--steps", "0"], ["--steps"]),
      (["bench", "graph", "--schema", TrainedRun.schema, "--scale", "0"], ["--scale 0"]),
      (["detect", "run", "--heads", "liner"], ["'liner'", "linear"]),
      (["detect", "run", "--visibility", "fsv"], ["'fsv'", "fvs"]),
      (["detect", "run", "--samples", "0"], ["samples"]),
      (["detect", "run", "--kind", "head,head"], ["--kind 'head,head' has 'head' twice"]),
      (["detect", "run", "--heads", "mlp-8,mlp-8x1"], ["--heads", "'mlp-8x1' twice"]),
      (["detect", "run", "--layers", "1,1"], ["--layers '1,1' has '1' twice"]),
      (["detect", "run", "--kind", "full", "--sizes", "3k,3k"], ["--sizes", "twice"]),
      (["detect", "run", "--kind", "full", "--from", "run", "--from", "run"], ["given twice"]),
      (["detect", "run", "--kind", "head", "--from", "run"], ["--from", "add full to --kind"]),
      (["detect", "run", "--positions", "1,1"], ["--positions", "twice"]),
      (["detect", "run", "--places", "last,"], ["--places 'last,' has an empty part"]),
      (["detect", "transfer", "run", "run/", "--heads", "linear"], ["given twice"]),
      (["evaluate", "run", "--temperatures", "0.5,0.50"], ["--temperatures", "'0.50' twice"]),
      (["evaluate", "run", "--by", "predicate,predicate"], ["--by", "twice"]),
      (["bench", "train", "--shape", "2x64x4,2x64x4"], ["--shape", "twice"]),
      (["coordinate-check", "--widths", "32,32"], ["--widths", "twice"]),
      (["export", "graph.sqlite", "--out", "x.tsv", "--gzip"], ["--gzip", ".gz"]),
      (["export", "graph.sqlite", "--out", "x.tsv", "--base", "http://x/"], ["--base", ".nt"]),
      (["harden", "run", "--balanced"], ["--balanced is for a detector"]),
      (["study", "run", "x.yaml", "--workers", "0"], ["--workers is 0"]),
      (["trian", "graph.sqlite"], ["unknown command 'trian'", "did you mean 'train'"]),
    ] as [([String], [String])])
  func options(arguments: [String], pieces: [String]) throws {
    try TrainedRun.workspace().refuse(arguments, code: 64, mentions: pieces)
  }

  @Test func aTableWithoutRuns() throws {
    let workspace = try TemporaryFolder()
    try workspace.write("size,loss\n", to: "runs.csv")
    try workspace.refuse(
      ["fit", "runs.csv", "--size", "size", "--value", "loss"], mentions: ["runs.csv has no run"])
  }

  @Test func aValueOfTheSchemaThatIsWrong() throws {
    let workspace = try TemporaryFolder()
    let result = try workspace.kglab(
      "generate", TrainedRun.schema, "--out", "g.sqlite", "--set",
      "entity_types.persn.count=5")
    #expect([.exited(64), .exited(65)].contains(result.end), "\(result.end)")
    #expect(result.messageLines.count == 1)
    #expect(result.messages.hasPrefix("error: "))
    #expect(result.messages.contains("person"), "\(result.messages)")
    #expect(try workspace.names().isEmpty)
  }
}
