/// An audit's result on standard output.
enum AuditText {
  /// Prints the table of kills and the verdict.
  static func show(_ result: ResumeAudit.Result) {
    let sessions = result.referenceSessions
    Output.line(
      "audit          trained "
        + (sessions == 1 ? "once without interruption" : "once in \(sessions) sessions")
        + ", then by \(result.kills.count + 1) processes of which \(result.kills.count) were killed"
    )
    Output.line()
    var table = TextTable(
      ["kill", "killed", "workers", "continued from step", "steps done again"], leftColumns: 2)
    for (index, kill) in result.kills.enumerated() {
      table.add([
        "\(index + 1)", kill.at.words, "\(kill.workers)", "\(kill.continuedFrom)",
        "\(kill.at.step - kill.continuedFrom)",
      ])
    }
    table.print()
    Output.line()
    Output.line(
      "equal          \(result.equalFiles.count) files byte by byte: "
        + result.equalFiles.prefix(5).joined(separator: ", ")
        + (result.equalFiles.count > 5 ? ", ..." : ""))
  }
}
