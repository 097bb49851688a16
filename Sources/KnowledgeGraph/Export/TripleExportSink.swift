import Foundation
import LabCore

/// Writes a graph as text while it passes by; memory holds its names, not its triples.
struct TripleExportSink: GraphSink {
  private let notation: TripleNotation
  private let fraction: Double
  private let progress: ProgressReporter
  /// Nil where lines are only counted.
  private let files: ExportFiles?
  private var types: [EntityType] = []
  private var predicates: [[UInt8]] = []
  private var predicateHashes: [UInt64] = []
  private var names: [UInt8] = []
  private var ends: [Int] = []
  private var hashes: [UInt64] = []
  private var typeOfEntity: [Int32] = []
  /// Names that several entities have; nil until all are known.
  private(set) var sharedNameCount: Int?
  /// By part.
  private(set) var triples = [0, 0, 0]
  /// Triples that are trained on without being true, and that the format has no place for.
  private(set) var falsehoodCount = 0
  private var rowCount = 0

  init(
    _ notation: TripleNotation, fraction: Double, to files: ExportFiles?, progress: ProgressReporter
  ) {
    self.notation = notation
    self.fraction = fraction
    self.files = files
    self.progress = progress
  }

  /// Whether types say more than an import without any would.
  private var isTyped = false
  /// Types as files of ids have them, and in the order in which an import would number them.
  private var typeNames: [[UInt8]] = []
  private var typesInUse: [Int32] = []
  private var isInUse: [Bool] = []
  private var typesOfPredicates: [Int32] = []

  mutating func begin(entityTypes: [EntityType], predicates: [Predicate]) throws {
    types = entityTypes
    isInUse = types.map { _ in false }
    typesOfPredicates = predicates.flatMap { [$0.subjectType, $0.objectType] }.compactMap { $0 }
    isTyped = types.map(\.name) != [TripleEmitter.untyped] || !typesOfPredicates.isEmpty
    if listsNames, notation.format == .tsv, isTyped {
      typeNames = try types.map { try notation.type($0.name) }
    }
    predicateHashes = predicates.map { NameHash.hash($0.name) }
    self.predicates = try predicates.enumerated().map { id, predicate in
      try notation.predicate(Array(predicate.name.utf8), id: id)
    }
    try files?.beginNames(isTyped: isTyped)
    for (id, predicate) in predicates.enumerated() {
      try files?.add(
        try notation.listed(Array(predicate.name.utf8), id: id), id: id,
        types: typeNames.isEmpty
          ? [] : [predicate.subjectType, predicate.objectType].map { typeName($0) },
        to: .predicates)
    }
  }

  mutating func add(_ entity: Entity) throws {
    let name = Array(entity.name.utf8)
    let id = ends.count
    if notation.format != .openke {
      names.append(contentsOf: try notation.entity(name, id: id))
    }
    ends.append(names.count)
    hashes.append(NameHash.hash(name[...]))
    if notation.format == .jsonl, isTyped { typeOfEntity.append(entity.type) }
    if listsNames {
      use(entity.type)
      try files?.add(
        try notation.listed(name, id: id), id: id,
        types: typeNames.isEmpty ? [] : [typeName(entity.type)], to: .entities)
    }
  }

  mutating func add(_ fact: Fact) throws {
    if sharedNameCount == nil { try endNames() }
    rowCount += 1
    if rowCount & 0xFFFF == 0 {
      try Interruption.check("exporting")
      progress.update("triple \(Readable.count(Double(rowCount)))")
    }
    let subject = hashes[Int(fact.triple.subject)]
    let predicate = predicateHashes[Int(fact.triple.predicate)]
    if fraction < 1, NameHash.rank(subject: subject, predicate: predicate) >= fraction { return }
    if notation.format == .text, fact.heldOut != nil { return }
    guard fact.isTrue || notation.format == .jsonl || notation.format == .text else {
      falsehoodCount += 1
      return
    }
    let part = SplitRule.part(of: fact, subject: subject, predicate: predicate)
    triples[part.rawValue] += 1
    guard let file = try files?.part(part) else { return }
    // The file of training text is one epoch.
    for _ in 0..<(notation.format == .text ? fact.exposures : 1) {
      try file.line { line in write(fact, part, to: &line) }
    }
  }

