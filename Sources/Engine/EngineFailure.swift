import LabCore

/// What went wrong in an engine, as one sentence.
struct EngineFailure {
  let error: LabError

  /// By a frame of the kind `error`, which has a code and a message.
  init(_ frame: Frame, _ interpreter: String) {
    let message = Self.clause(frame.text("message") ?? "it gave no reason")
    let advice =
      switch frame.text("code") {
      case "missing_package":
        "run make setup-torch, or name a Python that has it by --python"
      case "out_of_memory":
        "take a smaller --micro-batch-tokens, more memory or a smaller model, and run the command again"
      case "no_device": "choose another --device"
      case "bad_input": "download the model again, or give another"
      default: "run the command again, or report it with the command"
      }
    let status: ExitStatus =
      switch frame.text("code") {
      case "no_device": .usage
      case "bad_input": .badInput
      default: .failure
      }
    error = LabError("the torch engine (\(interpreter)) failed: \(message); \(advice)", status)
  }

  /// By the end of the process and what it wrote to standard error.
  init(end: ChildProcess.End?, messages: [String], _ interpreter: String, isStart: Bool) {
    let missing = messages.last { $0.contains("No module named") }
    if isStart, let missing {
      let name = missing.split(separator: " ").last?.filter { !"'\";".contains($0) }
      error = LabError(
        "the Python \(interpreter) lacks the package \(name ?? "kglab_torch"), which the torch engine needs: run make "
          + "setup-torch, or name a Python that has it by --python", .failure)
      return
    }
    let how =
      switch end {
      case .signal(9)?: "was killed, as systems do where memory is short"
      case .signal(let number)?: "was ended by signal \(number)"
      case .code(let code)?: "ended with code \(code)"
      case nil: "ended"
      }
    let last = Self.cause(messages).map { ": \(Self.clause($0))" } ?? ""
    error = LabError(
      "the torch engine (\(interpreter)) \(how)\(last); run the command again, which goes on from the last checkpoint "
        + "if there is one", .failure)
  }

  /// The line of a traceback that says why: the last that names an error, or else the last.
  private static func cause(_ messages: [String]) -> String? {
    messages.last { $0.prefix { $0 != ":" }.hasSuffix("Error") } ?? messages.last
  }

  /// A message within a sentence: one line, not too long, without a full stop.
  private static func clause(_ message: String) -> String {
    let line = message.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    let short = line.count > 300 ? line.prefix(300) + "..." : line[...]
    return short.hasSuffix(".") ? String(short.dropLast()) : String(short)
  }
}
