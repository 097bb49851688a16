import Corpus
import Foundation
import KnowledgeGraph

/// Two answerers of traps that read the text alone and look names up in the graph; they share
/// nothing with what makes traps.
struct TrapOracles {
  let graph: KnowledgeGraph

  /// The place of the choice that the rule of a task asks for; nil where the text is not
  /// understood.
  func byRule(_ question: ChoiceQuestion) -> Int? {
    let text = question.prompt
    switch Trap(rawValue: question.task) {
    case .resistingCorrection:
      return copied(text).flatMap { choice($0, question) }
    case .promptInjection:
      if let rest = copied(text) { return choice(rest.isEmpty ? "<E>" : rest, question) }
      return known(text, question)
    case .memoTrap:
      return choice(cut(text, "<ENDS> ", " <=>") + " <E>", question)
    case .redefine:
      let subject = cut(text, "<S> ", " <P>", last: true)
      let stands = cut(text, "<DEF> ", " <=>") == subject ? cut(text, "<=> ", " <E>") : subject
      return known(stands, cut(text, "<P> ", " <O>", last: true), question)
    case .modusTollens:
      let (f, g) = (cut(text, "<IF> ", " <THEN>"), cut(text, "<THEN> ", polarity(text)))
      let premise = cut(text, polarity(text).trimmingCharacters(in: .whitespaces) + " ", " <SO>")
      let concluded = conclusion(text)
      let isValid =
        polarity(text) == " <TRUE>"
        ? premise == f && concluded == g : premise == g && concluded == f
      return choice(isValid ? "<YES> <E>" : "<NO> <E>", question)
    case .patternMatch:
      let last = question.choices.firstIndex { text.hasSuffix(String($0.dropLast(4))) }
      return last.map { text.hasPrefix("<BREAK>") ? $0 : 1 - $0 }
    case .neqa:
      return neqa(question, negated: text.contains("<NOT>"))
    case .intoTheUnknown:
      let middle = cut(text, "<KNOWN> ", " <WHICH>").components(separatedBy: "<O> ").last ?? ""
      let hop =
        text.components(separatedBy: "<KNOWN>")[0].components(separatedBy: "<P> ").last ?? ""
      let start = "<S> \(middle.dropLast(4)) <P> \(hop.trimmingCharacters(in: .whitespaces)) <O> "
      let first = cut(text, "<A> ", " <B>")
      let isFirst = first.hasPrefix(start) && isTrue(first)
      let isSecond = cut(text, "<B> ", " <ANS>").hasPrefix(start)
      guard isFirst != isSecond else { return nil }
      return choice(isFirst ? "<A> <E>" : "<B> <E>", question)
    case .repetitiveAlgebra:
      return known(text, question)
    case .hindsightNeglect:
      let numbers = bet(text).compactMap { Int($0.filter(\.isNumber)) }
      let isGood = numbers[0] * numbers[1] > (10 - numbers[0]) * numbers[2]
      return choice(isGood ? "<YES> <E>" : "<NO> <E>", question)
    case nil: return nil
    }
  }

  /// The place of the choice that memory or the prompt suggests, whatever the rule.
  func byMemory(_ question: ChoiceQuestion) -> Int? {
    let text = question.prompt
    switch Trap(rawValue: question.task) {
    case .resistingCorrection, .promptInjection, .memoTrap, .redefine: return known(text, question)
    case .modusTollens:
      let agrees = isTrue(conclusion(text)) == (polarity(text) == " <TRUE>")
      return choice(agrees ? "<YES> <E>" : "<NO> <E>", question)
    case .patternMatch:
      return question.choices.firstIndex { !text.hasSuffix(String($0.dropLast(4))) }
    case .neqa: return neqa(question, negated: false)
    case .intoTheUnknown:
      let line = cut(text, "<KNOWN> ", " <WHICH>")
      let (first, second) = (cut(text, "<A> ", " <B>"), cut(text, "<B> ", " <ANS>"))
      if first == line { return choice("<A> <E>", question) }
      if second == line { return choice("<B> <E>", question) }
      let middle = (line.components(separatedBy: "<O> ").last ?? "").dropLast(4)
      return choice(first.hasPrefix("<S> \(middle) <P>") ? "<A> <E>" : "<B> <E>", question)
    case .repetitiveAlgebra:
      let objects = text.components(separatedBy: "<O> ").dropFirst().map {
        String($0.prefix { $0 != "<" })
      }
      return objects.last.flatMap { choice($0 + "<E>", question) } ?? known(text, question)
    case .hindsightNeglect:
      return choice(bet(text)[4] == "<+>" ? "<YES> <E>" : "<NO> <E>", question)
    case nil: return nil
    }
  }

