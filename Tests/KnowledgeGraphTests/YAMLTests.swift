import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// What is read as YAML, and how far it may go.
struct YAMLTests {
  private func problem(_ text: String, overrides: [String] = []) -> String {
    failure { try SchemaTests.parse(text, overrides: overrides) }
  }

  private func minimal(_ old: String, _ new: String) -> String {
    SchemaTests.minimal.replacingOccurrences(of: old, with: new)
  }

  @Test(arguments: [
    ("  born in:", "  \"\":"), ("  born in:", "  \"born\\0in\":"),
    ("  city:", "  \"\":"), ("  city:", "  \"ci\\0ty\":"),
    ("{model: multi_part, pool: 5}", "{model: opaque, prefix: \"a\\0\"}"),
    ("    objects: 1", "    templates: [\"{subject}\\0{object}\"]"),
  ])
  func namesThatNoGraphHoldsAreRefused(old: String, new: String) {
    let message = problem(minimal(old, new))
    #expect(message.contains("s.yaml:"), "\(message)")
    #expect(message.contains("is empty") || message.contains("holds a NUL"), "\(message)")
    #expect(!message.contains("\n"), "\(message)")
  }

  @Test func namesThatAnImportTakesAreTakenHere() throws {
    let text = minimal("  born in:", "  \"born\\tin\\n\":")
      .replacingOccurrences(of: "city", with: "\"ci\\nty\"")
    let schema = try SchemaTests.parse(text)
    #expect(schema.predicates.map(\.name) == ["born\tin\n"])
    #expect(schema.predicates[0].object == "ci\nty")
  }

  @Test func aKeyIsThereOnceHoweverItIsWritten() {
    let message = problem(
      SchemaTests.minimal.replacingOccurrences(of: "  person:", with: "  1:")
        .replacingOccurrences(of: "  city:", with: "  \"1\":"))
    #expect(message.contains("s.yaml:6") && message.contains("twice"), "\(message)")
  }

  @Test(arguments: ["true", "True", "TRUE"]) func truthHasThreeSpellings(word: String) throws {
    let text = minimal("    objects: 1", "    functional: \(word)")
    #expect(try SchemaTests.parse(text).predicates[0].constraints?.functional == true)
    let not = minimal("    objects: 1", "    functional: \(word == "true" ? "False" : "FALSE")")
    #expect(try SchemaTests.parse(not).predicates[0].constraints == nil)
    #expect(problem(minimal("    objects: 1", "    functional: yes")).contains("true or false"))
  }

  // MARK: Aliases and merge keys

  @Test func mergeKeysFillInWhatIsNotThere() throws {
    let schema = try SchemaTests.parse(
      """
      name: merged
      entity_types:
        person: &type {count: 20, name: {model: opaque, prefix: p-}}
        city: {name: {model: opaque, prefix: c-}, <<: *type}
      predicates:
        first: &first {subject: person, object: city, coverage: 0.5}
        second: &second {<<: *first, coverage: 0.25}
        third: {<<: [*second, *first]}
      """)
    #expect(schema.entityTypes.map(\.count) == [20, 20])
    #expect(schema.entityTypes[1].names == .opaque(prefix: "c-", digits: 6, start: 1))
    #expect(schema.predicates.map(\.coverage) == [0.5, 0.25, 0.25])
    #expect(problem(minimal("    objects: 1", "    <<: 1")).contains("s.yaml:13: the merge key"))
  }

  /// `depth` levels of ten aliases each, at the end of a schema.
  private func bomb(_ depth: Int, key: String) -> String {
    var text = "x:\n  a0: &a0 {k: 1}\n"
    for level in 1...depth {
      let items = (0..<10).map { "k\($0): *a\(level - 1)" }.joined(separator: ", ")
      text += "  a\(level): &a\(level) {\(items)}\n"
    }
    return SchemaTests.minimal + "\n" + text + key
  }

  @Test(.timeLimit(.minutes(1))) func whatAliasesStandForIsBounded() {
    #expect(problem(bomb(2, key: "")).contains("unknown key 'x'"))
    #expect(problem(bomb(9, key: "")).contains("more than 100000 values"))
    for key in [
      "  *a9 : 1\n  *a8 : 1\n", "  ? *a9\n  : 1\n", "  {*a9 : 1, *a9 : 2}\n", "  ? [*a9]\n  : 1\n",
      "  {b: *a9}: 1\n",
    ] { #expect(problem(bomb(9, key: key)).contains("plain text"), "\(key)") }
    let deep = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
    #expect(problem(SchemaTests.minimal + "\nx: \(deep)").contains("nested more than"))
    #expect(
      problem(SchemaTests.minimal, overrides: ["x=\(deep)"]).contains("--set x: values are nested"))
  }

  @Test func templatesBesideAliasesAreNoKeys() throws {
    let schema = try SchemaTests.parse(
      minimal(
        "    objects: 1", "    templates: &t [\"{subject}: {object}\", '{subject}? {object}']")
        + "\n  lived in: {subject: person, object: city, templates: *t}")
    #expect(schema.predicates[1].templates == ["{subject}: {object}", "{subject}? {object}"])
  }

  @Test func aPathIsNotDeeperThanASchema() {
    let path = Array(repeating: "a", count: 20_000).joined(separator: ".")
    let message = problem(SchemaTests.minimal, overrides: ["\(path)=1"])
    #expect(message.contains("more than 16 parts") && message.utf8.count < 300, "\(message)")
  }

  // MARK: Files and numbers

  @Test func otherEncodingsAreNamed() throws {
    let folder = try TemporaryFolder()
    let url = folder["s.yaml"]
    func says(_ data: Data?, _ part: String) throws {
      try #require(data).write(to: url)
      expectFailure(part, "s.yaml") { try GraphSchema.read(url) }
    }
    try says(SchemaTests.minimal.data(using: .utf16), "UTF-16")
    try says(SchemaTests.minimal.data(using: .utf16LittleEndian), "UTF-16")
    try says(Data([0x6E, 0xFF, 0x3A]), "not UTF-8")
  }

  @Test(arguments: [
    (
      "count: 5\n        name: {model: multi_part, pool: 5}",
      "name: {model: code, pattern: A9A9A9A9A9A9}", "fit"
    ),
    ("    objects: 1", "    objects: {weights: [0, 1e300, 1e300]}", "between 0 and 1e15"),
    ("    objects: 1", "    popularity: {weights: [1e308, 1e308]}", "between 0 and 1e15"),
  ])
  func numbersThatNothingCanHoldAreRefused(old: String, new: String, says: String) {
    let message = problem(
      minimal(old.replacingOccurrences(of: "        name", with: "    name"), new))
    #expect(message.contains(says), "\(message)")
  }
}
