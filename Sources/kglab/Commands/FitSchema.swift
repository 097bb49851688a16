import ArgumentParser
import Console
import Foundation
import KnowledgeGraph
import LabCore

struct FitSchema: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit-schema",
    abstract: "Learn a schema from a graph, to generate look-alikes of any size.",
    discussion: """
      Learns entity types (from the predicates, where the graph states none), how many objects subjects \
      have, how popular objects are, and what always holds, and writes a commented schema. Then generates \
      a look-alike and prints how far it is from the source: the total variation (tv) and \
      Kolmogorov-Smirnov (ks) distances of objects per subject and of popularity.

      EXAMPLES:
        kglab fit-schema graph.sqlite --out look-alike.yaml
        kglab fit-schema graph.sqlite --out look-alike.yaml --no-check
        kglab fit-schema imported.sqlite --overlap 0.3 --out look-alike.yaml
      """)

  @Argument(help: "The graph file (SQLite), generated or imported.")
  var graph: String

  @Option(help: "The schema to write (YAML).")
  var out: String

  @Flag(inversion: .prefixedNo, help: "Generate a look-alike and compare.")
  var check = true

  @Option(help: "The seed of the look-alike.")
  var seed: UInt64 = 0

  @Option(
    help: ArgumentHelp(
      "Share of the smaller of two sides of predicates that makes them one type.",
      valueName: "share"))
  var overlap = 0.5

  @Option(
    help: ArgumentHelp(
      "Triples that a predicate needs before functional, symmetric, ... are believed.",
      valueName: "triples"))
  var minimum = 20

  @Option(
    help: ArgumentHelp(
      "Object types up to this size may get a weight for each object.", valueName: "entities"))
  var largestList = 512

  @Flag(help: "Replace the file if it exists.")
  var force = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    guard overlap > 0, overlap <= 1 else {
      throw ValidationError("--overlap must be above 0 and at most 1, not \(overlap)")
    }
    try OptionRange.require(minimum, 2...1_000_000_000, "--minimum")
    try OptionRange.require(largestList, 0...1_000_000_000, "--largest-list")
  }

  private struct Result: Encodable {
    /// With its keys as they are in graphs, one of them in camel case.
    let schema: JSONValue
    let predicates: [FittedSchema.PredicateFit]
    let likeness: Likeness?
  }

  func run() throws {
    let url = URL(fileURLWithPath: out)
    try Inputs.refuse(url, writingOver: [URL(fileURLWithPath: graph)])
    switch FileKind.of(url) {
    case .folder: throw LabError("\(out) is a folder; give --out the name of a file", .usage)
    case .file where !force:
      throw LabError("\(out) exists; choose another name, or add --force to replace it", .usage)
    case .file, nil: break
    }
    var options = SchemaFitOptions()
    options.overlap = overlap
    options.minimumTriples = minimum
    options.largestList = largestList
    let fitted = try FittedSchema(of: URL(fileURLWithPath: graph), options: options)
    let likeness =
      check ? try fitted.likeness(seed: Seed(seed), progress: ProgressReporter()) : nil
    try AtomicFile.write(Data(fitted.text.utf8), to: url)
    if json {
      return try Output.json(
        Result(
          schema: CanonicalJSON.decode(from: CanonicalJSON.compact(fitted.schema)),
          predicates: fitted.predicates, likeness: likeness))
    }
    show(fitted)
    if let likeness { show(likeness) }
    Output.line(
      "wrote \(out) (\(fitted.schema.entityTypes.count) types"
        + "\(fitted.hasStatedTypes ? "" : " guessed"), \(fitted.predicates.count) predicates)")
    Output.next("kglab", "generate", out, "--out", "look-alike.sqlite")
  }

  private func show(_ fitted: FittedSchema) {
    var table = TextTable(
      [
        "predicate", "subject", "object", "objects", "popularity", "holds", "coverage", "triples",
        "subjects", "distinct",
      ], left: Set(0..<6))
    for row in fitted.predicates {
      table.add([
        row.name, row.subjectType, row.objectType, Self.short(row.objects),
        Self.short(row.popularity), row.traits.isEmpty ? "-" : row.traits.joined(separator: ", "),
        Readable.number(row.coverage), row.tripleCount.grouped,
        row.subjectCount.grouped, row.distinctObjectCount.grouped,
      ])
    }
    Output.table(table)
    Output.line()
  }

  /// A list of weights by its length.
  private static func short(_ words: String) -> String {
    guard words.hasPrefix("{weights: ["), words.count > 32 else { return words }
    return "\(words.split(separator: ",").count) weights"
  }

  private func show(_ likeness: Likeness) {
    var table = TextTable([
      "predicate", "source triples", "look-alike", "objects tv", "ks", "popularity tv", "ks",
    ])
    func cells(_ value: (KeyPath<Likeness.Distance, Double>, Bool) -> Double) -> [String] {
      [
        value(\.totalVariation, true), value(\.kolmogorovSmirnov, true),
        value(\.totalVariation, false), value(\.kolmogorovSmirnov, false),
      ].map { Readable.fixed($0, 3) }
    }
    func distance(
      _ row: Likeness.PredicateLikeness, _ kind: KeyPath<Likeness.Distance, Double>,
      _ isObjects: Bool
    ) -> Double {
      (isObjects ? row.objects : row.popularity)[keyPath: kind]
    }
    for row in likeness.predicates {
      table.add(
        [row.name, row.sourceTripleCount.grouped, row.tripleCount.grouped]
          + cells { distance(row, $0, $1) })
    }
    table.add(
      [
        "all (mean by triples)", likeness.sourceTripleCount.grouped,
        likeness.tripleCount.grouped,
      ] + cells { kind, isObjects in likeness.mean { distance($0, kind, isObjects) } })
    table.add(
      ["largest", "", ""]
        + cells { kind, isObjects in likeness.largest { distance($0, kind, isObjects) } })
    Output.table(table)
    Output.line()
    Output.line(
      "look-alike     \(likeness.entityCount.grouped) entities, where the source has "
        + "\(likeness.sourceEntityCount.grouped); seed \(likeness.seed)")
  }
}
