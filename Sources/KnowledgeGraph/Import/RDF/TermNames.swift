import LabCore

/// How terms of RDF are named in a graph, and names written as terms: each way exact.
///
/// A term's name is its canonical text (`<http://example.org/a>`, `"text"@en`, `_:b0`). An IRI that
/// is the base and an encoded name is that name: `<urn:kglab:Ada%20Lovelace>` is Ada Lovelace. A
/// name that is the text of a term is written as that term, any other as an IRI under the base.
package struct TermNames: Hashable, Sendable {
  /// The IRI that names without a term of their own are written under.
  package static let defaultBase = "urn:kglab:"

  package let base: String
  private let prefix: [UInt8]

  /// Throws `LabError` where `base`, a user's option, is no absolute IRI.
  init(base: String) throws {
    self.base = base
    prefix = Array(base.utf8)
    guard let fault = IRIText.fault(prefix[...]) else { return }
    throw LabError("--base: '\(base)' \(fault)", .usage)
  }

  // MARK: From terms to names

  /// The name of an IRI that is given without its brackets, and checked.
  func name(ofIRI iri: ArraySlice<UInt8>, _ scratch: inout [UInt8]) -> ArraySlice<UInt8>? {
    guard iri.count > prefix.count, iri.starts(with: prefix) else { return nil }
    let rest = iri.dropFirst(prefix.count)
    guard IRIText.decode(rest, &scratch) else { return nil }
    return scratch[...]
  }

  // MARK: From names to terms

  /// The term of a name: an IRI, a literal or a blank node.
  func term(of name: [UInt8]) -> [UInt8] {
    guard isTerm(name) else { return iri(of: name) }
    return name.first == UInt8(ascii: "<") ? IRIText.escaped(name) : name
  }

  /// As a predicate, where nothing but an IRI may stand.
  func predicate(of name: [UInt8]) -> [UInt8] {
    let term = term(of: name)
    return term.first == UInt8(ascii: "<") ? term : iri(of: name)
  }

  func iri(of name: [UInt8]) -> [UInt8] {
    var text: [UInt8] = [UInt8(ascii: "<")]
    text += prefix
    IRIText.encode(name, to: &text)
    text.append(UInt8(ascii: ">"))
    return text
  }

  /// Whether a name is the text of one term, and would be read back as it stands.
  private func isTerm(_ name: [UInt8]) -> Bool {
    guard let first = name.first, [0x3C, 0x22, 0x5F].contains(first) else { return false }
    var parser = TermParser(self)
    parser.start(name[...])
    guard let read = try? parser.next(.object), parser.isAtEnd else { return false }
    return read.elementsEqual(name)
  }
}
