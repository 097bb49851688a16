/// Types that files give to entities and predicates.
struct VocabularyTypes: Sendable {
  private var table = NameTable()
  /// One for each entity; empty where none is given.
  var ofEntities: [Int32] = []
  /// Subject and object type for each predicate; empty where none is given.
  var ofPredicates: [(subject: Int32?, object: Int32?)] = []
  /// Which types are kinds of which; empty where no file says so.
  private(set) var parents: [Int32?] = []
  private(set) var kinds = TypeKinds()

  /// All types in order of their numbers.
  var all: [EntityType] {
    (0..<table.count).map { type in
      EntityType(name: table.text(type), parent: parents.isEmpty ? nil : parents[type])
    }
  }

  func name(_ type: Int32) -> String { table.text(Int(type)) }

  /// The number of a type, which is added if it is new.
  ///
  /// Throws `LineFault` where a file lists the types and this is none of them.
  mutating func number(of name: ArraySlice<UInt8>) throws -> Int32 {
    if let known = table.id(of: name) { return known }
    guard parents.isEmpty, let (id, _) = table.insert(name) else {
      throw LineFault(
        "there is no type '\(String(decoding: name, as: UTF8.self))' in \(IdentifierMaps.typeFile).tsv; "
          + "add it there or correct it")
    }
    return id
  }

  /// Takes the types of a file in order of id; throws `LineFault` where parents lead in a circle.
  mutating func fix(_ names: NameTable, parents: [Int32?]) throws {
    table = names
    self.parents = parents
    kinds = TypeKinds(all)
    guard let type = kinds.typeOnACircle else { return }
    throw LineFault(
      "the parents of the type '\(name(type))' lead back to itself; remove one of them")
  }

  /// Numbers the types by the first entity that has each, then by the first predicate.
  ///
  /// So the order of lines in the files of ids does not matter.
  mutating func renumber() {
    guard parents.isEmpty else { return }
    var old = VocabularyTypes()
    swap(&old, &self)
    var numbers = [Int32](repeating: -1, count: old.table.count)
    func number(_ type: Int32) -> Int32 {
      if numbers[Int(type)] < 0 {
        numbers[Int(type)] = Int32(truncatingIfNeeded: table.count)
        table.append(old.table[Int(type)])
      }
      return numbers[Int(type)]
    }
    ofEntities = old.ofEntities.map(number)
    ofPredicates = old.ofPredicates.map { ($0.subject.map(number), $0.object.map(number)) }
  }
}