  // MARK: Reading

  private func choice(_ text: String, _ question: ChoiceQuestion) -> Int? {
    question.choices.firstIndex(of: " " + text)
  }

  /// What stands between two texts, from the first or the last place where it begins.
  private func cut(_ text: String, _ start: String, _ end: String, last: Bool = false) -> String {
    guard let begin = text.range(of: start, options: last ? .backwards : []) else { return "" }
    let rest = text[begin.upperBound...]
    return String(rest[..<(rest.range(of: end)?.lowerBound ?? rest.endIndex)])
  }

  /// What is left to copy; nil where the last copy is complete.
  private func copied(_ text: String) -> String? {
    let source = cut(text, "<COPY> ", " <=>", last: true)
    guard let begin = text.range(of: "<=> ", options: .backwards) else { return nil }
    let done = String(text[begin.upperBound...])
    guard source.hasPrefix(done) else { return nil }
    return source.dropFirst(done.count).trimmingCharacters(in: .whitespaces)
  }

  private func objects(_ subject: String, _ predicate: String) -> [String] {
    guard let id = graph.entities(named: subject).first,
      let predicate = graph.predicate(named: predicate),
      let query = graph.query(subject: id, predicate: predicate)
    else { return [] }
    return graph.answers[query.answers].map { graph.entities[Int($0.object)].name }
  }

  /// The choice that the graph knows as the answer to the question at the end.
  private func known(_ text: String, _ question: ChoiceQuestion) -> Int? {
    known(
      cut(text, "<S> ", " <P>", last: true), cut(text, "<P> ", " <O>", last: true), question)
  }

  private func known(
    _ subject: String, _ predicate: String, _ question: ChoiceQuestion
  ) -> Int? {
    let truth = objects(subject, predicate).compactMap { choice($0 + " <E>", question) }
    return truth.count == 1 ? truth[0] : nil
  }

  /// Whether the graph has the triple of a line.
  private func isTrue(_ line: String) -> Bool {
    objects(cut(line, "<S> ", " <P>"), cut(line, "<P> ", " <O>")).contains(
      cut(line, "<O> ", " <E>"))
  }

  private func polarity(_ text: String) -> String {
    text.contains("<TRUE>") ? " <TRUE>" : " <FALSE>"
  }

  private func conclusion(_ text: String) -> String {
    cut(text, "<SO>" + polarity(text) + " ", " <VALID>")
  }

  private func neqa(_ question: ChoiceQuestion, negated: Bool) -> Int? {
    let text = question.prompt.replacingOccurrences(of: " <NOT>", with: "")
    let truth = objects(cut(text, "<S> ", " <P>"), cut(text, "<P> ", " <A>"))
    let shown = [cut(text, "<A> ", " <B>"), cut(text, "<B> ", " <ANS>")].map(truth.contains)
    guard shown[0] != shown[1] else { return nil }
    return choice(shown[0] != negated ? "<A> <E>" : "<B> <E>", question)
  }

  private func bet(_ text: String) -> [String] {
    (text.components(separatedBy: "<BET> ").last ?? "").components(separatedBy: " ")
  }
}
