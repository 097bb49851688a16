import Foundation
import LabCore

/// What an imported triple has beside subject, predicate and object.
struct TripleAttributes: Hashable, Sendable {
  /// Whether it is trained on.
  var isTrained = true
  /// Why it is not, where the file says so.
  var level: HeldOutLevel?
  var bits: Double?
  /// Presentations in one epoch, at least 1.
  var exposures: Int32 = 1
  var derivation: Derivation?
  var isInferable = false
  var noise: Noise?

  /// Whether it is trained on without being true.
  var isFalse: Bool { noise?.isFalse ?? false }
}

/// Gathers triples: names become ids, and a triple takes 16 bytes.
struct TripleCollector {
  struct Entry {
    let subject: Int32
    let predicate: Int32
    let object: Int32
    /// Position in `attributes`.
    let attribute: Int32
  }

  /// A part of a triple, for messages.
  enum Part: String { case subject, predicate, object, type }

  /// Ends the name in an entity's key; what follows tells entities of the same name apart.
  static let separator: UInt8 = 0

  /// What was skipped of the lines, where malformed ones are.
  private(set) var skipped: SkippedLines?
  /// The line of each entry, where that is asked for.
  private(set) var lines: [Int]?
  private var currentLine = 0
  private let progress: ProgressReporter
  private(set) var entities = NameTable()
  private(set) var predicates = NameTable()
  private(set) var entries: [Entry] = []
  private(set) var attributes: [TripleAttributes] = []
  private var attributeIDs: [TripleAttributes: Int32] = [:]
  /// Where ids come from, when a file gives them: then they stay as they are, and no name is added.
  private(set) var idSource: String?
  /// Types of entities and predicates where a file of ids gives them.
  private(set) var vocabularyTypes = VocabularyTypes()
  /// Whether keys of entities have more than names.
  private(set) var hasKeys = false
  private var key: [UInt8] = []

  init(
    skipsMalformed: Bool = false, keepsLines: Bool = false, progress: ProgressReporter = .silent
  ) {
    self.progress = progress
    skipped = skipsMalformed ? SkippedLines() : nil
    lines = keepsLines ? [] : nil
  }

  /// Reads a line by `body`: whole, or where malformed lines are skipped, nothing of it.
  ///
  /// Throws on a request to stop, and where malformed lines are not skipped, what is wrong with
  /// this one.
  mutating func read(
    _ line: ArraySlice<UInt8>, _ number: Int, of url: URL,
    _ body: (inout TripleCollector) throws -> Void
  ) throws {
    currentLine = number
    if number & 0xFFFF == 0 {
      try Interruption.check("importing")
      progress.update("\(url.lastPathComponent): \(Readable.count(Double(number))) lines")
    }
    let (entityCount, predicateCount) = (entities.count, predicates.count)
    do {
      try LineReader.refuseReturns(line)
      try body(&self)
    } catch let fault as LineFault where skipped != nil {
      entities.removeLast(entities.count - entityCount)
      predicates.removeLast(predicates.count - predicateCount)
      skipped?.add("\(url.lastPathComponent):\(number): \(fault.text)")
    }
  }

  var hasHeldOut: Bool { attributes.contains { !$0.isTrained } }

  /// The number of these attributes in `attributes`.
  mutating func number(of value: TripleAttributes) -> Int32 {
    if let known = attributeIDs[value] { return known }
    let number = Int32(truncatingIfNeeded: attributes.count)
    attributes.append(value)
    attributeIDs[value] = number
    return number
  }

  /// The id of an entity, which is added if it is new.
  ///
  /// `suffix` tells it from others of the same name: a type, and after a separator anything. Throws
  /// `LineFault` for names that are empty, hold NUL or are not UTF-8.
  mutating func entity(
    _ name: ArraySlice<UInt8>, _ part: Part, suffix: ArraySlice<UInt8> = []
  ) throws -> Int32 {
    guard !suffix.isEmpty else { return try Self.insert(name, part, idSource, &entities) }
    try Self.check(name, part)
    hasKeys = true
    key.removeAll(keepingCapacity: true)
    key.append(contentsOf: name)
    key.append(Self.separator)
    key.append(contentsOf: suffix)
    guard let (id, _) = entities.insert(key[...]) else { throw LineFault(Self.tooMany) }
    return id
  }

  /// The id of a predicate, which is added if it is new; throws as `entity` does.
  mutating func predicate(_ name: ArraySlice<UInt8>) throws -> Int32 {
    try Self.insert(name, .predicate, idSource, &predicates)
  }

  /// Adds a triple; throws `LineFault` where the files of ids give it types that contradict each
  /// other.
  mutating func add(subject: Int32, predicate: Int32, object: Int32, attribute: Int32) throws {
    if !vocabularyTypes.ofPredicates.isEmpty {
      let stated = vocabularyTypes.ofPredicates[Int(predicate)]
      try checkType(of: subject, .subject, stated.subject, predicate)
      try checkType(of: object, .object, stated.object, predicate)
    }
    lines?.append(currentLine)
    entries.append(
      Entry(subject: subject, predicate: predicate, object: object, attribute: attribute))
  }

  private func checkType(
    of entity: Int32, _ part: Part, _ stated: Int32?, _ predicate: Int32
  ) throws {
    let type = vocabularyTypes.ofEntities[Int(entity)]
    guard let stated, !vocabularyTypes.kinds.isKind(type, of: stated) else { return }
    throw LineFault(
      "the \(part) '\(entities.text(Int(entity)))' is of type '\(vocabularyTypes.name(type))', and a "
        + "\(part) of '\(predicates.text(Int(predicate)))' is of type '\(vocabularyTypes.name(stated))'; "
        + "correct the line, or the types in \(idSource ?? "the files of ids")")
  }

  /// Takes the names of a graph in order of id, from the file or files that `source` names.
  mutating func fix(
    entities: NameTable, predicates: NameTable, types: VocabularyTypes = VocabularyTypes(),
    source: String
  ) {
    self.entities = entities
    self.predicates = predicates
    vocabularyTypes = types
    idSource = source
  }

  /// Gives the triples away, so that their memory can go.
  mutating func takeEntries() -> [Entry] {
    defer { entries = [] }
    return entries
  }

  private static let tooMany = "there are more names than fit, 2^31 - 1"

  private static func insert(
    _ name: ArraySlice<UInt8>, _ part: Part, _ idSource: String?, _ names: inout NameTable
  ) throws -> Int32 {
    if let idSource {
      guard let id = names.id(of: name) else {
        try check(name, part)
        throw LineFault(
          "the \(part) '\(String(decoding: name, as: UTF8.self))' is not in \(idSource); add it there, "
            + "or import the files without that one")
      }
      return id
    }
    guard let (id, isNew) = names.insert(name) else { throw LineFault(tooMany) }
    if isNew { try check(name, part) }
    return id
  }

  /// Throws `LineFault` for what can be no name.
  static func check(_ name: ArraySlice<UInt8>, _ part: Part) throws {
    if let fault = GraphName.fault(name) { throw LineFault("the \(part) \(fault)") }
  }
}
