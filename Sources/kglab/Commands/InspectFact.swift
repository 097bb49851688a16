import Console
import Corpus
import LabCore
import Training

/// `kglab inspect RUN --fact`: when a run is trained on a fact.
struct FactInspection {
  let report: FactReport
  /// Whether every step is listed, however many there are.
  let listsAll: Bool

  /// Steps that are listed without --all: more are cut to the first and last of them.
  private static let listed = 12

  func show() {
    Output.line("question       (\(report.subject), \(report.predicate), ?)")
    let end =
      report.step == report.stepCount
      ? "trained to its end" : "trained up to step \(report.step.grouped)"
    Output.line(
      "run            \(end), \(report.stepCount.grouped) steps, "
        + "\(report.stepsPerEpoch.grouped) an epoch")
    let isShared = report.subjectCount > 1
    if isShared {
      Output.line(
        "subject        \(report.subjectCount) entities have this name; the text of the question is "
          + "the same for all")
    }
    Output.line()
    var table = TextTable(
      ["object"] + (isShared ? ["subject is a"] : [])
        + ["standing", "times an epoch", "seen", "planned"], left: isShared ? [0, 1, 2] : [0, 1])
    for answer in report.answers {
      table.add(
        [answer.object] + (isShared ? ["\(answer.subjectType) (\(answer.subjectID))"] : [])
          + [
            Readable.words(answer.standing.rawValue),
            answer.exposuresPerEpoch.grouped, answer.seenCount.grouped,
            answer.plannedCount.grouped,
          ])
    }
    Output.table(table)
    for answer in report.answers where !answer.presentations.isEmpty {
      Output.line()
      Output.line("\(answer.object) is presented at")
      list(answer)
    }
  }

  private func list(_ answer: FactReport.Answer) {
    var lines: [(presentation: Presentation, count: Int)] = []
    for presentation in answer.presentations {
      if lines.last?.presentation == presentation {
        lines[lines.count - 1].count += 1
      } else {
        lines.append((presentation, 1))
      }
    }
    guard lines.count > Self.listed, !listsAll else { return lines.forEach(line) }
    let half = Self.listed / 2
    lines.prefix(half).forEach(line)
    Output.line("  ... \((lines.count - 2 * half).grouped) more steps; --all lists them")
    lines.suffix(half).forEach(line)
  }

  private func line(_ presentation: Presentation, count: Int) {
    let from =
      presentation.firstStep < presentation.step ? ", begun at step \(presentation.firstStep)" : ""
    let times = count == 1 ? "" : ", \(count) times"
    let mark = presentation.step > report.step ? "  to come" : ""
    Output.line("  step \(presentation.step) (epoch \(presentation.epoch)\(from))\(times)\(mark)")
  }
}