  /// Counts shared names, once all are there.
  mutating func endNames() throws {
    guard sharedNameCount == nil else { return }
    var sorted = hashes
    sorted.sort()
    var count = 0
    for index in sorted.indices.dropFirst() where sorted[index] == sorted[index - 1] { count += 1 }
    sharedNameCount = count
    for type in typesOfPredicates { use(type) }
    if typesInUse != types.indices.map({ Int32($0) }) || types.contains(where: { $0.parent != nil })
    {
      try files?.addTypes(
        zip(typeNames, types).map { name, type in (name, typeName(type.parent)) })
    }
    try files?.endNames(areUnique: count == 0)
  }

  private var listsNames: Bool { files?.listsNames ?? false }

  var counts: ExportCounts {
    ExportCounts(entities: ends.count, predicates: predicates.count, triples: triples)
  }

  private mutating func use(_ type: Int32) {
    guard !isInUse[Int(type)] else { return }
    isInUse[Int(type)] = true
    typesInUse.append(type)
  }

  private func typeName(_ type: Int32?) -> [UInt8] {
    type.map { typeNames[Int($0)] } ?? Array(IdentifierMaps.untyped.utf8)
  }

  // MARK: Lines

  private func name(_ id: Int32) -> ArraySlice<UInt8> {
    names[(id == 0 ? 0 : ends[Int(id) - 1])..<ends[Int(id)]]
  }

  private func write(_ fact: Fact, _ part: SplitRule.Part, to line: inout [UInt8]) {
    let triple = fact.triple
    let predicate = predicates[Int(triple.predicate)]
    switch notation.format {
    case .tsv:
      line.append(contentsOf: name(triple.subject))
      line.append(contentsOf: predicate)
      line.append(contentsOf: name(triple.object))
    case .openke:
      line.append(contentsOf: String(triple.subject).utf8)
      line.append(0x20)
      line.append(contentsOf: String(triple.object).utf8)
      line.append(contentsOf: predicate)
    case .ntriples:
      let subject = name(triple.subject)
      // No literal may stand there.
      let isLiteral = subject.first == UInt8(ascii: "\"")
      line.append(contentsOf: isLiteral ? notation.terms.iri(of: Array(subject))[...] : subject)
      line.append(contentsOf: predicate)
      line.append(contentsOf: name(triple.object))
      line.append(contentsOf: " .".utf8)
    case .jsonl:
      line.append(contentsOf: "{\"subject\":".utf8)
      line.append(contentsOf: name(triple.subject))
      line.append(contentsOf: predicate)
      line.append(contentsOf: name(triple.object))
      writeAttributes(fact, part, to: &line)
      line.append(UInt8(ascii: "}"))
    case .text:
      line.append(contentsOf: "{\"text\":\"<S> ".utf8)
      line.append(contentsOf: name(triple.subject))
      line.append(contentsOf: predicate)
      line.append(contentsOf: name(triple.object))
      line.append(contentsOf: " <E>\"}".utf8)
    }
  }

  private func writeAttributes(_ fact: Fact, _ part: SplitRule.Part, to line: inout [UInt8]) {
    func add(_ key: TripleKey, _ value: some Sequence<UInt8>) {
      line.append(contentsOf: ",\"".utf8)
      line.append(contentsOf: key.rawValue.utf8)
      line.append(contentsOf: "\":".utf8)
      line.append(contentsOf: value)
    }
    add(.split, JSONText.quoted(Array(part.name.utf8)))
    if let level = fact.heldOut { add(.heldOut, JSONText.quoted(Array(level.rawValue.utf8))) }
    if isTyped {
      func type(_ id: Int32) -> [UInt8] {
        JSONText.quoted(Array(types[Int(typeOfEntity[Int(id)])].name.utf8))
      }
      add(.subjectType, type(fact.triple.subject))
      add(.objectType, type(fact.triple.object))
    }
    if sharedNameCount ?? 0 > 0 {
      add(.subjectID, String(fact.triple.subject).utf8)
      add(.objectID, String(fact.triple.object).utf8)
    }
    if let bits = fact.bits { add(.bits, "\(bits)".utf8) }
    if fact.exposures != 1 { add(.exposures, String(fact.exposures).utf8) }
    if let derivation = fact.derivation {
      add(.derivation, JSONText.quoted(Array(derivation.rawValue.utf8)))
    }
    if fact.isInferable { add(.inferable, "true".utf8) }
    if let noise = fact.noise { add(.noise, JSONText.quoted(Array(noise.rawValue.utf8))) }
  }
}
