import LabCore

/// What went wrong in an engine, as one sentence.
enum EngineFailure {
  /// What a line of standard error begins with in which a process says its code and message.
  private static let mark = "kglab_torch: "

  /// By a frame of the kind `error`, which has a code and a message.
  static func error(_ frame: Frame, _ interpreter: String) -> LabError {
    error(frame.text("code") ?? "failed", frame.text("message") ?? "it gave no reason", interpreter)
  }

  private static func error(_ code: String, _ message: String, _ interpreter: String) -> LabError {
    let advice =
      switch code {
      case "missing_package":
        "run make setup-torch, or name a Python that has it by --python"
      case "out_of_memory":
        "take a smaller --micro-batch-tokens where it trains, more memory or a smaller model, and run the command again"
      case "no_device": "choose another --device"
      case "bad_input": "download the model again, or give another"
      default: "run the command again, or report it with the command"
      }
    let status: ExitStatus =
      switch code {
      case "no_device": .usage
      case "bad_input": .badInput
      default: .failure
      }
    return LabError(
      "the torch engine (\(interpreter)) failed: \(clause(message)); \(advice)", status)
  }

  /// By the end of the process and what it wrote to standard error.
  static func error(
    end: ChildProcess.End?, messages: [String], _ interpreter: String, isStart: Bool
  ) -> LabError {
    // Of several processes the first to fail has the reason.
    let own = messages.first { $0.hasPrefix(mark) }?.dropFirst(mark.count)
    if let own, let colon = own.firstIndex(of: ":") {
      let message = own[colon...].dropFirst().drop { $0 == " " }
      return error(String(own[..<colon]), String(message), interpreter)
    }
    if isStart, let missing = messages.last(where: { $0.contains("No module named") }) {
      let name = missing.split(separator: " ").last?.filter { !"'\";".contains($0) }
      return LabError(
        "the Python \(interpreter) lacks the package \(name ?? "kglab_torch"), which the torch engine needs: run make "
          + "setup-torch, or name a Python that has it by --python", .failure)
    }
    let how =
      switch end {
      case .signal(9)?: "was killed, as systems do where memory is short"
      case .signal(let number)?: "was ended by signal \(number)"
      case .code(let code)?: "ended with code \(code)"
      case nil: "ended"
      }
    let last = cause(messages).map { ": \(clause($0))" } ?? ""
    return LabError(
      "the torch engine (\(interpreter)) \(how)\(last); run the command again, which goes on from what was saved",
      .failure)
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
