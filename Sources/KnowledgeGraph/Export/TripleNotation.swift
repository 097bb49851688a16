import LabCore

/// How names are written in one format.
struct TripleNotation {
  let format: TripleFormat
  let escape: NameEscape
  let terms: TermNames

  /// An entity as it stands in a line; throws `LabError` where the format cannot hold its name.
  func entity(_ name: [UInt8], id: Int) throws -> [UInt8] {
    switch format {
    case .tsv: return try escaped(name, "entity \(id)")
    case .openke: return Array(String(id).utf8)
    case .ntriples: return terms.term(of: name)
    case .jsonl: return JSONText.quoted(name)
    case .text: return JSONText.escaped(name)
    }
  }

  /// A predicate with all that stands between subject and object.
  func predicate(_ name: [UInt8], id: Int) throws -> [UInt8] {
    switch format {
    case .tsv: return [0x09] + (try escaped(name, "predicate \(id)")) + [0x09]
    // Head, tail, relation: the predicate comes last.
    case .openke: return [0x20] + Array(String(id).utf8)
    case .ntriples: return [0x20] + terms.predicate(of: name) + [0x20]
    case .jsonl:
      return Array(",\"predicate\":".utf8) + JSONText.quoted(name) + Array(",\"object\":".utf8)
    case .text: return Array(" <P> ".utf8) + JSONText.escaped(name) + Array(" <O> ".utf8)
    }
  }

  /// A name as a file of names holds it.
  func listed(_ name: [UInt8], id: Int) throws -> [UInt8] { try escaped(name, "name \(id)") }

  /// A type as a file of ids holds it, where one mark stands for none.
  func type(_ name: String) throws -> [UInt8] {
    guard name == IdentifierMaps.untyped else { return try escaped(Array(name.utf8), "type") }
    guard escape == .marked else {
      throw LabError(
        "the type '\(name)' cannot be told from no type with --escape \(escape.rawValue); leave it out, "
          + "or choose another --format")
    }
    return NameEscape.mark(Array(name.utf8))
  }

  private func escaped(_ name: [UInt8], _ what: String) throws -> [UInt8] {
    guard let text = escape.written(name) else {
      throw LabError(
        "\(what), '\(String(decoding: name, as: UTF8.self).debugDescription.dropFirst().dropLast())', "
          + "holds a tab or line end, which --escape none cannot write; leave out --escape, or choose "
          + "another --format")
    }
    return text
  }
}
