/// A template such as "{subject} was born in {object}", cut at its names.
struct SentenceTemplate: Hashable, Sendable {
  /// What stands before the subject, without white space at its beginning.
  let leading: String
  /// What stands between subject and object, without white space at its end: `<O>` takes that
  /// place.
  let trailing: String

  /// Throws `CorpusError.templateMalformed` saying what is wrong.
  init(_ template: String, predicate: String) throws(CorpusError) {
    func fault(_ reason: String) -> CorpusError {
      .templateMalformed(predicate: predicate, template: template, reason: reason)
    }
    guard let subject = template.firstRange(of: "{subject}") else {
      throw fault("has no {subject}")
    }
    let rest = template[subject.upperBound...]
    guard let object = rest.firstRange(of: "{object}") else {
      throw fault(
        template.contains("{object}") ? "has {object} before {subject}" : "has no {object}")
    }
    let end = rest[object.upperBound...]
    guard end.allSatisfy(\.isWhitespace) || end == "." else {
      throw fault("goes on after {object}, where the answer ends")
    }
    let parts = [template[..<subject.lowerBound], rest[..<object.lowerBound]]
    guard !parts.contains(where: { $0.contains("{subject}") || $0.contains("{object}") }) else {
      throw fault("has {subject} or {object} twice")
    }
    if let special = SpecialToken.inside(template) {
      throw fault("contains the special token \(special.text)")
    }
    leading = String(parts[0].drop(while: \.isWhitespace))
    trailing = String(
      parts[1].reversed().drop(while: \.isWhitespace).reversed())
  }

  /// Whether a space comes before the subject, and something before that.
  var nameFollowsSpace: Bool { leading.utf8.last == 0x20 }

  /// The text around the name, as a tokenizer is to know it.
  ///
  /// A space before the name belongs to the name.
  var texts: [String] {
    [nameFollowsSpace ? String(leading.dropLast()) : leading, trailing].filter { !$0.isEmpty }
  }
}
